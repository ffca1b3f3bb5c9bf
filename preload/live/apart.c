/* apart.c - where datasets lie in a program that reads them without a DataLoader of torch's: told by what it opens, whoever reads. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "live.h"

#define NAMES  (64u << 10)         /* bytes of paths that are kept until they are looked at */
#define FIRST  32u                 /* opens after which they are, .. */
#define MOST   1024u               /* .. twice as many each time, .. */
#define ROUNDS 16u                 /* .. and so often in all: what opens its files elsewhere all the time costs no more */

static struct {
	_Atomic pid_t holder;     /* the process whose thread is in here; 0: nobody */
	pid_t pid;                /* whose names these are */
	bool (*ask)(void);
	char *system;
	size_t system_bytes;
	bool asked;
	uint32_t len, count, each, rounds;
	char names[NAMES];
} A;
_Atomic bool live_apart;

/* Who finds another thread there goes without: one name more or less is nothing. (Who was there when this process was forked is not here.) */
static bool enter(void)
{
	pid_t own = getpid(), other = atomic_load(&A.holder);
	if (other == own || !atomic_compare_exchange_strong(&A.holder, &other, own))
		return false;
	if (A.pid != own) {
		A.pid = own;
		A.asked = false;
		A.len = A.count = 0;
		A.each = FIRST;
	}
	return true;
}

static void leave(void) { atomic_store(&A.holder, 0); }

void live_apart_begin(bool (*ask)(void), const char *system, size_t bytes)
{
	if (A.ask || !(A.system = malloc(bytes)))
		return;
	memcpy(A.system, system, bytes);
	A.system_bytes = bytes;
	A.ask = ask;
	A.rounds = ROUNDS;
	atomic_store(&live_apart, true);
	live_watch(true);
}

void live_apart_end(void)
{
	if (atomic_exchange(&live_apart, false))
		live_watch(false);
}

void live_apart_opened(const char *path, size_t len)
{
	if (!len || !A.rounds || live_of_the_system(A.system, A.system_bytes, path, len) || !enter())
		return;
	if (A.len + len + 1 <= NAMES) {
		memcpy(A.names + A.len, path, len);
		A.names[A.len + len] = 0;
		A.len += (uint32_t)len + 1;
	}
	if (++A.count >= A.each && !A.asked)
		A.asked = A.ask();
	leave();
}

size_t live_apart_names(char *to, size_t room)
{
	size_t n = 0;
	if (!enter())
		return 0;
	if (A.len <= room)
		memcpy(to, A.names, n = A.len);
	A.len = A.count = 0;
	A.asked = false;
	A.each = A.each < MOST ? 2 * A.each : MOST;
	A.rounds--;
	leave();
	return n;
}
