/* units.c - sizes and times as people write them: see conf.h. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "base.h"

/* Whatever locale the program has set by now: with a decimal point. */
static double number(const char *s, char **end) { return strtod_l(s, end, newlocale(LC_ALL_MASK, "C", NULL)); }

int parse_size(const char *s, uint64_t whole, uint64_t *bytes)
{
	char *end;
	if (!isdigit((unsigned char)*s) && *s != '.')
		return -EINVAL;
	double v = number(s, &end);
	switch (toupper((unsigned char)*end)) {
	case '%':
		if (!whole)
			return -EINVAL;
		v = v / 100 * (double)whole;
		end++;
		break;
	case 'T': v *= 1024; /* fall through */
	case 'G': v *= 1024; /* fall through */
	case 'M': v *= 1024; /* fall through */
	case 'K': v *= 1024; end++; break;
	default: break;
	}
	if (*end || !(v >= 0 && v < 9e18))
		return -EINVAL;
	*bytes = (uint64_t)v;
	return 0;
}

int parse_time(const char *s, uint64_t *ns)
{
	char *end;
	if (!isdigit((unsigned char)*s) && *s != '.')
		return -EINVAL;
	double v = number(s, &end) * 1e9;
	if (!strcmp(end, "ms"))
		v /= 1000;
	else if (!strcmp(end, "m"))
		v *= 60;
	else if (*end && strcmp(end, "s"))
		return -EINVAL;
	if (!(v >= 0 && v < 9e18))
		return -EINVAL;
	*ns = (uint64_t)v;
	return 0;
}

int parse_rate(const char *s, double *rate)
{
	char *end;
	if (!isdigit((unsigned char)*s) && *s != '.')
		return -EINVAL;
	double v = number(s, &end);
	if (*end || !(v >= 0 && v <= 1e6))
		return -EINVAL;
	*rate = v;
	return 0;
}
