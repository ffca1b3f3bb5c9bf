/* expected.h - the parts of `expected` among themselves. */
#include "../../policy/policy.h"
#include "situations.h"

/* other: a file that a sample opens beside its own, at pos. held: the program has it, and opens nothing. */
struct step { uint32_t stream, pos, file, epoch; bool begins, ends, other, held; };
/* How often an order of that kind has each file. */
static inline uint32_t passes(enum kind k) { return k == ENDLESS || k == ENDLESS_SEQUENTIAL || k == ENDLESS_BUFFER ? PASSES : 1; }
static inline bool buffers(enum kind k) { return k == BUFFER || k == ENDLESS_BUFFER; }
extern struct step *steps;                     /* what is read, in its order */
extern uint32_t nsteps, nopens, nfiles, *orders[STREAMS][512];

/* The reuse of a session with room for so many files that fetches so many positions ahead. */
double expected(const struct situation *s, uint32_t room, uint32_t depth);
