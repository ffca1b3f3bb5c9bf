/* stay.c - does the keeper stay where somebody may wait for it?
 *
 * What traces a job (strace -f) waits for all that it has traced; a launcher that is a subreaper, or a container's process 1,
 * may wait for all its descendants; and the job, for which the keeper waits, is such a one or waits for it. So where that can
 * be, the keeper goes when no client has been there for a second, or when nothing has been asked for or fetched for two.
 * Clients start another when they need one. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "opt4d.h"

#define ALONE_NS 1000000000ull
#define IDLE_NS  2000000000ull

static bool traced(void)
{
	char text[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strstr(text, "\nTracerPid:");
	return at && strtol(at + 11, NULL, 10) > 0;
}

/* Process 1 adopts everybody as a rule, and then waits for none in particular; not where it is the job's own. */
static bool first_is_ours(void)
{
	uint64_t here = proc_self()->pidns;
	for (int i = 0; i < JOBS_MAX; i++)
		if (view.h->jobs[i].pid == 1 && view.h->jobs[i].pidns == here)
			return true;
	for (uint32_t i = 0; i < view.h->slots_hi && i < SLOTS_MAX; i++)
		if (atomic_load(&view.slots[i].pid) == 1 && view.slots[i].pidns == here)
			return true;
	return false;
}

static bool clients(void)
{
	for (uint32_t i = 0; i < view.h->slots_hi && i < SLOTS_MAX; i++) {
		const struct slot *s = &view.slots[i];
		uint32_t pid = atomic_load(&s->pid);
		if (pid && pid != UINT32_MAX && s->kind == 0 && slot_alive(s, pid))
			return true;
	}
	return false;
}

bool stay(uint64_t now)
{
	static uint64_t client, busy, did;
	uint64_t does = COUNTED(view.h->n.accesses) + COUNTED(view.h->n.fills) + COUNTED(view.h->n.origin_opens);
	if (!client || clients())
		client = now;
	if (!busy || does != did)
		busy = now;
	did = does;
	if (now - client < ALONE_NS && now - busy < IDLE_NS)
		return true;
	return getppid() == 1 && !first_is_ours() && !traced();
}
