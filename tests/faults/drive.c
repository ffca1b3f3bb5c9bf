/* drive.c - every call that the library makes fails in turn, with each errno that it can give, while a child goes through
 * a scenario whose outcome is known. Run preloaded: LD_PRELOAD=libopt4.so:libfaults.so, OPT4_DIR, OPT4_ROOT=dir.
 *     drive DIR OUT [CALL...]   DIR: an empty folder (the root). Writes `call errno tried fired findings` lines to OUT.
 * A finding: wrong bytes, an error that the original did not give, a hang, an end by a signal, a descriptor lost.
 * An error may be seen only where the failing call concerned an original, and must be the very one. */
#include "../hook/common.h"
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>

#define FILES 6
#define BYTES 40000
#define MOST  60              /* of the calls of one name: the first 30, then evenly spread */

static struct fault_plan *plan;
static const char *dir, *session;
static char content[FILES][BYTES + 16];

static const char *const names[] = {
#define X(name) #name,
	FAULT_CALLS(X)
#undef X
};

struct cell { const char *call; int errors[14]; };
#define FILE_ERRORS EINTR, EACCES, EIO, ENOSPC, ENOMEM, EMFILE, ENFILE, EDQUOT, ESTALE
static const struct cell cells[] = {
	{ "open", { FILE_ERRORS, ENOENT, EROFS, EAGAIN } }, { "openat", { FILE_ERRORS, ENOENT } },
	{ "close", { EINTR, EIO, EDQUOT, ENOSPC } }, { "read", { EINTR, EIO, ESTALE, EAGAIN, ENOMEM, FAULT_SHORT, FAULT_NOTHING } },
	{ "pread", { EINTR, EIO, ESTALE, EAGAIN, EINVAL, ENOMEM, FAULT_SHORT, FAULT_NOTHING } },
	{ "preadv2", { EINTR, EAGAIN, EIO, EOPNOTSUPP, ENOSYS } }, { "write", { EIO, ENOSPC, EDQUOT, EINTR, FAULT_SHORT } },
	{ "pwrite", { EINTR, EIO, ENOSPC, EDQUOT, ENOMEM, FAULT_SHORT, FAULT_NOTHING } },
	{ "fstat", { EIO, ESTALE, ENOMEM, EINTR } }, { "fstatat", { EIO, ESTALE, EACCES, ENOMEM, ENOENT, EINTR } },
	{ "stat", { EIO, ESTALE, EACCES, ENOMEM, ENOENT, EINTR } }, { "lstat", { EIO, EACCES, ENOMEM, ENOENT } },
	{ "statfs", { EIO, EACCES, EINTR, ENOSYS } }, { "statvfs", { EIO, EACCES, EINTR } }, { "access", { EIO, EACCES, ENOENT } },
	{ "lseek", { EIO, EINVAL } }, { "mmap", { ENOMEM, EAGAIN, ENFILE, EACCES, EPERM } }, { "madvise", { ENOMEM, EAGAIN, EINVAL } },
	{ "mkdir", { EACCES, ENOSPC, EDQUOT, ENOMEM, EROFS } }, { "mkdirat", { EACCES, ENOSPC, EDQUOT, ENOMEM, EIO } },
	{ "rmdir", { EBUSY, EACCES, EIO } }, { "unlink", { EACCES, EIO, ENOMEM, ENOENT } }, { "unlinkat", { EACCES, EIO, ENOMEM } },
	{ "rename", { EACCES, EIO, ENOSPC, ENOMEM, EDQUOT, ENOENT } }, { "renameat", { EACCES, EIO, ENOSPC, ENOMEM, EDQUOT } },
	{ "linkat", { EACCES, EIO, ENOSPC, ENOMEM, EDQUOT, EEXIST, EMLINK, ENOENT } },
	{ "fallocate", { ENOSPC, EINTR, EIO, EFBIG, EDQUOT, EOPNOTSUPP, ENOMEM } },
	{ "posix_fallocate", { ENOSPC, EINTR, EIO, EFBIG, EDQUOT } }, { "ftruncate", { EIO, EFBIG, EINTR, ENOSPC, EPERM } },
	{ "fchmod", { EIO, EPERM, EROFS } }, { "futimens", { EIO, EPERM, EROFS } }, { "posix_fadvise", { EINVAL, EIO } },
	{ "flock", { EINTR, ENOLCK, EAGAIN } }, { "fcntl", { EAGAIN, EMFILE, EINVAL, EACCES, ENOLCK, EINTR } },
	{ "dup", { EMFILE, ENFILE } }, { "dup3", { EMFILE, EBUSY, EINTR } }, { "readlink", { EACCES, EIO, ENOMEM, ENOENT } },
	{ "realpath", { EACCES, EIO, ENOENT } }, { "getrlimit", { EPERM } }, { "fopen", { EACCES, EMFILE, ENOSPC, ENOMEM } },
	{ "futex", { EAGAIN, EINTR, ENOSYS, EPERM, ETIMEDOUT } }, { "getdents64", { EIO, ENOENT, ENOMEM } }, { "getcwd", { ENOENT, ENOMEM, EACCES } },
};

static const char *path_of(int i)
{
	static char path[4200];
	snprintf(path, sizeof path, "%s/f%d.jpg", dir, i);
	return path;
}

static void write_files(void)
{
	for (int i = 0; i < FILES; i++) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path_of(i), O_WRONLY | O_CREAT | O_TRUNC, 0644);
		MUST(fd >= 0 && syscall(SYS_write, fd, content[i], BYTES) == BYTES);
		struct timespec old[2] = { { 1000000000 + i, 0 }, { 1000000000 + i, 0 } };
		MUST(syscall(SYS_utimensat, fd, NULL, old, 0) == 0);
		syscall(SYS_close, fd);
	}
}

/* ---- the scenario, in a child ---- */
static int findings;

/* An error is legitimate where the failing call concerned an original. */
static bool failed(const char *what, int i)
{
	if (plan->fired && plan->original && (errno == plan->error || plan->error < 0))
		return true;
	printf("finding: %s of file %d: %s\n", what, i, strerror(errno));
	findings++;
	return true;
}

static void wrong(const char *what, int i)
{
	printf("finding: %s of file %d is wrong\n", what, i);
	findings++;
}

static void check(const char *what, int i, const char *got, ssize_t n, ssize_t want, size_t at)
{
	if (n < 0)
		failed(what, i);
	else if (n != want && !(plan->error < 0 && plan->original && n < want))
		wrong(what, i);
	else if (memcmp(got, content[i] + at, (size_t)n))
		wrong(what, i);
}

static void read_whole(int i)
{
	static char buf[BYTES + 16];
	struct stat st;
	int fd = open(path_of(i), O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		failed("open", i);
		return;
	}
	if (fstat(fd, &st) < 0)
		failed("fstat", i);
	else if (st.st_size != BYTES)
		wrong("size", i);
	check("read", i, buf, read(fd, buf, 1000), 1000, 0);
	check("pread", i, buf, pread(fd, buf, sizeof buf, 5000), BYTES - 5000, 5000);
	off_t at = lseek(fd, 0, SEEK_CUR);
	if (at < 0)
		failed("lseek", i);
	else if (at == 1000)
		check("read", i, buf, read(fd, buf, sizeof buf), BYTES - 1000, 1000);
	else if (!(plan->original && plan->fired))
		wrong("offset", i);
	char *map = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		failed("mmap", i);
	} else {
		check("mapping", i, map, BYTES, BYTES, 0);
		munmap(map, BYTES);
	}
	if (close(fd) < 0)
		failed("close", i);
}

static void scenario(void)
{
	static char buf[BYTES + 16];
	/* fills, hits, evictions (the cache holds four), then again by relative names */
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < FILES; i++)
			read_whole(i);
	/* held open while it is evicted */
	int held = open(path_of(0), O_RDONLY), shared = -1;
	if (held < 0)
		failed("open", 0);
	else
		check("read", 0, buf, read(held, buf, 100), 100, 0);
	if (held >= 0 && (shared = dup(held)) < 0)
		failed("dup", 0);
	for (int i = 1; i < FILES; i++)
		read_whole(i);
	if (shared >= 0)
		check("read of a copy", 0, buf, read(shared, buf, 100), 100, 100);
	/* a lock, and what changes the file */
	if (held >= 0) {
		if (flock(held, LOCK_SH) < 0)
			failed("flock", 0);
		off_t at = lseek(held, 0, SEEK_CUR);
		if (at == 200)
			check("read of the locked", 0, buf, read(held, buf, 100), 100, 200);
		else if (!(plan->original && plan->fired))
			wrong("offset of the locked", 0);
	}
	close(held), close(shared);
	FILE *f = fopen(path_of(1), "r");
	if (!f)
		failed("fopen", 1);
	else {
		size_t n = fread(buf, 1, BYTES, f);
		if (n != BYTES && !(plan->original && plan->fired))
			wrong("fread", 1);
		else if (memcmp(buf, content[1], n))
			wrong("fread", 1);
		fclose(f);
	}
	int w = open(path_of(2), O_WRONLY);
	if (w < 0) {
		failed("open to write", 2);
	} else {
		if (pwrite(w, "CHANGED", 7, 3) != 7)
			failed("pwrite", 2);
		else
			memcpy(content[2] + 3, "CHANGED", 7);
		if (close(w) < 0)
			failed("close", 2);
	}
	read_whole(2);
	if (truncate(path_of(3), BYTES) < 0)
		failed("truncate", 3);
	read_whole(3);
	char to[4200];
	strcpy(to, path_of(4));
	strcat(to, ".new");
	if (rename(path_of(4), to) < 0)
		failed("rename", 4);
	else {
		errno = 0;
		int fd = open(path_of(4), O_RDONLY);
		if (fd >= 0 || (errno != ENOENT && !(plan->original && errno == plan->error)))
			wrong("open of what was renamed", 4);
		if (rename(to, path_of(4)) < 0)
			failed("rename back", 4);
		else
			read_whole(4);
	}
	if (unlink(path_of(5)) < 0)
		failed("unlink", 5);
	else if (open(path_of(5), O_RDONLY) >= 0)
		wrong("open of what was removed", 5);
	if (chmod(path_of(1), 0600) < 0)
		failed("chmod", 1);
	read_whole(1);
}

/* ---- one child ---- */
static void clear(int at, const char *path)
{
	int fd = (int)syscall(SYS_openat, at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	char buf[32768];
	for (long n; (n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0;)
		for (long o = 0; o < n; o += *(unsigned short *)(buf + o + 16)) {
			const char *name = buf + o + 19;
			if (!strcmp(name, ".") || !strcmp(name, ".."))
				continue;
			if (syscall(SYS_unlinkat, fd, name, 0) < 0)
				clear(fd, name);
		}
	syscall(SYS_close, fd);
	syscall(SYS_unlinkat, at, path, AT_REMOVEDIR);
}

static int open_fds(void)
{
	int n = 0;
	for (int fd = 0; fd < 200; fd++)
		n += syscall(SYS_fcntl, fd, F_GETFD, 0) >= 0;
	return n;
}

struct outcome { int fired, findings; int count[FAULT_CALL_COUNT][2]; };

static struct outcome once(int call, int error, int when, int only)
{
	struct outcome o = { 0 };
	int p[2], status = 0;
	clear(AT_FDCWD, session);
	write_files();
	MUST(pipe(p) == 0);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		int before = open_fds();
		*plan = (struct fault_plan){ .call = call, .error = error, .when = when, .only = only };
		scenario();
		int lost = open_fds() - before;
		/* An original's own close that fails may be tried again or not; the rest must be gone. */
		if (lost > 0 && !(plan->fired && plan->original)) {
			printf("finding: %d descriptors lost\n", lost);
			findings++;
		}
		o.fired = plan->fired;
		o.findings = findings;
		memcpy(o.count, plan->count, sizeof o.count);
		fflush(stdout);
		(void)!write(p[1], &o, sizeof o);
		_exit(0);
	}
	close(p[1]);
	for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms += 2) {
		if (ms > 20000) {
			printf("finding: hangs\n");
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			o.findings++;
			break;
		}
		usleep(ms < 40 ? 500 : 2000);
	}
	if (read(p[0], &o, sizeof o) != sizeof o) {
		printf("finding: ended by status %x\n", status);
		o.findings = 1, o.fired = 1;
	}
	close(p[0]);
	return o;
}

static const char *word(int error)
{
	return error == FAULT_SHORT ? "short" : error == FAULT_NOTHING ? "nothing" : strerrorname_np(error);
}

int main(int argc, char **argv)
{
	int total = 0, bad = 0;
	MUST(argc >= 3);
	dir = argv[1];
	session = getenv("OPT4_DIR");
	plan = dlsym(RTLD_DEFAULT, "fault_plan");
	MUST(session && plan);
	srand(7);
	for (int i = 0; i < FILES; i++)
		for (int b = 0; b < BYTES; b++)
			content[i][b] = (char)rand();
	FILE *out = fdopen((int)syscall(SYS_openat, AT_FDCWD, argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600), "w");
	MUST(out);
	struct outcome dry = once(-1, 0, 0, 0);
	if (dry.findings) {
		printf("without any fault: %d findings\n", dry.findings);
		return 1;
	}
	for (unsigned c = 0; c < sizeof cells / sizeof *cells; c++) {
		int call = 0;
		bool chosen = argc == 3;
		while (strcmp(names[call], cells[c].call))
			call++;
		for (int i = 3; i < argc; i++)
			chosen |= !strcmp(argv[i], cells[c].call);
		int n = dry.count[call][0] + dry.count[call][1];
		for (int e = 0; chosen && n && e < 14 && cells[c].errors[e]; e++) {
			int tried = 0, fired = 0, found = 0;
			for (int k = 0; k < (n < MOST ? n : MOST) + 1; k++) {
				/* the nth; and last, every one of the library's own */
				int when = k < 30 || n <= MOST ? k + 1 : 30 + (k - 29) * (n - 30) / (MOST - 30);
				bool all = k == (n < MOST ? n : MOST);
				struct outcome o = once(call, cells[c].errors[e], all ? 0 : when, all);
				tried++, fired += o.fired > 0, found += o.findings > 0;
				if (o.findings)
					printf("^ %s %s at %d of %d\n", cells[c].call, word(cells[c].errors[e]), all ? 0 : when, n);
			}
			fprintf(out, "%s %s %d %d %d\n", cells[c].call, word(cells[c].errors[e]), tried, fired, found);
			fflush(out);
			total += tried, bad += found;
		}
	}
	clear(AT_FDCWD, session);
	printf("%d faults tried, %d findings\n", total, bad);
	return bad != 0;
}
