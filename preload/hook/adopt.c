/* adopt.c - descriptors on objects that nothing is remembered of: they came by exec, by a socket, by a /proc/self/fd name. */
#include "swap.h"

#include <dirent.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>

/* The group of those that share fd's open file description; 0: of none, or it cannot be told. */
static uint32_t group_of(int fd, uint64_t ino)
{
	struct fd_entry e;
	pid_t me = getpid();

	for (int i = fd_highest(); i >= 0; i--)
		if (i != fd && fd_is(i, FD_OURS) && fd_get(i, &e) && e.kind == FD_OBJECT && e.c.obj_ino == ino &&
		    syscall(SYS_kcmp, me, me, KCMP_FILE, i, fd) == 0)
			return e.group;
	return 0;
}

bool fd_object(int fd, uint64_t ino, struct fd_entry *e)
{
	if (fd_get(fd, e) && e->kind == FD_OBJECT && e->c.obj_ino == ino)
		return true;
	memset(e, 0, sizeof *e);
	if (session_whose(fd, &e->c) || e->c.obj_ino != ino)
		return false;
	e->kind = FD_OBJECT;
	fd_install(fd, FD_OBJECT, &e->c, group_of(fd, ino), false);
	fd_get(fd, e);
	return true;
}

static _Atomic bool strangers;

void fd_strangers(void)
{
	strangers = true;
}

static void adopt(int fd)
{
	struct fd_entry e;
	struct stat st;

	if (next.fstat(fd, &st) == 0 && session_on(st.st_dev))
		fd_object(fd, st.st_ino, &e);
}

bool fd_any(void)
{
	_Alignas(struct dirent64) char list[2048];
	ssize_t n;

	/* In a vfork child the table is our parent's. */
	if (unlikely(strangers) && session_dev && getpid() == hook_pid) {
		struct guard g = hook_enter();
		strangers = false;
		int dir = next.open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		while (dir >= 0 && (n = syscall(SYS_getdents64, dir, list, sizeof list)) > 0)
			for (char *at = list; at < list + n; at += ((struct dirent64 *)(void *)at)->d_reclen)
				adopt(atoi(((struct dirent64 *)(void *)at)->d_name)); /* of `.` and `..` 0: once more */
		if (dir >= 0)
			next.close(dir);
		hook_leave(g);
	}
	return fd_highest() >= 0;
}
