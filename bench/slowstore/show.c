/* show.c - slowstore-stat FILE: the counters in a SLOWSTORE_STATE file, as JSON. Exit 0, 1, 2. */
#include "store.h"

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct store_state s = { 0 };
	if (argc != 2) {
		fprintf(stderr, "usage: slowstore-stat FILE\n");
		return 2;
	}
	FILE *f = fopen(argv[1], "rb");
	if (!f || fread(&s, sizeof s, 1, f) != 1) {
		fprintf(stderr, "slowstore-stat: %s: no counters there; name the file that SLOWSTORE_STATE named\n", argv[1]);
		return 1;
	}
	fclose(f);
	printf("{\"opens\": %" PRIu64 ", \"first_reads\": %" PRIu64 ", \"reads\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"stats\": %" PRIu64 ", \"failures\": %" PRIu64 ", \"wait_ns\": %" PRIu64,
	       s.opens, s.first_reads, s.reads, s.bytes, s.stats, s.failures, s.wait_ns);
	if (s.requests)
		printf(", \"writes\": %" PRIu64 ", \"bytes_written\": %" PRIu64 ", \"requests\": %" PRIu64 ", \"seeks\": %" PRIu64
		       ", \"cold_inodes\": %" PRIu64 ", \"disk_ns\": %" PRIu64 ", \"scale\": %g", s.writes, s.bytes_written,
		       s.requests, s.seeks, s.cold_inodes, s.disk_ns, s.scale);
	puts("}");
	return 0;
}
