/* options.c - see options.h. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "../common/common.h"

static const struct option version_help[] = { { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { "json", 0, 0, 'j' },
					      { "all", 0, 0, 'a' }, { "ssd", 1, 0, 'd' }, { "rebucket", 1, 0, 'd' }, { 0 } };

int stat_options(int argc, char **argv, const char *help, const char *letters, bool *flag, const char **ssd)
{
	int c;
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", version_help, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout), 1;
		if (c == 'v')
			return puts("opt4 " OPT4_VERSION), 1;
		if (c == 'd' && ssd)
			*ssd = optarg;
		else if (c != '?' && c != 'd' && strchr(letters, c))
			*flag = true;
		else
			return 1 + usage("%s: %s is no option of it; see opt4 %s --help", argv[0], argv[optind - 1], argv[0]);
	}
	return 0;
}
