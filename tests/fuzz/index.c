/* index.c - libFuzzer: whatever a session's shared memory holds (index, the policy's state, the follower's), a client that maps
 * it, joins, looks up, fills, evicts, repairs and prints its statistics may be slow to be useful, but is never wrong in memory
 * and never caught in a loop. Everything in memory: the session's system calls go to kernel.c.
 *
 * The input: a byte for the policy and one for how many patches before the index is mapped, and how many later (as a wild
 * pointer of another client would); then patches: where (1 + 4 bytes), what (8 bytes); a byte for how many operations, the
 * operations, and the rest says which system calls fail. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../preload/session/keeper.h"
#include "../../preload/live/live.h"
#include "client.h"
#include "kernel.h"

void fuzz_trace(struct trace *t);           /* index_trace.c */

static const char *const policies[] = { "lru", "lfu", "fifo", "random", "keep", "opt" };
#define VARIANTS 6
#define SLOTS_USED 16
#define RECORDS_USED 32
static struct kernel_state *states[VARIANTS];
static struct index_header layout;         /* offsets, the same for all but the records' number */
static struct { size_t at, len; } fields[64]; /* of the header: all but paths and messages */
static size_t nfields, field_bytes;

/* The header from one offset to another. */
static void field(size_t from, size_t to)
{
	fields[nfields].at = from;
	field_bytes += fields[nfields++].len = to - from;
}

static void find_fields(void)
{
#define AT(f) offsetof(struct index_header, f)
	field(0, AT(roots[0].path));
	field(AT(nfiles), AT(plans));
	for (size_t i = 0; i < 3; i++)
		field(AT(plans) + i * sizeof(struct plan_entry), AT(plans) + i * sizeof(struct plan_entry) + offsetof(struct plan_entry, path));
	field(AT(n), AT(log));
	field(AT(nepochs), sizeof(struct index_header));
}

/* ---- a client ---- */

static void use_file(uint32_t i)
{
	int fd;
	client_use(FUZZ_ROOT, i % (FUZZ_FILES + 2), &fd); /* some of no trace */
}

static void operate(uint8_t op)
{
	char *text = NULL;
	size_t len;
	switch (op >> 4) {
	case 0:
		if (view.h && (op & 15) == 1) {
			FILE *f = open_memstream(&text, &len);
			stats_print(f);
			fclose(f);
			free(text);
		}
		break;
	case 1:
		session_invalidate(op & 15);
		break;
	case 2:
		session_invalidate_tree(0, "", 0);
		break;
	case 3:
		if (view.h) {
			atomic_store(&view.h->room_left, -100000);
			victims_shrink();
		}
		break;
	case 4:
		if (view.h)
			object_reap(true);
		break;
	case 5:                    /* a fork's child */
		session_after_fork();
		break;
	case 6:                    /* another process's turn */
		client_leave();
		break;
	case 7:
		session_writer(op & 15, op & 1 ? 1 : -1);
		break;
	case 8:
		if (view.h && view.slot < SLOTS_MAX)
			repair_bury();
		break;
	case 9:
		live_follow(op & 3);
		live_loader(op & 3, 5, op & 1);
		break;
	case 10:
		if (op == 0xA1)        /* the job's own process ends, and with it the session */
			session_leave();
		break;
	case 11:                   /* a tool or the keeper comes */
		client_leave();
		if (keeper_visit(FUZZ_DIR, 1 + (op & 1)) == 0 && session_lock())
			session_unlock();
		break;
	case 12:
		session_abandoned();
		break;
	default:
		use_file(op);
	}
}

/* ---- before ---- */

static void configure(uint32_t variant)
{
	static struct trace trace;
	if (!trace.h)
		fuzz_trace(&trace);
	conf.loaded = conf.active = true;
	conf.nroots = conf.nglobs = 1;
	strcpy(conf.root[0].path, FUZZ_ROOT);
	strcpy(conf.root[0].real, FUZZ_ROOT);
	conf.root[0].len = conf.root[0].real_len = sizeof FUZZ_ROOT - 1;
	conf.root[0].real_known = true;
	strcpy(conf.glob[0], "*.jpg");
	strcpy(conf.dir, FUZZ_DIR);
	strcpy(conf.cache, "64K");
	conf.maxfile = 16384;
	strcpy(conf.policy, policies[variant]);
	strcpy(conf.trace_path, "/trace");
	conf.trace = trace;
	conf.have_trace = variant == VARIANTS - 1;
	conf.prefetch = -1;
}

/* What a client writes that is not led astray: else a client that was would be met again by the next one. */
static struct kernel_state *save(void)
{
	struct kernel_range ranges[KERNEL_RANGES];
	size_t n = 0, bytes;
#define RANGE(file, at, len) ranges[n++] = (struct kernel_range){ file, at, len, true }
	ranges[n++] = (struct kernel_range){ KERNEL_INDEX, 0, sizeof(struct index_header), false };
	for (size_t i = 0; i < nfields; i++)
		RANGE(KERNEL_INDEX, fields[i].at, fields[i].len);
	RANGE(KERNEL_INDEX, offsetof(struct index_header, log), sizeof layout.log);
	RANGE(KERNEL_INDEX, layout.off_slots, SLOTS_USED * sizeof(struct slot));
	RANGE(KERNEL_INDEX, layout.off_epochs, 4096);
	RANGE(KERNEL_INDEX, layout.off_reserved, 4096);
	RANGE(KERNEL_INDEX, layout.off_touched, 64);
	RANGE(KERNEL_INDEX, layout.off_records, RECORDS_USED * sizeof(struct record));
	RANGE(KERNEL_INDEX, layout.off_name_slots, NAME_SLOTS_FIRST * 4);
	RANGE(KERNEL_INDEX, layout.off_links, NAME_SLOTS_FIRST * 4);
	RANGE(KERNEL_INDEX, layout.off_names, 256);
	kernel_memory(KERNEL_POLICY, &bytes);
	RANGE(KERNEL_POLICY, 0, bytes);
	kernel_memory(KERNEL_PLAN, &bytes);
	if (bytes) {
		size_t ring = offsetof(struct follow_shared, consumed);
		RANGE(KERNEL_PLAN, 0, offsetof(struct follow_shared, runs) + SLOTS_USED * sizeof(struct run));
		RANGE(KERNEL_PLAN, ring, 64);
		RANGE(KERNEL_PLAN, sizeof(struct follow_shared), bytes - sizeof(struct follow_shared));
	}
	return kernel_save(ranges, n);
}

static void prepare(void)
{
	find_fields();
	setenv("OPT4_JOB", "100:100", 1);
	for (uint32_t v = 0; v < VARIANTS; v++) {
		kernel_forget();
		configure(v);
		session_job_begin();
		for (uint32_t i = 0; i < 40; i++)
			use_file(i & 1 ? i / 8 : i * 5);
		if (!view.h || !view.h->n.fills || (!view.h->n.hits && v != 4))
			abort();       /* it is to do something */
		memcpy(&layout, view.h, sizeof layout);
		client_leave();
		states[v] = save();
	}
}

/* ---- one execution ---- */

static bool patched_far;          /* elsewhere than in what is made good at each execution */

/* Where a patch goes. */
static char *place(uint8_t kind, uint32_t at)
{
	size_t bytes, n;
	char *index = kernel_memory(KERNEL_INDEX, &bytes), *block;
	switch (kind % 12) {
	case 0: case 1: case 2: case 3:
		at = at * 4 % field_bytes;
		for (n = 0; at >= fields[n].len; n++)
			at -= (uint32_t)fields[n].len;
		return index + fields[n].at + at;
	case 4:
		patched_far = true;
		return index + at * 4ull % (layout.off_slots + SLOTS_USED * sizeof(struct slot));
	case 5:
		patched_far = true;
		return index + offsetof(struct index_header, plans) + at * 4ull % (sizeof(struct plan_entry) * PLANS_MAX);
	case 6:
		block = kernel_memory(KERNEL_POLICY, &n);
		return n > 8 ? block + at * 4ull % (n - 8) : index;
	case 7:
		block = kernel_memory(KERNEL_POLICY, &n);
		return n > 8 ? block + at * 4ull % (n < 300 ? n - 8 : 292) : index;
	case 8:
		patched_far = true;
		block = kernel_memory(KERNEL_PLAN, &n);
		return n > 8 ? block + at * 4ull % (n - 8) : index;
	case 9:
		switch (at % 4) {
		case 0:  return index + layout.off_touched + at / 4 * 4ull % 64;
		case 1:  return index + layout.off_name_slots + at / 4 * 4ull % (NAME_SLOTS_FIRST * 4);
		case 2:  return index + layout.off_links + at / 4 * 4ull % (NAME_SLOTS_FIRST * 4);
		default: return index + layout.off_names + at / 4 * 4ull % 256;
		}
	default:
		return index + layout.off_records + at * 4ull % (FUZZ_FILES * sizeof(struct record));
	}
}

static size_t patch(const uint8_t **data, size_t n, unsigned times)
{
	for (; times-- && n >= 13; *data += 13, n -= 13) {
		uint32_t at;
		uint64_t what;
		memcpy(&at, *data + 1, 4);
		memcpy(&what, *data + 5, 8);
		memcpy(place(**data, at), &what, **data & 0x80 ? 4 : 8);
	}
	return n;
}

/* May it have written where a client that is not led astray does not? */
static bool strays(void)
{
	size_t bytes;
	const struct index_header *h = kernel_memory(KERNEL_INDEX, &bytes);
	const uint64_t *touched = (const void *)((const char *)h + layout.off_touched);
	return patched_far || h->nextra > RECORDS_USED - FUZZ_FILES || h->nfiles > FUZZ_FILES || h->names_used > 256 - 64 || h->name_mask != NAME_SLOTS_FIRST - 1 ||
	       h->nepochs > 4096 / sizeof(struct epoch_stat) || h->slots_hi > SLOTS_USED || touched[8] || touched[0] >> RECORDS_USED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool strayed = true;
	if (!states[0])
		prepare();
	if (n < 3)
		return 0;
	uint32_t v = data[0] % VARIANTS;
	unsigned before = data[1] & 7, later = data[1] >> 4 & 7;
	data += 2, n -= 2;
	patched_far = false;
	configure(v);
	kernel_restore(states[v], strayed);
	n = patch(&data, n, before);
	if (!n)
		return 0;
	const uint8_t *patches = data;
	size_t skip = later * 13u < n ? later * 13u : 0;
	data += skip, n -= skip;
	unsigned ops = n ? *data % 16 : 0;
	if (n <= ops)
		return 0;
	kernel_fate(data + 1 + ops, n - 1 - ops);
	use_file(0);
	patch(&patches, skip, later);
	for (unsigned i = 1; i <= ops; i++)
		operate(data[i]);
	use_file(1);
	use_file(2);
	kernel_fate(NULL, 0);
	client_leave();
	strayed = strays();
	return 0;
}
