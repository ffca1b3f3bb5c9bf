/* rotates SYS MAJOR MINOR: what rotates.c says of a device in the sysfs at SYS. rotates source MOUNTINFO MAJOR MINOR: .. of a mount. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../tools/opt4d/disk/rotates.h"

int main(int argc, char **argv)
{
	static const char *const names[] = { "not", "unknown", "rotates" };
	char source[4096] = "none";
	if (argc == 5 && !strcmp(argv[1], "source"))
		rotates_source(argv[2], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), source, sizeof(source));
	puts(argc == 5 ? source : argc == 4 ? names[rotates(argv[1], (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]))] : "usage");
	return 0;
}
