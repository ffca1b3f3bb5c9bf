/* keeper_start.c - the clients' side of the keeper, and its office. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "parts.h"

#define LOOK_NS  250000000ull      /* between two looks whether it lives */
#define BLOCK    (512u << 10)      /* scratch for path, arguments and environment of a start */
#define NAME     "opt4d"

static bool has_tier(void)
{
	const struct index_header *h = view.h;
	return h->ssd_ready == 1 || h->pool_state == POOL_COMING || h->pool_state == POOL_ON;
}

/* Is anything to be fetched, or moved? */
static bool has_work(void)
{
	return has_tier() || view.h->nplans || atomic_load_explicit(&view.h->loader_made, memory_order_relaxed);
}

/* Without an order, too: what lies idle is given back, and when all of the job has been killed at once nobody else is there
 * to take its session away. */
static bool wanted(void)
{
	const struct index_header *h = view.h;
	return (has_work() || !h->keep) && (h->prefetch || has_tier()) && h->account[TIER_RAM].budget && !atomic_load(&h->gone);
}

bool keeper_lives(void)
{
	uint32_t pid = atomic_load(&view.h->keeper_pid);
	uint32_t slot = atomic_load(&view.h->keeper_slot) - 1;
	if (!pid || view.h->keeper_pidns == proc_self()->pidns || slot >= SLOTS_MAX)
		return pid && proc_alive(pid, view.h->keeper_start, view.h->keeper_pidns);
	return atomic_load(&view.slots[slot].pid) == pid && slot_alive(&view.slots[slot], pid);
}

/* The file that holds this code: the library, or a tool. From /proc, since the dynamic linker knows only the name
 * that it was given, which may be relative to a folder long left. */
static bool own_file(char *path, char *text, size_t room)
{
	unsigned long here = (unsigned long)(void *)&own_file, from, to;
	int n = 0, fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	bool found = false;
	if (fd < 0)
		return false;
	for (ssize_t got; !found && (got = read(fd, text + have, room - 1 - have)) > 0;) {
		char *line = text, *end;
		have += (size_t)got;
		text[have] = 0;
		for (; !found && (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &from, &to, &n) == 2 && here >= from && here < to &&
			    line[n] == '/' && strlen(line + n) < PATH_MAX) {
				strcpy(path, line + n);
				found = true;
			}
		}
		have = strlen(line);
		memmove(text, line, have + 1);
	}
	close(fd);
	return found;
}

static bool runs(char *path, const char *dir, size_t len, const char *rest)
{
	return len + strlen(rest) + sizeof(NAME) < PATH_MAX && snprintf(path, PATH_MAX, "%.*s%s" NAME, (int)len, dir, rest) > 0 &&
	       access(path, X_OK) == 0;
}

static bool look_for(char *path, char *own, char *scratch, size_t room)
{
	if (own_file(own, scratch, room)) {
		size_t len = (size_t)(strrchr(own, '/') - own);
		if (runs(path, own, len, "/") || runs(path, own, len, "/../libexec/opt4/") || runs(path, own, len, "/../bin/"))
			return true;
	}
	for (const char *p = getenv("PATH"); p && *p; p += *p == ':') {
		size_t len = strcspn(p, ":");
		if (len && *p == '/' && runs(path, p, len, "/"))
			return true;
		p += len;
	}
	return false;
}

/* Beside the library, in ../libexec or ../bin as seen from it, on PATH. Where it was found is remembered. */
static bool find(char *path, char *own, char *scratch, size_t room)
{
	static char known[PATH_MAX];
	static _Atomic bool have;
	if (have && access(known, X_OK) == 0) {
		strcpy(path, known);
		return true;
	}
	if (!look_for(path, own, scratch, room))
		return false;
	if (!have) {               /* two threads write the same */
		strcpy(known, path);
		have = true;
	}
	return true;
}

/* The keeper keeps the job's other preloads (a slow store, an allocator) and sheds this library; it is active
 * whatever OPT4_PROGRAMS says of the program that starts it. */
static void set_preload(char *to, const char *from)
{
	static const char variable[] = "LD_PRELOAD=";
	memcpy(to, variable, sizeof(variable) - 1);
	preload_without(to + sizeof(variable) - 1, from, PRELOAD_NAME);
}

static int start(char *block, char *const argv[])
{
	char *path = block, *own = path + PATH_MAX, *preload = own + PATH_MAX, *text = preload + (64 << 10);
	char **env = (char **)(void *)(text + (64 << 10));
	size_t n = 0, most = (size_t)(block + BLOCK - (char *)env) / sizeof(*env) - 1;
	if (!find(path, own, text, 64 << 10)) {
		if (has_work())
			note_reason("opt4: prefetch: no " NAME " beside the library, in ../libexec/opt4, ../bin or on PATH; files are fetched on demand");
		return -ENOENT;
	}
	for (char **e = environ; e && *e && n < most; e++) {
		if (!strncmp(*e, "OPT4_PROGRAMS=", 14))
			continue;
		env[n++] = *e;
		if (!strncmp(*e, "LD_PRELOAD=", 11) && strlen(*e) < (64 << 10) - 16) {
			set_preload(preload, *e + 11);
			env[n - 1] = preload;
		}
	}
	env[n] = NULL;
	int rc = spawn_apart(path, argv, env);
	if (rc < 0 && has_work())
		note_reason("opt4: prefetch: %.160s: %s; files are fetched on demand", path, strerror(-rc));
	return rc;
}

static int begin(char *const argv[])
{
	char *block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		return -errno;
	int rc = start(block, argv);
	munmap(block, BLOCK);
	return rc;
}

/* It does not live, and is wanted. */
static void start_one(uint64_t now)
{
	struct index_header *h = view.h;
	if (atomic_load(&h->keeper_pid))
		repair_bury();     /* what it was fetching is free for all again */
	/* one process tries, and less and less often where no keeper ever comes */
	uint32_t fails = atomic_load(&h->keeper_fails);
	uint64_t tried = atomic_load(&h->keeper_tried);
	if ((tried && now - tried < LOOK_NS << (fails < 8 ? fails : 8)) || !atomic_compare_exchange_strong(&h->keeper_tried, &tried, now))
		return;
	atomic_fetch_add(&h->keeper_fails, 1);   /* it sets this to 0 */
	char *argv[] = { (char *)NAME, view.dir, NULL };
	begin(argv);
}

void keeper_check(void)
{
	static _Atomic uint64_t next;
	uint64_t now = now_coarse(), due = atomic_load(&next);
	struct calm calm;
	if (now < due || !wanted() || !atomic_compare_exchange_strong(&next, &due, now + LOOK_NS))
		return;
	calm_begin(&calm);
	if (!keeper_lives())
		start_one(now);
	calm_end(&calm);
}

int keeper_order(const char *spool)
{
	char *argv[] = { (char *)NAME, (char *)"--order", view.dir, (char *)spool, NULL };
	return begin(argv);
}

int keeper_size(const char *list)
{
	char *argv[] = { (char *)NAME, (char *)"--size", view.dir, (char *)list, NULL };
	return begin(argv);
}

void keeper_ring(void)
{
	atomic_fetch_add(&view.h->keeper_bell, 1);
	if (atomic_load(&view.h->keeper_asleep))
		syscall(SYS_futex, &view.h->keeper_bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void keeper_dismiss(void)
{
	keeper_ring();
	for (int i = 0; i < 200 && keeper_lives(); i++) {
		if (i % 20 == 10 && proc_stopped(view.h->keeper_pid))
			return;
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
}

int keeper_visit(const char *dir, uint32_t kind)
{
	int rc = dir_secure(dir, false);
	if (rc < 0 || (rc = index_map(dir)) < 0)
		return rc;
	if (!slot_claim(kind))
		return -EAGAIN;
	/* a live order may be replaced meanwhile */
	for (int i = 0; i < 100 && ((rc = plans_refresh()) < 0 || (rc = policy_refresh()) < 0) && (rc == -EAGAIN || rc == -ENOENT); i++)
		;
	if (rc == 0)
		repair_bury();
	return rc;
}

int keeper_attach(const char *dir)
{
	const struct proc_id *me = proc_self();
	int rc = keeper_visit(dir, 1);
	if (rc < 0)
		goto out;
	rc = -EAGAIN;
	for (int i = 0; i < 100 && rc == -EAGAIN; i++) {
		if (!session_lock())
			continue;
		rc = keeper_lives() ? -EEXIST : 0;
		if (rc == 0) {
			view.h->keeper_start = me->start;
			view.h->keeper_pidns = me->pidns;
			atomic_store(&view.h->keeper_slot, view.slot + 1);
			view.h->keeper_asleep = 0;
			atomic_store(&view.h->keeper_pid, me->pid);
			atomic_store(&view.h->keeper_fails, 0);
		}
		session_unlock();
	}
	if (rc == 0) {
		atomic_store(&view.attached, true);
		return 0;
	}
out:
	keeper_detach();
	return rc;
}

void keeper_detach(void)
{
	uint32_t pid = proc_self()->pid;
	if (!view.h)
		return;
	if (atomic_load(&view.h->keeper_start) == proc_self()->start)
		atomic_compare_exchange_strong(&view.h->keeper_pid, &pid, 0);
	slot_leave();
}
