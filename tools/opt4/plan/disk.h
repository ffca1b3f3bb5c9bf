/* disk.h - what an epoch in shuffled order takes on a spinning disk: arithmetic alone, no state.
 *
 * A seek as it is given is the mean one over the dataset, half a rotation included; of a disk of the usual kind (7200 rpm,
 * 10 ms) .42 of it is turning, .13 the shortest seek and the rest grows with the root of the distance. */
#ifndef OPT4_PLAN_DISK_H
#define OPT4_PLAN_DISK_H

#include <stdbool.h>

struct plan_disk { double seek, bandwidth; };          /* seconds, bytes a second; both above 0 */
struct plan_files { double files, bytes; };            /* of an epoch; files above 0 */

/* The ways to read it. c: RAM, as a part of the dataset, 0 .. 1. All in seconds an epoch, from the second on.
 * Random: as it comes, one seek a file that is not in RAM; RAM as the page cache uses it, least recently used first out. */
double disk_random(const struct plan_disk *d, const struct plan_files *f, double c);
/* The look-ahead in sorted runs: *window, where not NULL, is the part of the dataset that is best given to it. */
double disk_elevator(const struct plan_disk *d, const struct plan_files *f, double c, double *window);
/* Each file is written to the place of its turn in the next epoch, but for those that stay in RAM. */
double disk_rebucket(const struct plan_disk *d, const struct plan_files *f, double c);
/* How it divides so many bytes of RAM for a dataset: a bucket, and as much for what waits to be written; the rest keeps files.
 * A bucket comes to the disk in pieces. */
void disk_sort(const struct plan_disk *d, double bytes, double ram, double *bucket, double *piece);
/* All of it, once, in the order of the disk. */
double disk_sequential(const struct plan_disk *d, const struct plan_files *f);

/* What opt4 takes by itself: the least of those that give the exact order. rebucket: may it write to a disk, too? */
enum disk_way { DISK_RANDOM, DISK_ELEVATOR, DISK_REBUCKET };
enum disk_way disk_choose(const struct plan_disk *d, const struct plan_files *f, double c, bool rebucket);
const char *disk_way_name(enum disk_way w);

#endif
