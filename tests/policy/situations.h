/* situations.h - what expected.c plays: loaders that take turns, run side by side, or share what they read. */
#include <stdbool.h>
#include <stdint.h>

#define STREAMS 8
#define TRACKS  3

/* Ranks have their parts of one draw of all their files; of the late ones' first epoch nothing is known. Unread: an eighth of it is dealt
 * to workers, and nobody asks for it. Endless: its order is known for so many passes at once, and others are read between two of them;
 * what may be fetched ahead there is reckoned otherwise (spare.c), and not played here. Folds and those held out, each a loader of its own: the k-th has all but the k-th quarter, or just that.
 * Part: a rank of four whose others are elsewhere; the epoch's draw, and the next one's, is known as it begins. Buffer: each of its workers
 * keeps the last quarter of its files that it read, and does not open them. */
enum kind { SHUFFLED, SEQUENTIAL, UNREAD, ENDLESS, ENDLESS_SEQUENTIAL, BUFFER, ENDLESS_BUFFER, RANK, LATE_RANK, FOLD, HELD, PART };
#define PASSES 8
struct loader {
	uint32_t n;
	enum kind kind;
	uint32_t partners;            /* so many others of its files are opened after each, by chance: mixup, mosaic. Of a buffer its workers */
};
/* The loaders that take turns (a, b ..; in capitals: left after a quarter), again and again from the | on; their share of
 * every ten accesses. */
struct track { const char *turns; uint32_t share; };
struct situation {
	const char *name;
	struct loader loader[STREAMS];
	struct track track[TRACKS];
	uint32_t accesses;
	double of_opt;                /* where the future repeats: so much of Belady's reuse at least */
	/* Below keep by so much, at most (0: .005): where epochs are left early chance says which files come again, and what was fetched for the rest was in
	 * vain; a look-ahead of a third of an epoch holds what the ranks behind need; before a buffer of a quarter
	 * of the files it leaves behind what was read last, which just that buffer has (a look-ahead of 64 of 40 to 200 that fit). */
	double under;
	bool anywhere;                /* each epoch is left somewhere */
};

/* Epochs are long enough for a gap's slack to be small. */
static const struct situation situations[] = {
	{ "one shuffled", { { 600, SHUFFLED, 0 } }, { { "a", 10 } }, 6000, .99, 0, false },
	{ "one sequential", { { 600, SEQUENTIAL, 0 } }, { { "a", 10 } }, 6000, .99, 0, false },
	{ "train and validation", { { 600, SHUFFLED, 0 }, { 150, SEQUENTIAL, 0 } }, { { "ab", 10 } }, 7500, .99, 0, false },
	{ "train and shuffled validation", { { 600, SHUFFLED, 0 }, { 150, SHUFFLED, 0 } }, { { "ab", 10 } }, 7500, .99, 0, false },
	{ "validation larger than train", { { 200, SHUFFLED, 0 }, { 600, SEQUENTIAL, 0 } }, { { "ab", 10 } }, 8000, .99, 0, false },
	{ "three in turn", { { 400, SHUFFLED, 0 }, { 200, SEQUENTIAL, 0 }, { 200, SHUFFLED, 0 } }, { { "abc", 10 } }, 8000, .99, 0, false },
	{ "three sequential in turn", { { 400, SEQUENTIAL, 0 }, { 200, SEQUENTIAL, 0 }, { 200, SEQUENTIAL, 0 } }, { { "abc", 10 } }, 8000, .99, 0, false },
	{ "validation every 2 epochs", { { 500, SHUFFLED, 0 }, { 200, SEQUENTIAL, 0 } }, { { "aab", 10 } }, 12000, 0, 0, false },
	{ "validation every 5 epochs", { { 400, SHUFFLED, 0 }, { 200, SEQUENTIAL, 0 } }, { { "aaaaab", 10 } }, 17600, 0, 0, false },
	{ "large validation every 2 epochs", { { 200, SHUFFLED, 0 }, { 600, SEQUENTIAL, 0 } }, { { "aab", 10 } }, 12000, 0, 0, false },
	{ "zip of equals", { { 400, SHUFFLED, 0 }, { 400, SHUFFLED, 0 } }, { { "a", 5 }, { "b", 5 } }, 8000, 0, 0, false },
	{ "zip, one twice as long", { { 300, SHUFFLED, 0 }, { 600, SHUFFLED, 0 } }, { { "a", 5 }, { "b", 5 } }, 9600, 0, 0, false },
	{ "zip, one a third", { { 200, SHUFFLED, 0 }, { 600, SHUFFLED, 0 } }, { { "a", 5 }, { "b", 5 } }, 9600, 0, 0, false },
	{ "zip of sequential ones", { { 200, SEQUENTIAL, 0 }, { 600, SEQUENTIAL, 0 } }, { { "a", 5 }, { "b", 5 } }, 9600, 0, 0, false },
	{ "zip of large and small batches", { { 500, SHUFFLED, 0 }, { 300, SHUFFLED, 0 } }, { { "a", 7 }, { "b", 3 } }, 10000, 0, 0, false },
	{ "zip and validation", { { 300, SHUFFLED, 0 }, { 500, SHUFFLED, 0 }, { 200, SEQUENTIAL, 0 } }, { { "ac", 5 }, { "b", 5 } }, 12000, 0, 0, false },
	{ "two jobs, each with validation", { { 400, SHUFFLED, 0 }, { 100, SEQUENTIAL, 0 }, { 400, SHUFFLED, 0 }, { 100, SEQUENTIAL, 0 } },
	  { { "ab", 5 }, { "cd", 5 } }, 10000, 0, 0, false },
	{ "a slow and a fast job", { { 400, SHUFFLED, 0 }, { 100, SEQUENTIAL, 0 }, { 300, SHUFFLED, 0 } }, { { "ab", 7 }, { "c", 3 } }, 10000, 0, 0, false },
	{ "a sanity check before", { { 600, SHUFFLED, 0 }, { 152, SEQUENTIAL, 0 } }, { { "B|ab", 10 } }, 7558, .95, 0, false },
	{ "epochs left early", { { 600, SHUFFLED, 0 }, { 152, SEQUENTIAL, 0 } }, { { "Ab", 10 } }, 9060, 0, .015, false },
	{ "epochs left anywhere", { { 600, SHUFFLED, 0 } }, { { "a", 10 } }, 9000, 0, .03, true },
	{ "a loader that is not read", { { 500, SHUFFLED, 0 }, { 400, UNREAD, 0 } }, { { "b|a", 10 } }, 6000, 0, 0, false },
	{ "four folds", { { 450, FOLD, 0 }, { 150, HELD, 0 }, { 450, FOLD, 0 }, { 150, HELD, 0 }, { 450, FOLD, 0 }, { 150, HELD, 0 }, { 450, FOLD, 0 }, { 150, HELD, 0 } },
	  { { "abcdefgh", 10 } }, 2400, 0, 0, false },
	{ "four folds, three epochs each", { { 450, FOLD, 0 }, { 150, HELD, 0 }, { 450, FOLD, 0 }, { 150, HELD, 0 }, { 450, FOLD, 0 }, { 150, HELD, 0 }, { 450, FOLD, 0 }, { 150, HELD, 0 } },
	  { { "abababcdcdcdefefefghghgh", 10 } }, 7200, 0, .02, false },
	{ "two ranks", { { 300, RANK, 0 }, { 300, RANK, 0 } }, { { "a", 5 }, { "b", 5 } }, 6000, 0, 0, false },
	{ "two ranks, at first unknown", { { 300, LATE_RANK, 0 }, { 300, LATE_RANK, 0 } }, { { "a", 5 }, { "b", 5 } }, 6000, 0, 0, false },
	{ "three ranks, batches apart", { { 200, LATE_RANK, 0 }, { 200, LATE_RANK, 0 }, { 200, LATE_RANK, 0 } }, { { "a", 16 }, { "b", 16 }, { "c", 16 } }, 6000, 0, .04, false },
	{ "mixup", { { 600, SHUFFLED, 1 } }, { { "a", 10 } }, 12000, 0, .015, false },
	{ "mosaic", { { 600, SHUFFLED, 3 } }, { { "a", 10 } }, 16000, 0, 0, false },
	{ "mosaic and validation", { { 600, SHUFFLED, 3 }, { 150, SEQUENTIAL, 0 } }, { { "ab", 10 } }, 16000, 0, 0, false },
	{ "mosaic and shuffled validation", { { 600, SHUFFLED, 3 }, { 150, SHUFFLED, 0 } }, { { "ab", 10 } }, 16000, 0, 0, false },
	{ "mosaic beside a plain loader", { { 400, SHUFFLED, 3 }, { 400, SHUFFLED, 0 } }, { { "a", 5 }, { "b", 5 } }, 16000, 0, 0, false },
	{ "mixup and large validation", { { 300, SHUFFLED, 1 }, { 500, SEQUENTIAL, 0 } }, { { "ab", 10 } }, 16000, 0, 0, false },
	{ "two without an end in turn", { { 400, ENDLESS, 0 }, { 100, ENDLESS_SEQUENTIAL, 0 } }, { { "ab", 10 } }, 12000, 0, .02, false },
	{ "mosaic without an end", { { 400, ENDLESS, 3 } }, { { "a", 10 } }, 16000, 0, 0, false },
	{ "mosaic, validation, without an end", { { 400, ENDLESS, 3 }, { 100, ENDLESS_SEQUENTIAL, 0 } }, { { "ab", 10 } }, 16000, 0, .02, false },
	{ "a buffer of its own", { { 400, BUFFER, 1 } }, { { "a", 10 } }, 8000, 0, .035, false },
	{ "a buffer in each of two workers", { { 400, BUFFER, 2 } }, { { "a", 10 } }, 8000, 0, .09, false },
	{ "a buffer, and validation", { { 400, BUFFER, 1 }, { 100, SEQUENTIAL, 0 } }, { { "ab", 10 } }, 8000, 0, .03, false },
	{ "a buffer, without an end", { { 400, ENDLESS_BUFFER, 1 } }, { { "a", 10 } }, 8000, 0, .03, false },
	{ "two buffers, without an end", { { 400, ENDLESS_BUFFER, 2 } }, { { "a", 10 } }, 8000, 0, 0, false },
	{ "a buffer, validation, without an end", { { 400, ENDLESS_BUFFER, 1 }, { 100, ENDLESS_SEQUENTIAL, 0 } }, { { "ab", 10 } }, 12000, 0, .02, false },
	{ "one rank of four", { { 150, PART, 0 } }, { { "a", 10 } }, 6000, .5, 0, false },
	{ "one rank of four, and validation", { { 150, PART, 0 }, { 100, SEQUENTIAL, 0 } }, { { "ab", 10 } }, 6000, .5, 0, false },
	{ "one rank of four, and shuffled validation", { { 150, PART, 0 }, { 100, SHUFFLED, 0 } }, { { "ab", 10 } }, 6000, .5, 0, false },
	{ "one rank of four, validation left early", { { 150, PART, 0 }, { 100, SHUFFLED, 0 } }, { { "aB", 10 } }, 6000, 0, .02, false },
	/* a look-ahead of 64 of 120 that fit may take a tenth of it */
	{ "two ranks of eight", { { 75, PART, 0 }, { 75, PART, 0 } }, { { "a", 5 }, { "b", 5 } }, 6000, .45, 0, false },
	{ "another phase from the middle on", { { 400, SHUFFLED, 0 }, { 200, SEQUENTIAL, 0 }, { 300, SHUFFLED, 0 } }, { { "abababab|cb", 10 } }, 10400, 0, 0, false },
};
