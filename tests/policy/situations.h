/* situations.h - what expected.c plays: loaders that take turns, run side by side, or share what they read. */
#include <stdbool.h>
#include <stdint.h>

#define STREAMS 8
#define TRACKS  3

/* Ranks have their parts of one draw of all their files; of the late ones' first epoch nothing is known. Unread: an eighth of it is dealt
 * to workers, and nobody asks for it. Folds and those held out, each a loader of its own: the k-th has all but the k-th quarter, or just that. */
enum kind { SHUFFLED, SEQUENTIAL, UNREAD, RANK, LATE_RANK, FOLD, HELD };
struct loader { uint32_t n; enum kind kind; };
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
	 * vain; a look-ahead of a third of an epoch holds what the ranks behind need. */
	double under;
	bool anywhere;                /* each epoch is left somewhere */
};

/* Epochs are long enough for a gap's slack to be small. */
static const struct situation situations[] = {
	{ "one shuffled", { { 600, SHUFFLED } }, { { "a", 10 } }, 6000, .99, 0, false },
	{ "one sequential", { { 600, SEQUENTIAL } }, { { "a", 10 } }, 6000, .99, 0, false },
	{ "train and validation", { { 600, SHUFFLED }, { 150, SEQUENTIAL } }, { { "ab", 10 } }, 7500, .99, 0, false },
	{ "train and shuffled validation", { { 600, SHUFFLED }, { 150, SHUFFLED } }, { { "ab", 10 } }, 7500, .99, 0, false },
	{ "validation larger than train", { { 200, SHUFFLED }, { 600, SEQUENTIAL } }, { { "ab", 10 } }, 8000, .99, 0, false },
	{ "three in turn", { { 400, SHUFFLED }, { 200, SEQUENTIAL }, { 200, SHUFFLED } }, { { "abc", 10 } }, 8000, .99, 0, false },
	{ "three sequential in turn", { { 400, SEQUENTIAL }, { 200, SEQUENTIAL }, { 200, SEQUENTIAL } }, { { "abc", 10 } }, 8000, .99, 0, false },
	{ "validation every 2 epochs", { { 500, SHUFFLED }, { 200, SEQUENTIAL } }, { { "aab", 10 } }, 12000, 0, 0, false },
	{ "validation every 5 epochs", { { 400, SHUFFLED }, { 200, SEQUENTIAL } }, { { "aaaaab", 10 } }, 17600, 0, 0, false },
	{ "large validation every 2 epochs", { { 200, SHUFFLED }, { 600, SEQUENTIAL } }, { { "aab", 10 } }, 12000, 0, 0, false },
	{ "zip of equals", { { 400, SHUFFLED }, { 400, SHUFFLED } }, { { "a", 5 }, { "b", 5 } }, 8000, 0, 0, false },
	{ "zip, one twice as long", { { 300, SHUFFLED }, { 600, SHUFFLED } }, { { "a", 5 }, { "b", 5 } }, 9600, 0, 0, false },
	{ "zip, one a third", { { 200, SHUFFLED }, { 600, SHUFFLED } }, { { "a", 5 }, { "b", 5 } }, 9600, 0, 0, false },
	{ "zip of sequential ones", { { 200, SEQUENTIAL }, { 600, SEQUENTIAL } }, { { "a", 5 }, { "b", 5 } }, 9600, 0, 0, false },
	{ "zip of large and small batches", { { 500, SHUFFLED }, { 300, SHUFFLED } }, { { "a", 7 }, { "b", 3 } }, 10000, 0, 0, false },
	{ "zip and validation", { { 300, SHUFFLED }, { 500, SHUFFLED }, { 200, SEQUENTIAL } }, { { "ac", 5 }, { "b", 5 } }, 12000, 0, 0, false },
	{ "two jobs, each with validation", { { 400, SHUFFLED }, { 100, SEQUENTIAL }, { 400, SHUFFLED }, { 100, SEQUENTIAL } },
	  { { "ab", 5 }, { "cd", 5 } }, 10000, 0, 0, false },
	{ "a slow and a fast job", { { 400, SHUFFLED }, { 100, SEQUENTIAL }, { 300, SHUFFLED } }, { { "ab", 7 }, { "c", 3 } }, 10000, 0, 0, false },
	{ "a sanity check before", { { 600, SHUFFLED }, { 152, SEQUENTIAL } }, { { "B|ab", 10 } }, 7558, .95, 0, false },
	{ "epochs left early", { { 600, SHUFFLED }, { 152, SEQUENTIAL } }, { { "Ab", 10 } }, 9060, 0, .015, false },
	{ "epochs left anywhere", { { 600, SHUFFLED } }, { { "a", 10 } }, 9000, 0, .03, true },
	{ "a loader that is not read", { { 500, SHUFFLED }, { 400, UNREAD } }, { { "b|a", 10 } }, 6000, 0, 0, false },
	{ "four folds", { { 450, FOLD }, { 150, HELD }, { 450, FOLD }, { 150, HELD }, { 450, FOLD }, { 150, HELD }, { 450, FOLD }, { 150, HELD } },
	  { { "abcdefgh", 10 } }, 2400, 0, 0, false },
	{ "four folds, three epochs each", { { 450, FOLD }, { 150, HELD }, { 450, FOLD }, { 150, HELD }, { 450, FOLD }, { 150, HELD }, { 450, FOLD }, { 150, HELD } },
	  { { "abababcdcdcdefefefghghgh", 10 } }, 7200, 0, .02, false },
	{ "two ranks", { { 300, RANK }, { 300, RANK } }, { { "a", 5 }, { "b", 5 } }, 6000, 0, 0, false },
	{ "two ranks, at first unknown", { { 300, LATE_RANK }, { 300, LATE_RANK } }, { { "a", 5 }, { "b", 5 } }, 6000, 0, 0, false },
	{ "three ranks, batches apart", { { 200, LATE_RANK }, { 200, LATE_RANK }, { 200, LATE_RANK } }, { { "a", 16 }, { "b", 16 }, { "c", 16 } }, 6000, 0, .04, false },
	{ "another phase from the middle on", { { 400, SHUFFLED }, { 200, SEQUENTIAL }, { 300, SHUFFLED } }, { { "abababab|cb", 10 } }, 10400, 0, 0, false },
};
