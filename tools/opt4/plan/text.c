/* text.c - what tables and chart say alike. */
#include "plan.h"

char *plan_size_text(double bytes, char buf[16])
{
	const char *unit = "\0KMGTPE";

	while (bytes >= 1023.95 && unit[1]) {
		bytes /= 1024;
		unit += 1;
	}
	snprintf(buf, 16, *unit ? "%.1f%c" : "%.0f", bytes, *unit);
	return buf;
}
