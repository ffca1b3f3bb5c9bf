/* parse.c - libFuzzer: sizes, times and globs of the environment. */
#include <stdlib.h>
#include <string.h>
#include "../../preload/base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char text[4096];
	uint64_t a = 1, b = 1, t = 1;
	if (n < 1 || n >= sizeof text)
		return 0;
	memcpy(text, data, n);
	text[n] = 0;
	int rc = parse_size(text, 0, &a), percent = parse_size(text, 1 << 20, &b);
	if (rc == 0 && (percent != 0 || a != b))   /* with no % the whole does not matter */
		abort();
	if (rc == 0 && a > 9000000000000000000u)
		abort();
	/* the plainest oracle: digits, and digits with one unit */
	size_t digits = strspn(text, "0123456789");
	if (digits && digits <= 9) {
		uint64_t v = strtoull(text, NULL, 10);
		static const char units[] = "KMGT";
		const char *u = text[digits] ? strchr(units, text[digits] & ~32) : NULL;
		if (!text[digits] && (rc || a != v))
			abort();
		if (u && text[digits] >= 'A' && !text[digits + 1] && v < 1000000 && (rc || a != v << (10 * (u - units + 1))))
			abort();
		if (text[digits] == '%' && !text[digits + 1] && (rc == 0 || percent))
			abort();
	}
	int rt = parse_time(text, &t);
	if (digits && digits <= 9) {
		uint64_t v = strtoull(text, NULL, 10);
		const char *u = text + digits;
		uint64_t unit = !*u || !strcmp(u, "s") ? 1000000000 : !strcmp(u, "ms") ? 1000000 : !strcmp(u, "m") ? 60000000000 : 0;
		if (unit && v < 100000000 && (rt || t != v * unit))
			abort();
	}
	/* globs: any bytes as glob and name */
	size_t half = n / 2;
	conf.nglobs = 1;
	memset(conf.glob[0], 0, sizeof conf.glob[0]);
	memcpy(conf.glob[0], text, half < 63 ? half : 63);
	bool m = conf_match(text + half, n - half);
	if (!strcmp(conf.glob[0], "*") && n - half && n - half < 256 && strlen(text + half) == n - half && !m)
		abort();
	return 0;
}
