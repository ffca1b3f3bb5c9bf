/* owned.h - what the program keeps of its files itself, and so does not open.
 *
 * Many datasets have a buffer of their own before us (the last images decoded, an lru_cache): of an order's positions those come to no open() whose file was
 * last read not long before. Just these an order calls needed soonest, so that a cache behind such a buffer keeps what nobody asks for. How often a
 * file was opened at its place, and how often not, is counted by how many accesses of the session lay in between; that is all that is known of a
 * buffer, whatever its rule. All zero: nothing is. Nothing here allocates or locks; what is shared is changed under the session lock;
 * owned_at() without it is a hint.
 */
#ifndef OPT4_OWNED_H
#define OPT4_OWNED_H

#include <stdbool.h>
#include <stdint.h>

#define OWNED_GAPS 64              /* two an octave */

struct owned {
	uint16_t came[OWNED_GAPS], left[OWNED_GAPS];
	uint32_t any;             /* of some gap many were left: worth asking */
};

/* A file was opened at its place, or was not, so many accesses after it was last. */
void owned_count(struct owned *h, uint64_t gap, bool came);

/* Will the program have a file itself that it read so many accesses before? Of a gap that was hardly seen the next longer one speaks: what a buffer
 * keeps for long it keeps for a short while. */
bool owned_at(const struct owned *h, uint64_t gap);

#endif
