/* rotates.h - does a block device rotate? */
#ifndef OPT4_ROTATES_H
#define OPT4_ROTATES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Of several disks the least: one of which it is not known makes all unknown. */
enum rotates { ROTATES_NOT, ROTATES_UNKNOWN, ROTATES };

/* The device major:minor, through partitions, device mapper and md, down to the disks. sys: "/sys". A few small reads. */
enum rotates rotates(const char *sys, unsigned major, unsigned minor);

/* The path of the device that is mounted as major:minor (btrfs and the like have numbers of their own); false: none. */
bool rotates_source(const char *mountinfo, unsigned major, unsigned minor, char *source, size_t room);

/* Both, of this machine: what lies below a file whose st_dev is dev. */
enum rotates rotates_below(dev_t dev);

#endif
