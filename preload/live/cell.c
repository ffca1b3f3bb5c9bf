/* cell.c - the memory of a child that is locked in: nothing of it is shared any more. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "live.h"

#define MAPS    (8u << 20)         /* text of /proc/self/maps, at most */
#define COPIED  (64ull << 20)      /* shared memory that is copied, in all; more stays shared, and is made read only */
#define RANGES  4096u
#define CPU_SECONDS 10u

struct cell_words *cell_new(uint32_t room)
{
	struct cell_words *w = mmap(NULL, sizeof(*w) + 8ull * room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w == MAP_FAILED)
		return NULL;
	w->room = room;
	return w;
}

void cell_free(struct cell_words *w) { munmap(w, sizeof(*w) + 8ull * w->room); }

struct mapping { uint64_t from, to; bool shared, readable, writable, runs; const char *name; };

static uint64_t hex(const char **p)
{
	uint64_t n = 0;
	for (;; ++*p) {
		unsigned digit = **p >= '0' && **p <= '9' ? (unsigned)(**p - '0') : **p >= 'a' && **p <= 'f' ? (unsigned)(**p - 'a') + 10 : 16;
		if (digit == 16)
			return n;
		n = n << 4 | digit;
	}
}

/* A line of /proc/self/maps; where the next one begins. */
static const char *parse(const char *p, struct mapping *m)
{
	m->from = hex(&p);
	p++;
	m->to = hex(&p);
	m->readable = p[1] == 'r';
	m->writable = p[2] == 'w';
	m->runs = p[3] == 'x';
	m->shared = p[4] == 's';
	p += 5;
	for (int fields = 0; fields < 3; fields++) {     /* offset, device, inode */
		p += strspn(p, " ");
		p += strcspn(p, " \n");
	}
	m->name = p + strspn(p, " ");
	p = strchr(p, '\n');
	return p ? p + 1 : NULL;
}

static bool read_maps(char *text, size_t room)
{
	long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY), n = -1;
	size_t have = 0;
	while (fd >= 0 && have < room - 1 && (n = syscall(SYS_read, fd, text + have, room - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = 0;
	if (fd >= 0)
		syscall(SYS_close, fd);
	return n == 0 && have;
}

/* Memory of devices and rings of the kernel's: to read it may be an act already. Nor is what the session keeps its business. */
static bool taken_away(const struct mapping *m)
{
	size_t len = strlen(view.dir);
	bool device = !strncmp(m->name, "/dev/", 5) && strncmp(m->name, "/dev/shm/", 9) && strncmp(m->name, "/dev/zero", 9);
	return device || !strncmp(m->name, "anon_inode:", 11) || (len && !strncmp(m->name, view.dir, len) && m->name[len] == '/');
}

static bool copy(const struct mapping *m, size_t bytes)
{
	char *at = (char *)(uintptr_t)m->from;
	char *own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (own == MAP_FAILED || (!m->readable && mprotect(at, bytes, PROT_READ) < 0))
		return false;
	memcpy(own, at, bytes);            /* beyond its file's end: SIGBUS, and no order */
	if (m->runs && mprotect(own, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return false;
	return mremap(own, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at;
}

/* Every mapping that others share, but for w. False: one of them could be neither copied nor locked. */
static bool part(const char *maps, const struct cell_words *w, struct range *left, size_t *nleft)
{
	uint64_t copied = 0;
	struct mapping m;
	*nleft = 0;
	for (const char *line = maps; line && *line;) {
		line = parse(line, &m);
		char *at = (char *)(uintptr_t)m.from;
		size_t bytes = m.to - m.from;
		if (!m.shared || (const char *)w == at)
			continue;
		if (taken_away(&m)) {
			if (mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
				return false;
		} else if (m.writable && copied + bytes <= COPIED) {
			copied += bytes;
			if (!copy(&m, bytes))
				return false;
		} else {
			if ((m.writable && mprotect(at, bytes, PROT_READ) < 0) || *nleft == RANGES)
				return false;
			left[(*nleft)++] = (struct range){ m.from, m.to };
		}
	}
	return true;
}

bool cell_lock(struct cell_words *w, const uint32_t ids[3])
{
	struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	size_t n;
	char *maps = mmap(NULL, MAPS + RANGES * sizeof(struct range), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (maps == MAP_FAILED)
		return false;
	struct range *left = (void *)(maps + MAPS);
	setrlimit(RLIMIT_CPU, &cpu);
	if (!read_maps(maps, MAPS) || !part(maps, w, left, &n))
		return false;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return cell_filter(w, left, n, ids);
}
