/* process_meta.c - what names, descriptors and signals look like from within: cases of process.c. */
#include "process.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <utime.h>

/* Files larger than the program may write: reading them is no offence. */
static volatile sig_atomic_t xfsz;
static void on_xfsz(__attribute__((unused)) int sig) { xfsz++; }
void file_size(void)
{
	struct rlimit lim = { 1000, 1000 };
	MUST(setrlimit(RLIMIT_FSIZE, &lim) == 0);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		take(name(i), fd, 70000);
		close(fd);
	}
	signal(SIGXFSZ, on_xfsz);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		take(name(i), fd, 70000);
		close(fd);
	}
	SAY("SIGXFSZ %d\n", (int)xfsz);
}

/* Files made by the mkstemp family are written as others read them. */
void temporary(void)
{
	char t1[] = "tmpXXXXXX.jpg", t2[] = "tmqXXXXXX.jpg";
	int w = mkstemps(t1, 4), v = mkostemps(t2, 4, O_APPEND);
	MUST(w >= 0 && v >= 0 && write(w, "hello", 5) == 5 && write(v, "there", 5) == 5);
	usleep(60000); /* old enough to be cached */
	int r = open(t1, O_RDONLY), s = open(t2, O_RDONLY);
	take("first", r, 3), take("first", s, 3);
	MUST(write(w, " again", 6) == 6 && write(v, " again", 6) == 6);
	take("then", r, 100), take("then", s, 100);
	SAY("sizes %lld %lld\n", (long long)lseek(r, 0, SEEK_END), (long long)lseek(s, 0, SEEK_END));
	take("other", open(t1, O_RDONLY), 100);
	MUST(unlink(t1) == 0 && unlink(t2) == 0);
}

/* Owner, mode, times and attributes by name, while a descriptor is open: fstat shows them at once. */
static void looks(const char *what, int fd, const char *path)
{
	struct stat f, p;
	MUST(fstat(fd, &f) == 0 && stat(path, &p) == 0);
	SAY("%s: mode %o uid %d gid %d mtime %lld same mtime %d ctime %d\n", what, f.st_mode, (int)f.st_uid, (int)f.st_gid,
	    (long long)(f.st_mtime < 10000 ? f.st_mtime : -1), /* as set; when the file was made is another matter */
	    f.st_mtim.tv_nsec == p.st_mtim.tv_nsec && f.st_mtime == p.st_mtime,
	    f.st_ctim.tv_nsec == p.st_ctim.tv_nsec && f.st_ctime == p.st_ctime);
}
void metas(void)
{
	struct timespec ts[2] = { { 1000, 1 }, { 2000, 2 } };
	struct timeval tv[2] = { { 1000, 1 }, { 3000, 3 } };
	struct utimbuf ut = { 1000, 4000 };
	char proc[40];
	int fd = open("a.jpg", O_RDONLY), dir = open(".", O_RDONLY | O_DIRECTORY), root = geteuid() == 0;
	take("a", fd, 10);
#define AGAIN(call) do { int r = call; SAY("%d ", r); looks(#call, fd, "a.jpg"); close(fd); fd = open("a.jpg", O_RDONLY); \
	take("a", fd, 10); looks("anew", fd, "a.jpg"); } while (0)
	AGAIN(chmod("a.jpg", 0600));
	AGAIN(fchmodat(dir, "a.jpg", 0640, 0));
	AGAIN(chown("a.jpg", root ? 1 : geteuid(), getegid()));
	AGAIN(lchown("a.jpg", root ? 2 : geteuid(), getegid()));
	AGAIN(fchownat(dir, "a.jpg", root ? 3 : geteuid(), getegid(), 0));
	AGAIN(fchownat(fd, "", root ? 4 : geteuid(), getegid(), AT_EMPTY_PATH));
	AGAIN(utimensat(dir, "a.jpg", ts, 0));
	AGAIN(utimes("a.jpg", tv));
	AGAIN(lutimes("a.jpg", tv));
	AGAIN(utime("a.jpg", &ut));
	AGAIN(futimesat(dir, "a.jpg", tv));
	AGAIN(setxattr("a.jpg", "user.x", "1", 1, 0));
	AGAIN(removexattr("a.jpg", "user.x"));
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	AGAIN(chmod(proc, 0644));
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	AGAIN(chown(proc, root ? 5 : geteuid(), getegid()));
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	AGAIN(utimensat(AT_FDCWD, proc, ts, 0));
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	AGAIN(setxattr(proc, "user.y", "1", 1, 0));
	MUST(chown("a.jpg", geteuid(), getegid()) == 0);
}

/* The program's environment and children are its own business. */
void quiet(void)
{
	take("a", open("a.jpg", O_RDONLY), 100);
	int status;
	errno = 0;
	SAY("wait %d", (int)waitpid(-1, &status, WNOHANG));
	SAY(" errno %d\n", errno);
	int n = 0, lib = 0;
	for (char **e = environ; *e; e++)
		/* PYTHONPATH leads Python to the live order's module. */
		n += strncmp(*e, "OPT4_", 5) && strncmp(*e, "LD_PRELOAD=", 11) && strncmp(*e, "PYTHONPATH=", 11);
	SAY("%d variables\n", n);
	char fd[32], to[200];
	for (int i = 3; i < 1024; i++) {
		snprintf(fd, sizeof fd, "/proc/self/fd/%d", i);
		ssize_t len = readlink(fd, to, sizeof to);
		lib += len > 0 && fcntl(i, F_GETFD) >= 0 && !memmem(to, (size_t)len, "a.jpg", 5);
	}
	SAY("%d further descriptors\n", lib);
	sigset_t set;
	sigprocmask(SIG_SETMASK, NULL, &set);
	for (int i = 1; i < 65; i++) {
		struct sigaction sa;
		if (sigaction(i, NULL, &sa) == 0 && (sa.sa_handler != SIG_DFL || sigismember(&set, i)))
			SAY("signal %d %s%s\n", i, sa.sa_handler == SIG_DFL ? "" : "handled ", sigismember(&set, i) ? "blocked" : "");
	}
}
