/* files.c - tables of which records the samples of a dataset are: made, named by the program, read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "live.h"

#define MAGIC    "OPT4LR2\n"
#define ROOM     (256u << 20)      /* bytes beyond which a table gets no wider */
#define TABLES   64                /* a session keeps; of more the oldest that no loader reads goes */
#define ENOUGH   16u               /* fetches before a table is judged by them */

static void table_name(char name[40], uint64_t dataset) { snprintf(name, 40, "live.data.%016llx", (unsigned long long)dataset); }

static size_t table_bytes(uint32_t n, uint32_t width, bool keyed)
{
	size_t bytes = sizeof(struct live_table) + (size_t)n * width * sizeof(uint32_t) + n;
	return keyed ? ((bytes + 3) & ~(size_t)3) + n * sizeof(uint32_t) : bytes;
}

uint8_t *live_times(struct live_table *t) { return (uint8_t *)(t->rec + (size_t)t->n * t->width); }

struct live_table *live_table(uint64_t dataset, uint32_t n, size_t *bytes)
{
	char name[40];
	table_name(name, dataset);
	*bytes = sizeof(struct live_table);
	struct live_table *t = plan_map_file(name, bytes, false);
	if (t && (memcmp(t->magic, MAGIC, 8) || t->n != n || !t->width || t->width > LIVE_WIDTH || *bytes < table_bytes(n, t->width, t->keyed) ||
		  (t->keyed && (n & (n - 1))))) {
		munmap(t, *bytes);
		t = NULL;
	}
	return t;
}

/* As live_known(), of one table. *loose: some of its samples, lately, have no place. */
static int table_known(uint64_t dataset, uint32_t n, bool *loose)
{
	size_t bytes;
	struct live_table *t = live_table(dataset, n, &bytes);
	*loose = false;
	if (!t)
		return 0;
	bool wanders = t->again >= 2 * ENOUGH && t->changed > t->again / 4;
	int known = wanders ? 3 : t->complete ? 2 : t->fetched ? 1 : 0;   /* one that is being named will be complete in a moment */
	*loose = t->loose;
	munmap(t, bytes);
	return known;
}

int live_known_here(uint64_t dataset, uint32_t n)
{
	bool loose;
	int known = table_known(dataset, n, &loose), keyed = table_known(live_keyed(dataset), live_keyed_rows(n), &loose);
	return keyed == 1 && (loose || known == 3) ? LIVE_IS_KEYED : known;
}

int live_known(uint64_t dataset, uint32_t n)
{
	if (!session_attach() || (!dataset && !(dataset = live_dataset(orders.live_loader))))
		return 0;
	return live_known_here(dataset, n);
}

static bool read_by_a_loader(uint64_t dataset)
{
	for (int i = 0; i < LOADERS_MAX; i++)
		if (view.h->loaders[i].key && (view.h->loaders[i].dataset == dataset || view.h->loaders[i].dataset == live_keyed(dataset)))
			return true;
	return false;
}

static void forget(uint64_t dataset)
{
	char name[40], path[PATH_BYTES + 64];
	size_t bytes;
	table_name(name, dataset);
	bytes = sizeof(struct live_table);
	struct live_table *t = plan_map_file(name, &bytes, false);
	if (!t)
		return;
	bool last = bytes >= sizeof(*t) && atomic_fetch_sub(&t->users, 1) <= 1;
	munmap(t, bytes);
	snprintf(path, sizeof(path), "%s/%s", view.dir, name);
	if (last)
		unlink(path);
}

void live_forget(uint64_t dataset)
{
	if (!session_attach() || read_by_a_loader(dataset))
		return;
	forget(dataset);
	forget(live_keyed(dataset));
}

static void use(uint64_t dataset, uint32_t n)
{
	size_t bytes;
	struct live_table *t = live_table(dataset, n, &bytes);
	if (t) {
		atomic_fetch_add(&t->users, 1);
		munmap(t, bytes);
	}
}

void live_use(uint64_t dataset, uint32_t n)
{
	if (!session_attach())
		return;
	use(dataset, n);
	use(live_keyed(dataset), live_keyed_rows(n));
}

/* Of a session's tables the one that was made first, of those that no loader reads now. Killed jobs leave some. */
static struct { uint32_t n; uint64_t oldest; int64_t made; } crowd;

static void count_table(int fd, const char *name, void *arg)
{
	unsigned long long dataset;
	struct stat st;
	(void)arg;
	if (sscanf(name, "live.data.%16llx", &dataset) != 1 || strlen(name) != 26 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	crowd.n++;
	if ((!crowd.oldest || st.st_ctime < crowd.made) && !read_by_a_loader(dataset)) {
		crowd.oldest = dataset;
		crowd.made = st.st_ctime;
	}
}

static void thin_out(void)
{
	char name[40];
	int fd = open(view.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	memset(&crowd, 0, sizeof(crowd));
	dir_each(fd, count_table, NULL);
	if (crowd.n > TABLES && crowd.oldest) {
		table_name(name, crowd.oldest);
		unlinkat(fd, name, 0);
	}
	close(fd);
}

/* Written by this process alone until place() gives it its name. */
static struct live_table *table_make(uint64_t dataset, uint32_t n, uint32_t width, bool keyed, char own[64], size_t *bytes)
{
	char name[40];
	table_name(name, dataset);
	snprintf(own, 64, "%s.%d", name, (int)getpid());
	*bytes = table_bytes(n, width, keyed);
	struct live_table *t = plan_map_file(own, bytes, true);
	if (t) {
		t->n = n;
		t->width = width;
		t->keyed = keyed;
		memcpy(t->magic, MAGIC, 8);
	}
	return t;
}

static bool place(uint64_t dataset, const char *own, bool replace)
{
	char name[40], from[PATH_BYTES + 64], to[PATH_BYTES + 64];
	table_name(name, dataset);
	snprintf(from, sizeof(from), "%s/%s", view.dir, own);
	snprintf(to, sizeof(to), "%s/%s", view.dir, name);
	bool ok = (replace ? rename(from, to) : link(from, to)) == 0;
	unlink(from);
	return ok;
}

struct live_table *live_table_begin(uint64_t dataset, uint32_t n, uint32_t width, bool keyed, size_t *bytes)
{
	char own[64];
	if (!n || width > LIVE_WIDTH || ((keyed || width > 1) && table_bytes(n, width, keyed) > ROOM))
		return NULL;
	thin_out();
	struct live_table *t = table_make(dataset, n, width, keyed, own, bytes);
	if (t && !place(dataset, own, false)) {    /* of two who begin at once the first wins */
		munmap(t, *bytes);
		t = live_table(dataset, n, bytes);
	}
	return t;
}

struct live_table *live_table_widen(uint64_t dataset, struct live_table *t, uint32_t width, size_t *bytes)
{
	char own[64];
	uint32_t none = 0;
	size_t fresh_bytes;
	if (width > LIVE_WIDTH || table_bytes(t->n, width, t->keyed) > ROOM || !atomic_compare_exchange_strong(&t->moved, &none, 1))
		return t;
	struct live_table *w = table_make(dataset, t->n, width, t->keyed, own, &fresh_bytes);
	if (!w)
		return t;
	for (uint32_t i = 0; i < t->n; i++)
		memcpy(w->rec + (size_t)i * width, t->rec + (size_t)i * t->width, t->width * sizeof(uint32_t));
	memcpy(live_times(w), live_times(t), t->n);
	for (uint32_t i = 0; t->keyed && i < t->n; i++)
		atomic_store(&live_keys(w)[i], atomic_load(&live_keys(t)[i]));
	w->complete = t->complete;
	w->fetched = t->fetched;
	w->tried = t->tried;
	w->fits = t->fits;
	w->again = t->again;
	w->changed = t->changed;
	w->users = t->users;
	w->share = t->share;
	w->placed = t->placed;
	w->loose = t->loose;
	if (!place(dataset, own, true)) {
		munmap(w, fresh_bytes);
		return t;
	}
	munmap(t, *bytes);
	*bytes = fresh_bytes;
	return w;
}

uint32_t live_record(const char *path, size_t len)
{
	for (unsigned i = 0; i < conf_nroots(); i++)
		for (int real = 0; real < 2; real++) {
			size_t n = 0;
			const char *root = real ? conf_root_real(i, &n) : conf_root(i, &n);
			if (root && n && len > n + 1 && path[n] == '/' && !memcmp(path, root, n))
				return session_record_named(i, path + n + 1, len - n - 1);
		}
	return REC_NONE;
}

int live_files(uint64_t dataset, uint32_t n, const char *paths, size_t bytes)
{
	size_t mapped;
	char own[64];
	if (!session_attach())
		return -EAGAIN;
	if (!dataset && !(dataset = live_dataset(orders.live_loader)))
		return -ENOENT;
	thin_out();
	struct live_table *t = table_make(dataset, n, 1, false, own, &mapped);
	if (!t)
		return -ENOSPC;
	const char *p = paths, *end = paths + bytes;
	for (uint32_t i = 0; i < n && p < end; i++) {
		size_t len = strnlen(p, (size_t)(end - p));
		uint32_t rec = live_record(p, len);
		t->rec[i] = rec == REC_NONE ? 0 : rec + 1;
		p += len + 1;
	}
	t->complete = 1;
	munmap(t, mapped);
	/* What has been learned meanwhile from fetches is better than what the program's lists say. */
	place(dataset, own, false);
	return 0;
}

/* ---- which of it is to be believed ---- */

/* Positions of a sample whose files look drawn at random, after one fetch of each: a partner for mixup. A random draw of m
 * from many has m(1 - e^-x)/x different ones, where the sum of the squares of their counts is m(1 + x); files of the
 * samples' own are all different, or each of them is several samples' (a mask, frames), which both gives other squares. */
static bool random_draws(uint64_t m, uint64_t distinct, uint64_t squares)
{
	double ratio = (double)distinct / (double)m, low = 0, high = 32;
	if (m < ENOUGH || ratio > .95 || ratio < .3)
		return false;
	for (int i = 0; i < 40; i++) {
		double x = (low + high) / 2, e = 1 - x / 64, p = 1;
		for (int k = 0; k < 64; k++)
			p *= e;            /* e^-x, near enough, without libm */
		if ((1 - p) / x > ratio)
			low = x;
		else
			high = x;
	}
	double expected = 1 + low, found = (double)squares / (double)m;
	return found > .85 * expected && found < 1.15 * expected;
}

/* What most samples have left of which some files came but once: so many of them are a sample's own. The draws of a mosaic that came a second time
 * by chance are seldom; without such rows, all. */
static uint32_t own_files(struct live_table *t)
{
	uint32_t count[8] = { 0 }, most = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t n = 0;
		if (live_times(t)[i] != LIVE_CUT)
			continue;
		while (n < t->width && t->rec[(size_t)i * t->width + n])
			n++;
		count[n < 8 ? n : 0]++;
	}
	for (uint32_t n = 1; n < 8; n++)
		most = count[n] > count[most] ? n : most;
	return most ? most : UINT32_MAX;
}

void live_judge(struct live_table *t, uint32_t nfiles, struct live_trust *trust)
{
	uint32_t once = 0;
	uint8_t *times = live_times(t);
	*trust = (struct live_trust){ .named = t->tried < ENOUGH || t->fits > t->tried / 2, .cut = own_files(t) };
	for (uint32_t i = 0; i < t->n; i++)
		once += times[i] == 1;
	if (t->width < 2 || once < ENOUGH)
		return;
	uint8_t *counts = mmap(NULL, nfiles + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint32_t p = 1; counts != MAP_FAILED && p < t->width && p < 64; p++) {
		uint64_t m = 0, distinct = 0, squares = 0;
		memset(counts, 0, nfiles);
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t rec = times[i] == 1 ? t->rec[(size_t)i * t->width + p] : 0;
			if (!rec || rec > nfiles || counts[rec - 1] == 255)
				continue;
			m++;
			distinct += !counts[rec - 1];
			squares += 2u * counts[rec - 1] + 1;
			counts[rec - 1]++;
		}
		if (m && random_draws(m, distinct, squares))
			trust->random |= 1ull << p;
	}
	if (counts != MAP_FAILED)
		munmap(counts, nfiles + 1);
}

uint32_t live_row(struct live_table *t, const struct live_trust *trust, uint32_t index, uint32_t nfiles, uint32_t rec[LIVE_WIDTH])
{
	uint32_t n = 0;
	index = live_place(t, index, false);
	if (index == UINT32_MAX)
		return 0;
	const uint32_t *row = t->rec + (size_t)index * t->width;
	uint8_t times = live_times(t)[index];
	if (!times && t->complete && !trust->named)
		return 0;
	uint32_t own = times == LIVE_GUESS ? t->share : times == LIVE_CUT ? trust->cut : t->width;
	for (uint32_t p = 0; p < t->width && p < own && row[p]; p++)
		if (row[p] <= nfiles && !(times == 1 && p < 64 && trust->random >> p & 1))
			rec[n++] = row[p] - 1;
	return n;
}
