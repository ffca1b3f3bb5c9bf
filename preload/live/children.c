/* children.c - what processes read that are started while a sample is fetched (cat, a decoder, a shell's pipe): their opens are looked at as those of
 * a fetching process's own threads are. A git or a compiler that the job starts at another time is not looked at.
 *
 * In the spool of `opt4 run`, where no folder was told: `fetching`, a board on which a process has its number for as long as it fetches, so that
 * whoever starts finds its parent there; `opened`, the names of what was opened below no root, each with a NUL, for those who fetch to look at; and the
 * Python side's `root` (what was found so far) and `apart`. No lock: two numbers that fall on one place, or a name too much, cost a miss. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "live.h"

#define PLACES 1000u
#define NAMES  (256u << 10)        /* bytes of names that are written down, of all processes of the job */
#define MOST   512u                /* .. of one process */

struct board {
	_Atomic uint32_t names;    /* grows when one has been written down */
	_Atomic uint32_t roots;    /* grows when a folder has been found */
	_Atomic pid_t at[PLACES];
};

static struct {
	char spool[PATH_BYTES];    /* "": none, or a folder was told */
	struct board *board;
	bool tried;
	char *system;              /* of children: what is no dataset's, as live_apart_begin() has it */
	size_t system_bytes;
	uint32_t written;
	_Atomic uint32_t roots;    /* of those found, as far as this process knows them */
	uint32_t names;            /* of those written down, as far as they were taken */
	off_t taken;
} C;
_Atomic bool live_child;

static int spool_open(const char *name, int flags)
{
	char path[PATH_BYTES + 16];
	snprintf(path, sizeof(path), "%s/%s", C.spool, name);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

size_t live_children_file(const char *name, char *to, size_t room)
{
	int fd = *C.spool ? spool_open(name, O_RDONLY) : -1;
	ssize_t n = fd >= 0 ? read(fd, to, room - 1) : -1;
	if (fd >= 0)
		close(fd);
	to[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

bool live_children_has(const char *name)
{
	int fd = *C.spool ? spool_open(name, O_RDONLY) : -1;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

size_t live_children_system(char to[LIVE_SYSTEM])
{
	size_t n = live_children_file("apart", to, LIVE_SYSTEM);
	return n && !to[n - 1] ? n : 0;
}

/* Maps the board, and makes it where a process is the first to fetch. */
static bool board(bool make)
{
	struct stat st;
	if (C.board || C.tried)
		return C.board;
	C.tried = make;
	int fd = *C.spool ? spool_open("fetching", make ? O_RDWR | O_CREAT : O_RDWR) : -1;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && ((size_t)st.st_size >= sizeof(struct board) || (make && posix_fallocate(fd, 0, sizeof(struct board)) == 0))) {
		void *map = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		C.board = map == MAP_FAILED ? NULL : map;
	}
	close(fd);
	return C.board;
}

void live_children_load(void)
{
	const char *s = getenv("OPT4_SPOOL");
	if (s && *s == '/' && strlen(s) < sizeof(C.spool))
		strcpy(C.spool, s);
}

void live_fetching(bool on)
{
	if (!*C.spool || !board(true))
		return;
	pid_t own = getpid();
	_Atomic pid_t *at = &C.board->at[(unsigned)own % PLACES];
	if (on)
		atomic_store(at, own);
	else if (atomic_load(at) == own)
		atomic_store(at, 0);
}

/* Its own children are looked at, too, for as long as it lives. */
static void is_child(void)
{
	static char text[LIVE_SYSTEM];
	C.system = text;
	C.system_bytes = live_children_system(text);
	atomic_store(&live_child, true);
	live_fetching(true);
	live_watch(true);
}

bool live_child_begin(void)
{
	if (!*C.spool || !board(false))
		return false;
	pid_t parent = getppid();
	if (!parent || atomic_load(&C.board->at[(unsigned)parent % PLACES]) != parent) {   /* 0: beyond its namespace */
		munmap(C.board, sizeof(struct board));
		C.board = NULL;
		return false;
	}
	is_child();
	return true;
}

void live_child_end(void)
{
	if (atomic_exchange(&live_child, false))
		live_fetching(false);
}

void live_forked(void)
{
	if (*C.spool && atomic_load(&live_watching) && !atomic_load(&live_apart) && !atomic_load(&live_child))
		is_child();
}

bool live_roots_grew(void)
{
	uint32_t now = C.board ? atomic_load_explicit(&C.board->roots, memory_order_relaxed) : 0;
	return now != atomic_load_explicit(&C.roots, memory_order_relaxed) && atomic_exchange(&C.roots, now) != now;
}

void live_root_found(void)
{
	if (C.board)
		atomic_fetch_add(&C.board->roots, 1);
}

bool live_of_the_system(const char *system, size_t bytes, const char *path, size_t len)
{
	for (const char *s = system, *end = s + bytes; s < end; s += strlen(s) + 1) {
		size_t n = strlen(s);
		if (n <= len && !memcmp(s, *s == '/' ? path : path + len - n, n))
			return true;
	}
	return false;
}

void live_child_opened(const char *path, size_t len)
{
	struct stat st;
	if (!len || C.written >= MOST || !board(false) || live_of_the_system(C.system, C.system_bytes, path, len))
		return;
	C.written++;
	struct calm calm;
	int fd = spool_open("opened", O_WRONLY | O_APPEND | O_CREAT);
	if (fd < 0)
		return;
	calm_begin(&calm);         /* a program that may write nothing has not earned a SIGXFSZ */
	if (fstat(fd, &st) == 0 && st.st_size < NAMES && write(fd, path, len + 1) == (ssize_t)len + 1)
		atomic_fetch_add(&C.board->names, 1);
	calm_end(&calm);
	close(fd);
}

size_t live_children_names(char *to, size_t room)
{
	uint32_t now = C.board ? atomic_load(&C.board->names) : 0;
	if (now == C.names)
		return 0;
	int fd = spool_open("opened", O_RDONLY);
	ssize_t n = fd >= 0 ? pread(fd, to, room, C.taken) : -1;
	if (fd >= 0)
		close(fd);
	while (n > 0 && to[n - 1])         /* the last one is not whole */
		n--;
	if (n <= 0)
		return 0;
	C.taken += n;
	if ((size_t)n < room / 2)          /* that was all, or the rest comes with the next name */
		C.names = now;
	return (size_t)n;
}
