/* filing.c FOLDER SEED: the policy's state, filled in shares while files come, go and are read, holds in the end what it
 * would hold filled at once: the residents, in the order in which an epoch needs them last, the unknown first. So do files
 * that were under way when the epoch's order came. What goes for a fetch ahead is looked at, too. Prints how many were compared. FOLDER (a dataset of which nothing is
 * read) is not on tmpfs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../preload/live/live.h"

#define FILES    20000
#define LOADER   11
#define DATASET  12
#define EPOCHS   3
#define FETCHED  100

static uint32_t order[FILES], next[FILES];   /* next: where the epoch needs a file; POS_UNKNOWN */

static uint32_t below(uint32_t n) { return (uint32_t)((uint64_t)random() * n >> 31); }

static void need(bool so, const char *what)
{
	if (so)
		return;
	printf("not so: %s\n", what);
	exit(1);
}

static void change_one(void)
{
	uint32_t rec = below(FILES);
	if (rec_state(rec) != REC_RESIDENT) {
		filing_put(rec, plans_use(rec));
		view.h->account[TIER_RAM].resident++;
		rec_set(rec, REC_RESIDENT);
	} else if (below(2)) {
		filing_take(rec);
		view.h->account[TIER_RAM].resident--;
		rec_set(rec, REC_ABSENT);
	} else {
		filing_put(rec, plans_use(rec));
	}
}

/* What is being fetched when its order is replaced is filed by the new one. */
static struct fetched { uint32_t rec; struct use use; uint32_t order; } fetched[FETCHED];
static uint32_t nfetched;

static void fetch_some(void)
{
	need(session_lock(), "the lock");
	for (nfetched = 0; nfetched < FETCHED;) {
		uint32_t rec = below(FILES);
		if (rec_state(rec) != REC_ABSENT)
			continue;
		struct use use = plans_use(rec);
		fetched[nfetched++] = (struct fetched){ rec, use, orders.plans[use.axis].gen };
		rec_set(rec, REC_FILLING);
	}
	session_unlock();
}

static void file_fetched(void)
{
	while (nfetched--)
		need(fill_file(fetched[nfetched].rec, -1, fetched[nfetched].use, &fetched[nfetched].order, now_ns()) == 0, "filed");
}

/* The residents by the policy's own order, each before one that is needed sooner. */
static uint32_t compare(void)
{
	struct victim v = { .file = FILE_NONE };
	uint32_t n = 0, last = POS_UNKNOWN;
	while ((v = orders.pol.ops->victim(&orders.pol, FILE_NONE, (struct use){ 0, 0 }, v)).file != FILE_NONE) {
		need(rec_state(v.file) == REC_RESIDENT, "a victim is resident");
		need(next[v.file] <= last, "a victim is needed no later than the one before");
		last = next[v.file];
		n++;
	}
	return n;
}

/* What goes for a fetch ahead: nothing that this epoch needs; but where others' files come in between, what the later half of
 * its rest needs goes for what is due. */
static void exchange(void)
{
	struct follow_shared *sh = orders.plans[0].follow.sh;
	uint32_t npos = orders.axes[0].npos, between = sh->between, round = sh->round;
	plans_fronts();
	sh->round = 8;
	sh->between = 0;
	need(round_exchange(0, 1, FILES).pos >= npos, "nothing of this epoch goes");
	sh->between = 3u << 16;
	need(round_exchange(0, 1, FILES).pos == npos / 2, "the later half goes for what is due");
	need(round_exchange(0, npos - 1, FILES).pos >= npos, "but not for what is not");
	sh->between = between;
	sh->round = round;
}

int main(int argc, char **argv)
{
	static char names[FILES * 512];
	char *p = names;
	uint32_t compared = 0, turns = 0;
	need(argc == 3 && strlen(argv[1]) < 400, "two arguments");
	srandom((unsigned)atoi(argv[2]));
	setenv("OPT4_ROOT", argv[1], 1);
	setenv("OPT4_PREFETCH", "off", 1);
	conf_load();
	for (uint32_t i = 0; i < FILES; i++)
		p += sprintf(p, "%s/%05u.jpg", argv[1], i) + 1;
	need(session_attach() && live_files(DATASET, FILES, names, (size_t)(p - names)) == 0, "a session");
	live_loader(LOADER, DATASET, 0);
	struct live_epoch e = { .loader = LOADER, .stream = 1, .dataset = DATASET, .workers = 1, .batch_size = 8, .samples = FILES,
		.order = order };
	for (e.epoch = 0; e.epoch < EPOCHS; e.epoch++) {
		e.n = FILES / 2 + below(FILES / 2);   /* the epoch does not need all files */
		e.nbatches = (e.n + 7) / 8;
		memset(next, 0xFF, sizeof(next));
		for (uint32_t i = 0; i < FILES; i++) {
			uint32_t j = below(i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (uint32_t i = 0; i < FILES; i++)
			next[order[i]] = i < e.n ? i : POS_UNKNOWN;
		if (e.epoch)
			fetch_some();
		need(live_publish(&e) == 0, "published");
		if (e.epoch)
			file_fetched();
		need(session_lock(), "the lock");
		for (bool done = false; !done; turns++) {
			for (int i = 0; i < 300; i++)
				change_one();
			done = filing_settle(1 + below(500));
		}
		for (int i = 0; i < 3000; i++)
			change_one();
		/* for a candidate needed at position 0 nobody that is needed there goes */
		uint32_t n = compare() + (rec_state(order[0]) == REC_RESIDENT);
		need(n == view.h->account[TIER_RAM].resident, "each resident is a victim once");
		compared += n;
		exchange();
		session_unlock();
	}
	need(turns > EPOCHS + 3, "it took several shares");
	session_leave();
	printf("%u residents\n", compared);
	return 0;
}
