/* disk.h - a disk's arm for the slow store: one head for all processes, moved by every read and write below the roots.
 *
 * A request costs SHORT + STROKE * sqrt(distance / SPAN) + TURN + bytes / bandwidth, and one that begins where the last
 * ended, whoever made it, bytes / bandwidth alone. Places are the physical ones of the backing file (FIEMAP), or made up
 * from the inode's number where the file system tells none (or has not decided yet). Requests are served as they come.
 *
 *   SLOWSTORE_DISK       SHORT:STROKE:TURN, milliseconds: the shortest seek, what the longest takes more, half a rotation;
 *                        unset: no disk. SLOWSTORE_BANDWIDTH is its transfer then.
 *   SLOWSTORE_SPAN       bytes from its rim to its hub (1T): how far the longest seek goes
 *   SLOWSTORE_SCALE      waits last this part of the model's time; slowstore-stat prints it (1)
 *   SLOWSTORE_COLD       1: a file's first stat or open of all reads its inode: a mean seek and 4 KiB; transfer only where
 *                        the inode lies in the 32 blocks from the last one read on, as ext4 reads them
 *
 * Head and clock are one word that is changed by compare and swap: whoever is killed at any moment leaves no lock. */
#ifndef SLOWSTORE_DISK_H
#define SLOWSTORE_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct store_state;

/* From the environment; bandwidth: bytes a second, 0 = transfer costs nothing. */
void disk_start(double bandwidth);
bool disk_is(void);

/* Books bytes [at, at + n) of the file and returns when they are through (CLOCK_MONOTONIC ns); 0: nothing to wait for.
 * Keeps errno, as the next. */
uint64_t disk_book(struct store_state *s, int fd, uint64_t at, uint64_t n);

/* An inode is wanted; as disk_book(), 0 unless it is the first time and SLOWSTORE_COLD is set. */
uint64_t disk_inode(struct store_state *s, uint64_t ino);

#endif
