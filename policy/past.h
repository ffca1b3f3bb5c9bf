/* past.h - when a stream that is over will come round again, by how it has come round so far.
 *
 * The clock counts the session's accesses, of all streams: a position that is read while others are read too is worth
 * several, and neither a pause nor a slow store disturbs it. Nothing here allocates or locks; what is shared is guarded by
 * the session lock. All zero is a stream that has never been.
 */
#ifndef OPT4_PAST_H
#define OPT4_PAST_H

#include <stdbool.h>
#include <stdint.h>

#define PAST_GAPS 8

struct past {                     /* a stream over its epochs */
	uint64_t began, ended;    /* clock at its last epoch's beginning, and at its last end */
	uint64_t gap[PAST_GAPS];  /* from an epoch's end to the next one's beginning; number k is gap[k % PAST_GAPS] */
	uint32_t ngaps;           /* seen so far */
	uint32_t epochs;          /* begun so far */
};

struct stream {                   /* one of the session's streams, now */
	const struct past *past;
	bool running, same;       /* its next epoch comes in this one's order */
	double length;            /* accesses of the session that an epoch of it takes, as far as it is read */
	double rest;              /* .. and what is left of this one; 0 when it is over */
	double unheard;           /* accesses of loaders that nobody knows, so far */
	uint64_t stirred;         /* clock when it was read from last */
	double share;             /* of its files that an epoch reads: less than 1 where it is left early */
};

void past_begin(struct past *p, uint64_t clock);
void past_end(struct past *p, uint64_t clock);

/* Accesses between its epochs: the next in the series of gaps so far, or of one that has not come round yet the epochs of all
 * that are over now, or have not been read from since it began, but for those that ran beside it, and what was read by no order. */
double past_gap(const struct stream *streams, uint32_t n, uint32_t which);

/* It has come round before, and if it does as then, its time has not passed. */
bool past_due(const struct past *p, uint64_t clock);

/* Accesses until streams[which] begins its next epoch: the rest of this one, then the gap. One that is overdue comes when
 * those that run have ended, until it has been away for so long that nothing speaks for it: then, as long again. */
double past_again(const struct stream *streams, uint32_t n, uint32_t which, uint64_t clock);

/* What an axis has as `again` (policy.h): that, and where the order is drawn anew the mean place in it, with the epochs
 * that leave a file out. */
double past_expected(const struct stream *streams, uint32_t n, uint32_t which, uint64_t clock);

#endif
