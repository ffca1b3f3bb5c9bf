/* proc.c - the process: start, fork, end, and what changes the meaning of its paths. */
#include "child.h"
#include "grow.h"
#include "path.h"
#include "swap.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../live/live.h"

#define INHERITED 10       /* descriptors that are looked at in a program that a job starts */

bool hook_on;
pid_t hook_pid;

void hook_forked(void)
{
	hook_pid = getpid();
	path_cwd_changed();     /* daemon() goes to / next, past our chdir() */
	struct guard g = hook_enter();
	session_after_fork();
	live_forked();
	hook_leave(g);
}

/* Called from inside the guard, which it never leaves: nothing on the stack lies above it. */
void hook_forget(void)
{
	hook_on = false;
	opt4_inside = 1;
	hook_outermost = (struct outermost){ (char *)UINTPTR_MAX, -1 };
}

/* A program that a job has started may have inherited an object, and must know it by its st_dev before it has a
 * reason to attach: so that this costs nothing but one stat, not of the original. */
static void expect_objects(void)
{
	const char *dir = getenv("OPT4_DIR");
	struct stat st;

	if (!session_dev && next.stat(dir && *dir ? dir : "/dev/shm", &st) == 0)
		session_dev = st.st_dev;
	dir = getenv("OPT4_SSD");
	if (!session_ssd_dev && dir && *dir && next.stat(dir, &st) == 0)
		session_ssd_dev = st.st_dev;
	fd_strangers();
}

/* A shell's redirections to the tmpfs of sessions. */
static void expect_growth(void)
{
	struct stat st;

	for (int fd = 0; fd < INHERITED; fd++)
		if (next.fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == session_tmpfs() && (next.fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY) {
			fd_set_grows(fd);
			grow_any = true;
		}
}

/* Once a process, before its main(): Python reads PYTHONPATH later. By the name that the library was loaded by, where the
 * Python side is beside it: a link around a folder that a path list can't name must stay one. */
static void begin_live(void)
{
	char dir[PATH_MAX], python[PATH_BYTES];
	Dl_info info;
	if (!dladdr((void *)begin_live, &info) || strlen(info.dli_fname) >= sizeof(dir))
		return;
	strcpy(dir, info.dli_fname);
	for (int real = *dir != '/'; real < 2; real++) {
		if (real && !realpath(info.dli_fname, dir))
			return;
		*strrchr(dir, '/') = 0;
		if (live_python_dir(dir, python)) {
			live_python_path(dir);
			return;
		}
	}
}

/* The session is left for another: what is on its objects goes back to the originals, what is remembered is forgotten.
 * Called from within it, where hooks do nothing. */
static void moves(void)
{
	struct outermost outer = hook_outermost;
	int inside = opt4_inside;
	opt4_inside = 0;
	fd_share();
	for (int fd = 0; fd <= fd_highest(); fd++)
		if (fd_is(fd, FD_OURS)) {
			fd_original(fd);
			fd_forget(fd);
		}
	opt4_inside = inside;
	hook_outermost = outer;
}

void hook_activate(void)
{
	if (hook_on || !next_resolved())
		return;
	if (hook_pid != getpid())  /* forked before anybody asked to be told */
		hook_forked();
	session_job_begin();
	session_moves = moves;
	pthread_atfork(fd_share, NULL, hook_forked);
	hook_on = true;
}

__attribute__((constructor)) static void begin(void)
{
	struct guard g = hook_enter();
	bool descendant = getenv("OPT4_JOB") != NULL;

	next_resolve();
	hook_pid = getpid();
	tell_load();
	tell(TOLD_LOADED, dlsym(RTLD_DEFAULT, "Py_GetVersion") ? "python" : "");
	conf_load();
	if (conf_active() && next_resolved()) {
		hook_activate();
		if (conf_live())
			begin_live();
		if (descendant)
			expect_objects();
	} else if (next_resolved() && conf_may_learn()) {
		begin_live();      /* a launcher may have given PYTHONPATH a value of its own */
	}
	if (next_resolved() && conf_may_learn())
		child_begin();
	if (descendant && next_resolved())
		expect_growth();
	hook_leave(g);
}

static void leave(void)
{
	/* Not for a vfork child: it runs in its parent's memory. */
	if (hook_pid != getpid())
		return;
	struct guard g = hook_enter();
	live_child_end();
	session_leave();
	hook_leave(g);
}

__attribute__((destructor)) static void end(void)
{
	leave();
}

EXPORT _Noreturn void _exit(int status)
{
	if (hook_on)
		leave();
	next._exit(status);
	__builtin_unreachable();
}

EXPORT _Noreturn void _Exit(int status)
{
	if (hook_on)
		leave();
	next._Exit(status);
	__builtin_unreachable();
}

EXPORT int chdir(const char *path)
{
	int r = next.chdir(path);
	path_cwd_changed();
	return r;
}

EXPORT int fchdir(int fd)
{
	int r = next.fchdir(fd);
	path_cwd_changed();
	return r;
}

/* The C library's walkers go from folder to folder by names of its own. */
#define WALKER(ret, name, params, stays, call) \
	EXPORT ret name params \
	{ \
		if (!(stays)) \
			path_cwd_wanders(); \
		return call; \
	}

WALKER(int, nftw, (const char *path, __nftw_func_t fn, int n, int flags), !(flags & FTW_CHDIR), next.nftw(path, fn, n, flags))
WALKER(int, nftw64, (const char *path, __nftw64_func_t fn, int n, int flags), !(flags & FTW_CHDIR), next.nftw64(path, fn, n, flags))
WALKER(FTS *, fts_open, (char *const *paths, int flags, int (*cmp)(const FTSENT **, const FTSENT **)), flags & FTS_NOCHDIR,
	next.fts_open(paths, flags, cmp))
WALKER(FTS64 *, fts64_open, (char *const *paths, int flags, int (*cmp)(const FTSENT64 **, const FTSENT64 **)), flags & FTS_NOCHDIR,
	next.fts64_open(paths, flags, cmp))

/* From here on paths mean something else: nothing is looked up any more, and hints stay what they are. */
static void off(const char *why)
{
	if (!hook_on || hook_pid != getpid())
		return;
	fd_share();
	hook_on = false;
	struct guard g = hook_enter();
	session_disable(why);
	hook_leave(g);
}

EXPORT int chroot(const char *path)
{
	int r = next.chroot(path);
	if (r == 0)
		off("chroot");
	path_cwd_changed();
	return r;
}

EXPORT int pivot_root(const char *new_root, const char *put_old)
{
	int r = next.pivot_root(new_root, put_old);
	if (r == 0)
		off("pivot_root");
	path_cwd_changed();
	return r;
}

EXPORT int setns(int fd, int type)
{
	int r = next.setns(fd, type);
	if (r == 0 && (type == 0 || (type & CLONE_NEWNS)))
		off("setns");
	path_cwd_changed();
	return r;
}

EXPORT int unshare(int flags)
{
	int r = next.unshare(flags);
	/* With CLONE_FS each thread has a cwd of its own, with CLONE_FILES its own descriptors. */
	if (r == 0 && (flags & (CLONE_NEWNS | CLONE_FS | CLONE_FILES)))
		off("unshare");
	return r;
}
