/* alive.c - who lives, where a process number does not say it.
 *
 * In another pid namespace (another container on the same /dev/shm, or the one before a restart) numbers mean nothing. So
 * each slot and each job has a byte of the session's file `alive`, locked by its process. The lock is an open file
 * description's, and the description is kept by a mapping of the file alone: there is no descriptor that a program could
 * close, a fork does not inherit it, and whatever ends the process, or its program by exec, lets it go. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "store.h"

static int open_file(void)
{
	char path[PATH_BYTES + 16];
	snprintf(path, sizeof(path), "%s/alive", view.dir);
	return open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
}

void *alive_hold(uint32_t what)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = what, .l_len = 1 };
	int fd = open_file();
	void *map = MAP_FAILED;
	if (fd < 0)
		return NULL;
	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		map = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED && madvise(map, PAGE, MADV_DONTFORK) < 0) {
		munmap(map, PAGE);
		map = MAP_FAILED;
	}
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

void alive_drop(void *held)
{
	if (held)
		munmap(held, PAGE);
}

/* 1 held, 0 not, -1 it can't be told. */
static int holds(uint32_t what)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = what, .l_len = 1 };
	int fd = open_file();
	int rc = fd < 0 || fcntl(fd, F_OFD_GETLK, &l) < 0 ? -1 : l.l_type != F_UNLCK;
	if (fd >= 0)
		close(fd);
	return rc;
}

bool slot_alive(const struct slot *s, uint32_t pid)
{
	if (s->pidns == proc_self()->pidns)
		return proc_alive(pid, s->start, s->pidns);
	return !s->held || holds(ALIVE_SLOT((uint32_t)(s - view.slots))) != 0;
}

/* Its keeper looks after the jobs of its own namespace. */
static bool keeper_vouches(const struct job *j)
{
	uint32_t pid = atomic_load(&view.h->keeper_pid), slot = atomic_load(&view.h->keeper_slot) - 1;
	return pid && view.h->keeper_pidns == j->pidns && slot < SLOTS_MAX && atomic_load(&view.slots[slot].pid) == pid &&
	       slot_alive(&view.slots[slot], pid);
}

bool job_alive(const struct job *j)
{
	uint32_t n = (uint32_t)(j - view.h->jobs);
	if (!j->pid || j->pidns == proc_self()->pidns)
		return j->pid && proc_alive(j->pid, j->start, j->pidns);
	if (holds(ALIVE_JOB(n)) != 0 || keeper_vouches(j))
		return true;
	/* the job's process itself may never have come to the session */
	for (uint32_t i = 0; i < view.h->slots_hi && i < SLOTS_MAX; i++) {
		const struct slot *s = &view.slots[i];
		uint32_t pid = atomic_load(&s->pid);
		if (pid && pid != UINT32_MAX && s->job == n + 1 && s->pidns == j->pidns && slot_alive(s, pid))
			return true;
	}
	return false;
}
