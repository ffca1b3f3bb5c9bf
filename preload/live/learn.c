/* learn.c - what is opened while samples are fetched: which files each of them is, and where datasets lie. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "live.h"

#define NOTES     16384u           /* files of a batch */
#define MARKS     4096u            /* samples of a batch */
#define STRANGERS (64u << 10)      /* bytes of paths that lie below no root */
#define NEAR      8u               /* samples before and after, whose files a sample's may be where the batch is read as a whole */
#define GUESSES   (1u << 17)       /* samples of a dataset beyond which that takes too much room */
#define STRANGER  0x80000000u      /* a note that is such a path's place */

/* One thread of a process is watched at a time: the first that begins. What its other threads open is taken for its
 * samples' (a pool reads them); what is not will not come again with the same sample, and drops out. */
static struct learning {
	struct held { struct live_table *t; size_t bytes; uint64_t dataset; } places, keys;
	uint32_t n;
	pid_t pid;
	bool told;                /* that samples are fetched */
	_Atomic(void *) owner;
	_Atomic bool others;      /* threads have read some of it: in an order that says little */
	_Atomic uint32_t nnotes;
	uint32_t notes[NOTES];
	uint32_t nmarks, rest;    /* rest: notes from here on came when no single sample was being fetched; else UINT32_MAX */
	struct { uint32_t index, at, key; } mark[MARKS];
	_Atomic uint32_t nstrange;
	char strange[STRANGERS];
} *L;
static struct learning one;

_Atomic bool live_watching;

static void note(uint32_t what)
{
	uint32_t i = atomic_load(&L->nnotes);
	do {
		if (i == NOTES)
			return;
	} while (!atomic_compare_exchange_weak(&L->nnotes, &i, i + 1));
	L->notes[i] = what;
	if (atomic_load_explicit(&L->owner, memory_order_relaxed) != &opt4_inside)
		atomic_store_explicit(&L->others, true, memory_order_relaxed);
}

void live_watch(bool on)
{
	atomic_store_explicit(&live_watching, on, memory_order_relaxed);
	conf_watch(on);
}

static void watch(bool on)
{
	live_watch(on);
	live_fetching(on);
	atomic_store_explicit(&access_watch, on ? note : NULL, memory_order_relaxed);
}

/* The table of the dataset that this process fetches of, of n rows, with room for so many files a sample. */
static bool table(struct held *h, uint64_t dataset, uint32_t n, uint32_t width, bool make)
{
	uint32_t wide = 1;
	if (h->t && (h->dataset != dataset || h->t->n != n || atomic_load(&h->t->moved))) {
		munmap(h->t, h->bytes);
		h->t = NULL;
	}
	while (wide < width && wide < LIVE_WIDTH)
		wide *= 2;
	h->dataset = dataset;
	if (!h->t && dataset)
		h->t = live_table(dataset, n, &h->bytes);
	if (!h->t && dataset && width && make)
		h->t = live_table_begin(dataset, n, wide, h == &L->keys, &h->bytes);
	if (h->t && h->t->width < wide)
		h->t = live_table_widen(dataset, h->t, wide, &h->bytes);
	return h->t;
}

static void begin(uint32_t n)
{
	L->n = n;
	L->nmarks = 0;
	L->rest = UINT32_MAX;
	atomic_store(&L->others, false);
	atomic_store(&L->nnotes, 0);
	atomic_store(&L->nstrange, 0);
	live_apart_end();
	live_child_end();
	if (!L->told) {
		L->told = true;
		tell(TOLD_FETCHES, "");
	}
	watch(true);
	if (conf_active() && session_attach())
		table(&L->places, live_dataset(orders.live_loader), n, 0, false);
}

/* Is it this thread that is watched? */
static bool mine(uint32_t n)
{
	void *none = NULL;
	if (!L)
		L = &one;
	if (L->pid != getpid()) {  /* a fork: what the parent was at is none of ours */
		atomic_store(&L->owner, NULL);
		L->pid = getpid();
	}
	if (atomic_load(&L->owner) == &opt4_inside)
		return true;
	if (!n || !atomic_compare_exchange_strong(&L->owner, &none, &opt4_inside))
		return false;
	begin(n);
	return true;
}

void live_sample(uint32_t n, uint32_t index)
{
	if (!n || !mine(n) || L->nmarks == MARKS)
		return;
	live_sample_is(L->places.t && L->places.t->n == n ? L->places.t : NULL, index);
	L->mark[L->nmarks].index = index;
	L->mark[L->nmarks].key = 0;
	L->mark[L->nmarks++].at = atomic_load(&L->nnotes);
}

void live_key(uint32_t key)
{
	if (mine(0) && L->nmarks && L->nmarks < MARKS)
		L->mark[L->nmarks - 1].key = key;
}

void live_rest(void)
{
	if (mine(0) && L->rest == UINT32_MAX) {
		L->rest = atomic_load(&L->nnotes);
		live_sample_is(NULL, 0);
	}
}

void live_stranger(const char *path, size_t len)
{
	if (atomic_load_explicit(&live_child, memory_order_relaxed)) {
		live_child_opened(path, len);
		return;
	}
	if (atomic_load_explicit(&live_apart, memory_order_relaxed)) {
		live_apart_opened(path, len);
		return;
	}
	uint32_t at = atomic_load(&L->nstrange);
	do {
		if (!len || at + len + 1 > STRANGERS)
			return;
	} while (!atomic_compare_exchange_weak(&L->nstrange, &at, at + (uint32_t)len + 1));
	memcpy(L->strange + at, path, len);
	L->strange[at + len] = 0;
	note(STRANGER | at);
}

size_t live_fetched(bool whole)
{
	if (!mine(0))
		return 0;
	watch(false);
	live_sample_is(NULL, 0);
	if (!whole && L->nmarks && L->rest == UINT32_MAX)
		L->nmarks--;       /* an exception: what was opened of the last sample is not all of it */
	return atomic_load(&L->nstrange);
}

size_t live_strangers(char *to, size_t room)
{
	size_t n = mine(0) ? atomic_load(&L->nstrange) : 0;
	n = n < room ? n : room;
	memcpy(to, L->strange, n);
	return n;
}

static bool has(const uint32_t *list, uint32_t n, uint32_t rec)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == rec)
			return true;
	return false;
}

/* What was read for a sample, as records + 1. guess: so many of them are what it is by its place in a batch that was read as
 * a whole, those that follow are others that it may be; 0: it was read alone. */
struct seen { uint32_t n, guess, list[LIVE_WIDTH]; };

static bool came(const struct seen *s, uint32_t rest, uint32_t end, uint32_t rec)
{
	if (has(s->list, s->n, rec))
		return true;
	for (uint32_t i = rest; s->guess && i < end; i++)
		if (L->notes[i] + 1 == rec)
			return true;
	return false;
}

static void start_row(struct live_table *t, uint32_t *row, uint8_t *times, const struct seen *s)
{
	uint32_t n = s->n < t->width ? s->n : t->width;
	memcpy(row, s->list, n * sizeof(*row));
	memset(row + n, 0, (t->width - n) * sizeof(*row));
	*times = s->guess ? LIVE_GUESS : n ? 1 : 0;
	if (s->guess)
		t->share = atomic_load(&L->others) ? 0 : s->guess;   /* a pool's order is a guess until the samples come again */
	t->fetched += n > 0;
}

/* Those of the list that the row has, in the list's order; the others of the row behind them. */
static void in_order(uint32_t *row, uint32_t n, const struct seen *s)
{
	uint32_t to = 0;
	for (uint32_t i = 0; i < s->n && to < n; i++)
		for (uint32_t k = to; k < n; k++)
			if (row[k] == s->list[i]) {
				memmove(row + to + 1, row + to, (k - to) * sizeof(*row));
				row[to++] = s->list[i];
				break;
			}
}

/* Of several files that came at once, one of which the program's own list names, that is the first until they come again:
 * a mosaic's four are in any order. */
static void named_first(uint32_t *row, uint32_t n, uint32_t named)
{
	uint32_t k = 0;
	while (k < n && row[k] != named)
		k++;
	if (k < n) {
		memmove(row + 1, row, k * sizeof(*row));
		row[0] = named;
	}
}

static uint8_t fetched_again(uint8_t times, bool cut)
{
	if (times == 1 && cut)
		return LIVE_CUT;
	return times == LIVE_GUESS ? 2 : times == LIVE_CUT ? 3 : times < LIVE_CUT - 1 ? (uint8_t)(times + 1) : times;
}

/* A sample was fetched. Files that came with it each time are its own. */
static void learn(struct live_table *t, uint32_t index, const struct seen *s, uint32_t rest, uint32_t end)
{
	index = live_place(t, index, s->n > 0);
	if (index == UINT32_MAX)
		return;
	uint32_t *row = t->rec + (size_t)index * t->width, kept = 0, before = 0;
	uint8_t *times = live_times(t) + index;
	while (before < t->width && row[before])
		before++;
	for (uint32_t i = 0; i < before; i++)
		kept += came(s, rest, end, row[i]);
	if (!*times && before) {           /* the program's own list named them */
		t->tried++;
		t->fits += kept == before;
	}
	if (*times) {
		t->again++;
		t->changed += before && !kept;
		if (t->again > (t->fetched < t->n ? t->fetched : t->n) / 2 + 64) {    /* the past counts half */
			t->again /= 2;
			t->changed /= 2;
		}
	}
	if (!*times || !kept) {
		uint32_t named = !*times && before == 1 && kept && s->n > 2 ? row[0] : 0;
		if (s->n || (*times && before))
			start_row(t, row, times, s);
		if (named)
			named_first(row, s->n < t->width ? s->n : t->width, named);
		return;
	}
	if (*times == LIVE_GUESS && s->guess && s->guess <= before && !memcmp(row, s->list, s->guess * sizeof(*row))) {
		memset(row + s->guess, 0, (before - s->guess) * sizeof(*row));   /* the same guess in another batch */
	} else if (kept < before) {
		uint32_t to = 0;
		for (uint32_t i = 0; i < before; i++)
			if (came(s, rest, end, row[i]))
				row[to++] = row[i];
		memset(row + to, 0, (before - to) * sizeof(*row));
		kept = to;
	}
	if (*times == 1 && !s->guess)
		in_order(row, kept, s);
	*times = fetched_again(*times, kept < before);
}

/* Notes from..to as records + 1, each once, into the list. */
static void gather(uint32_t from, uint32_t to, struct seen *s)
{
	for (uint32_t i = from; i < to && s->n < LIVE_WIDTH; i++)
		if (!has(s->list, s->n, L->notes[i] + 1))
			s->list[s->n++] = L->notes[i] + 1;
}

static void files_of(uint32_t m, uint32_t rest, uint32_t end, struct seen *s)
{
	uint32_t to = m + 1 < L->nmarks ? L->mark[m + 1].at : rest, all = end - rest, share = all / L->nmarks;
	s->n = s->guess = 0;
	gather(L->mark[m].at, to < rest ? to : rest, s);
	/* What was read of the batch as a whole, in as many equal parts as it has samples, in their order: a guess, that
	 * the next fetch puts to the test. A pool of threads reads a little out of order: so those nearby may be it, too. */
	if (!share || share * L->nmarks != all)
		return;
	gather(rest + m * share, rest + (m + 1) * share, s);
	s->guess = s->n;
	if (L->n <= GUESSES) {
		uint32_t low = m > NEAR ? m - NEAR : 0, high = m + NEAR + 1 < L->nmarks ? m + NEAR + 1 : L->nmarks;
		gather(rest + low * share, rest + high * share, s);
	}
}

/* It was read before it was known that it is the dataset's: what the budget is a part of has it, too. (Just opened: its size is at hand.) */
static void seen_before(uint32_t rec, const char *path)
{
	struct stat st;
	struct record *r = &view.rec[rec];
	if ((view.h->part[TIER_RAM] <= 0 && view.h->part[TIER_SSD] <= 0) || r->seen || stat(path, &st) < 0 || !session_lock())
		return;
	bool first = !r->seen;
	r->seen += first;
	session_unlock();
	if (first)
		index_seen((uint64_t)st.st_size);
}

/* Strangers that are none any more become records, the others go; so do records that come twice in a row, as when a header
 * is looked at first. Returns where the rest begins. */
static uint32_t settle(void)
{
	uint32_t end = atomic_load(&L->nnotes), back = L->rest < end ? L->rest : end, rest = 0, to = 0, m = 0;
	for (uint32_t i = 0; i <= end; i++) {
		while (m < L->nmarks && L->mark[m].at <= i)
			L->mark[m++].at = to;
		if (i == back)
			rest = to;
		if (i == end)
			break;
		uint32_t rec = L->notes[i];
		if (rec & STRANGER) {
			const char *path = L->strange + (rec & ~STRANGER);
			rec = live_record(path, strlen(path));
			if (rec != REC_NONE)
				seen_before(rec, path);
		}
		if (rec != REC_NONE && !(i > back && to > rest && L->notes[to - 1] == rec))
			L->notes[to++] = rec;
	}
	atomic_store(&L->nnotes, to);
	return rest;
}

/* Samples with keys: are most of them told apart by places, too? The past counts half. */
static void count_keyed(struct live_table *t, bool placed)
{
	t->placed += placed;
	t->loose += !placed;
	if (t->placed + t->loose > 1024) {
		t->placed /= 2;
		t->loose = (t->loose + 1) / 2;   /* once is not forgotten: an order by places would end there */
	}
}

void live_learn(bool make)
{
	static struct seen seen;
	if (!mine(0))
		return;
	bool some = false, keys = false;
	for (uint32_t m = 0; m < L->nmarks; m++) {
		keys = keys || L->mark[m].key;
		some = some || L->mark[m].index < L->n;
	}
	if ((some || keys) && conf_active() && session_attach()) {
		uint32_t rest = settle(), end = atomic_load(&L->nnotes), most = 0;
		for (uint32_t m = 0; m < L->nmarks; m++) {
			files_of(m, rest, end, &seen);
			most = seen.n > most ? seen.n : most;
		}
		uint64_t dataset = live_dataset(orders.live_loader);
		bool places = table(&L->places, dataset, L->n, most, make && some);
		keys = keys && dataset && table(&L->keys, live_keyed(dataset), live_keyed_rows(L->n), most, true);
		for (uint32_t m = 0; (places || keys) && m < L->nmarks; m++) {
			bool placed = L->mark[m].index < L->n;
			files_of(m, rest, end, &seen);
			if (places && placed)
				learn(L->places.t, L->mark[m].index, &seen, rest, end);
			if (keys && L->mark[m].key) {
				count_keyed(L->keys.t, placed);
				learn(L->keys.t, L->mark[m].key, &seen, rest, end);
			}
		}
	}
	atomic_store(&L->owner, NULL);
}
