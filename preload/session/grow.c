/* grow.c - room for others on the tmpfs of sessions: see session.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "parts.h"

#define MARGIN   (64ull << 20)     /* free room under which it counts as short, for who is in no session */
#define PIECES   (4ull << 20)
#define PAUSE_NS 100000000ull
#define RECENT   16                /* files of this process that were made larger last */
#define SOON_NS  50000000ull       /* within which a file gets the size that was asked for, and whoever closes it at once writes to it */

uint64_t session_tmpfs(void)
{
	static _Atomic uint64_t dev;
	struct stat st;
	const char *dir;
	char parent[PATH_BYTES];
	if (session_dev)
		return session_dev;
	if (dev)
		return dev;
	dir = getenv("OPT4_DIR");
	if (dir && *dir == '/' && strlen(dir) < sizeof(parent) && stat(dir, &st) < 0) {
		strcpy(parent, dir);   /* the job makes its last folder */
		*(strrchr(parent + 1, '/') ? strrchr(parent + 1, '/') : parent + 1) = 0;
		dir = parent;
	}
	if (stat(dir && *dir == '/' ? dir : "/dev/shm", &st) == 0)
		dev = st.st_dev;
	return dev;
}

/* ---- what this process has promised to write ---- */

struct grown { int fd; uint64_t ino, lack, to, at; };
static struct grown recent[RECENT];        /* threads may lose each other's: the margin is there for that */
static uint32_t next_recent;

static uint64_t lack_of(const struct stat *st, uint64_t to)
{
	uint64_t held = (uint64_t)st->st_blocks * 512;
	return to > held ? to - held : 0;
}

static void note(struct promised *pick, uint32_t *n, uint32_t most, const struct promised *f)
{
	uint32_t least = 0;
	if (*n < most) {
		pick[(*n)++] = *f;
		return;
	}
	for (uint32_t i = 1; i < most; i++)
		least = pick[i].pages < pick[least].pages ? i : least;
	if (pick[least].pages < f->pages)
		pick[least] = *f;
}

/* Bytes that files of ours are short of still; the largest of them into pick, n at most, and *n. */
static uint64_t outstanding(struct promised *pick, uint32_t *n)
{
	uint64_t sum = 0, now = now_coarse();
	uint32_t most = *n;
	struct stat st;
	*n = 0;
	for (int i = 0; i < RECENT; i++) {
		struct grown *g = &recent[i];
		if (!g->lack)
			continue;
		if (fstat(g->fd, &st) == 0 && st.st_ino == g->ino && st.st_dev == session_tmpfs()) {
			/* it is about to get its size by a call that we have not made yet; or has got another since */
			uint64_t size = (uint64_t)st.st_size < g->to && now - g->at < SOON_NS ? g->to : (uint64_t)st.st_size;
			uint64_t lack = lack_of(&st, size);
			g->lack = lack < g->lack ? lack : g->lack;
		} else if (now - g->at > SOON_NS) {
			g->lack = 0;
		}
		sum += g->lack;
		if (g->lack)
			note(pick, n, most, &(struct promised){ g->fd, (uint32_t)pages_of(g->lack), g->ino, g->to });
	}
	return sum;
}

static void remember(int fd, uint64_t ino, uint64_t lack, uint64_t to)
{
	struct grown *g = NULL;
	for (int i = 0; i < RECENT && !g; i++)
		if (recent[i].lack && recent[i].fd == fd && recent[i].ino == ino)
			g = &recent[i];
	if (!g)
		g = &recent[__atomic_fetch_add(&next_recent, 1, __ATOMIC_RELAXED) % RECENT];
	*g = (struct grown){ fd, ino, lack, to, now_coarse() };
}

/* ---- sessions that this process is not in ---- */

static bool short_of(int fd, uint64_t bytes)
{
	struct statvfs fs;
	return fstatvfs(fd, &fs) == 0 && fs.f_blocks && fs.f_bavail * fs.f_frsize < bytes;
}

/* Somebody who is in no session wants so many bytes of tmpfs dev, in fd's file. */
struct others { int fd; bool later; uint64_t want, dev; char parent[64]; };

/* Objects of a session that is not ours to map: those that nobody has open, whatever its policy says. Its processes
 * find out that they are gone, as if somebody had cleared its folder. */
static void take(const struct others *o, const char *dir)
{
	char sub[PATH_BYTES + 32];
	for (int i = 0; i < 256 && short_of(o->fd, o->want); i++) {
		snprintf(sub, sizeof(sub), "%s/objects/%02x", dir, i);
		object_take_all(sub);
	}
}

static void visit(const struct others *o, const char *dir)
{
	struct stat st;
	if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_dev != o->dev || st.st_uid != geteuid() || (!o->later && !short_of(o->fd, o->want)))
		return;
	if (view.h && !strcmp(dir, view.dir))
		return;
	if (session_visit_to_shrink(dir, o->want) < 0 || short_of(o->fd, o->want))
		take(o, dir);
}

static void visit_one(__attribute__((unused)) int dirfd, const char *name, void *arg)
{
	const struct others *o = arg;
	char dir[PATH_BYTES];
	snprintf(dir, sizeof(dir), "%s/%s", o->parent, name);
	visit(o, dir);
}

static void visit_all(int fd, bool later, uint64_t want, uint64_t dev)
{
	struct others o = { fd, later, want, dev, "" };
	const char *dir = getenv("OPT4_DIR");
	if (dir && *dir == '/' && strlen(dir) < PATH_BYTES)
		visit(&o, dir);
	snprintf(o.parent, sizeof(o.parent), "/dev/shm/opt4-%u", (unsigned)geteuid());
	int parent = open(o.parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (parent < 0)
		return;
	dir_each(parent, visit_one, &o);
	close(parent);
}

/* Once a session: what its user can mend. */
static void say(int fd)
{
	struct statvfs fs;
	uint32_t no = 0;
	if (fstatvfs(fd, &fs) < 0)
		return;
	uint64_t all = fs.f_blocks * fs.f_frsize, ours = view.h->account[TIER_RAM].budget * PAGE, theirs = atomic_load(&view.h->others_peak[0]) * PAGE;
	if (ours + theirs > all && atomic_compare_exchange_strong(&view.h->others_said, &no, 1))
		note_reason("opt4: cache: its %llu MiB and the %llu of others (batches of loaders) are more than the %llu of %.80s; it gives way to them; "
			 "enlarge that (docker: --shm-size) or lower OPT4_CACHE", (unsigned long long)ours >> 20,
			 (unsigned long long)theirs >> 20, (unsigned long long)all >> 20, view.dir);
}

static void grow(int fd, const struct stat *st, uint64_t need, uint64_t to, bool later)
{
	if (later)
		remember(fd, st->st_ino, need, to);
	struct promised files[PROMISED_MAX];
	uint32_t n = PROMISED_MAX - (later ? 0 : 1);
	uint64_t want = outstanding(files, &n);
	if (!later) {
		want += need;
		files[n++] = (struct promised){ fd, (uint32_t)pages_of(need), st->st_ino, to };
	}
	if (view.h && st->st_dev == session_dev && session_attach()) {
		if (later || short_of(fd, want + view.h->floor_bytes + MARGIN)) {
			room_promise(pages_of(want), files, n);
			victims_make_room();
			say(fd);
		}
		later = false;
	} else {
		/* others like us may be about to write, too: what is promised must be known long before it is short */
		later = later && short_of(fd, 4 * (want + MARGIN));
	}
	/* who writes in small pieces visits now and then, as long as there is room for some more */
	static _Atomic uint64_t visited;
	uint64_t now = now_coarse();
	if (!later && now - visited < PAUSE_NS && !short_of(fd, want + PIECES))
		return;
	if (later || short_of(fd, want + MARGIN)) {
		visited = now;
		visit_all(fd, later, want + MARGIN, st->st_dev);
	}
}

void session_grown(int fd)
{
	struct promised files[PROMISED_MAX];
	uint32_t n = PROMISED_MAX;
	bool any = false;
	for (int i = 0; i < RECENT; i++)
		any = any || (recent[i].fd == fd && recent[i].lack);
	if (!any || !view.h)
		return;
	uint64_t want = outstanding(files, &n);
	room_promise(pages_of(want), files, n);
}

void session_grow(int fd, const struct stat *st, uint64_t from, uint64_t to, bool later)
{
	uint64_t need = lack_of(st, to);
	if (!later && need > to - from)
		need = to - from;
	if (!need)
		return;
	struct calm calm;
	calm_begin(&calm);
	grow(fd, st, need, to, later);
	calm_end(&calm);
}
