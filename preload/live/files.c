/* files.c - which records the samples of a dataset are: named by the program, or learned from what is opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "live.h"

#define MAGIC "OPT4LRN\n"

static struct learning { struct live_table *t; size_t bytes; uint64_t loader; uint32_t index; bool on; } learning;

static void table_name(char name[40], uint64_t dataset) { snprintf(name, 40, "live.data.%016llx", (unsigned long long)dataset); }

static size_t table_bytes(uint32_t n, uint32_t width) { return sizeof(struct live_table) + (size_t)n * width * sizeof(uint32_t); }

struct live_table *live_table(uint64_t dataset, uint32_t n, size_t *bytes)
{
	char name[40];
	table_name(name, dataset);
	*bytes = sizeof(struct live_table);
	struct live_table *t = plan_map_file(name, bytes, false);
	if (t && (memcmp(t->magic, MAGIC, 8) || t->n != n || !t->width || t->width > LIVE_WIDTH || *bytes < table_bytes(n, t->width))) {
		munmap(t, *bytes);
		t = NULL;
	}
	return t;
}

int live_known(uint64_t dataset, uint32_t n)
{
	size_t bytes;
	struct live_table *t = session_attach() ? live_table(dataset ? dataset : stream_dataset(orders.live_loader), n, &bytes) : NULL;
	if (!t)
		return 0;
	int known = t->complete ? 2 : t->width > 1;   /* one that is being named will be complete in a moment */
	munmap(t, bytes);
	return known;
}

/* A new table, put in place whole. NULL: no room. */
static struct live_table *table_make(uint64_t dataset, uint32_t n, uint32_t width, size_t *bytes)
{
	char name[40], own[64], from[PATH_BYTES + 64], to[PATH_BYTES + 64];
	table_name(name, dataset);
	snprintf(own, sizeof(own), "%s.%d", name, (int)getpid());
	*bytes = table_bytes(n, width);
	struct live_table *t = plan_map_file(own, bytes, true);
	if (!t)
		return NULL;
	t->n = n;
	t->width = width;
	memcpy(t->magic, MAGIC, 8);
	snprintf(from, sizeof(from), "%s/%s", view.dir, own);
	snprintf(to, sizeof(to), "%s/%s", view.dir, name);
	/* Of two who begin at once the first wins. */
	if (width > 1 && link(from, to) < 0 && errno == EEXIST) {
		munmap(t, *bytes);
		t = live_table(dataset, n, bytes);
	} else if (width == 1 && rename(from, to) < 0) {
		munmap(t, *bytes);
		t = NULL;
	}
	unlink(from);
	return t;
}

/* The root that an absolute path lies below, and its name there. */
static uint32_t record_of(const char *path, size_t len)
{
	for (unsigned i = 0; i < conf_nroots(); i++)
		for (int real = 0; real < 2; real++) {
			size_t n = 0;
			const char *root = real ? conf_root_real(i, &n) : conf_root(i, &n);
			if (root && n && len > n + 1 && path[n] == '/' && !memcmp(path, root, n))
				return session_record(i, path + n + 1, len - n - 1);
		}
	return REC_NONE;
}

int live_files(uint64_t dataset, uint32_t n, const char *paths, size_t bytes)
{
	size_t mapped;
	if (!session_attach())
		return -EAGAIN;
	if (!dataset && !(dataset = stream_dataset(orders.live_loader)))
		return -ENOENT;
	struct live_table *t = table_make(dataset, n, 1, &mapped);
	if (!t)
		return -ENOSPC;
	const char *p = paths, *end = paths + bytes;
	for (uint32_t i = 0; i < n && p < end; i++) {
		size_t len = strnlen(p, (size_t)(end - p));
		uint32_t rec = record_of(p, len);
		t->rec[i] = rec == REC_NONE ? 0 : rec + 1;
		p += len + 1;
	}
	t->complete = 1;
	munmap(t, mapped);
	return 0;
}

/* Under the lock: rec was opened. */
static void note(uint32_t rec)
{
	if (!learning.on)
		return;
	uint32_t *at = learning.t->rec + (size_t)learning.index * learning.t->width;
	for (uint32_t i = 0; i < learning.t->width; i++) {
		if (at[i] == rec + 1)
			return;
		if (!at[i]) {
			at[i] = rec + 1;
			return;
		}
	}
}

void live_sample(uint32_t n, uint32_t index)
{
	learning.on = false;
	if (!n || !orders.live_loader || !session_attach())
		return;
	if (!learning.t || learning.loader != orders.live_loader || learning.t->n != n) {
		uint64_t dataset = stream_dataset(orders.live_loader);
		/* Another thread may be noting a file in it, under the lock. */
		if (learning.t && !session_lock())
			return;
		if (learning.t) {
			munmap(learning.t, learning.bytes);
			learning.t = NULL;
			session_unlock();
		}
		learning.loader = orders.live_loader;
		if (!dataset)
			return;
		learning.t = live_table(dataset, n, &learning.bytes);
		if (!learning.t)
			learning.t = table_make(dataset, n, LIVE_WIDTH, &learning.bytes);
	}
	learning.index = index;
	atomic_store_explicit(&access_watch, note, memory_order_relaxed);
	learning.on = learning.t && !learning.t->complete && index < n;
}
