/* variety.h - variety's calls that open, read, copy and look; what changes names and attributes: variety.c. */
#ifndef HOOK_VARIETY_H
#define HOOK_VARIETY_H

#include "random.h"

#include <linux/openat2.h>
#include <sys/statfs.h>

int __open_2(const char *path, int flags);

/* Drawn anew for each step: descriptors (from, and where a new one goes), names, sizes. */
static int i, j, fd, *to;
static const char *a, *b;
static size_t n;
static off_t at;
static int dirs[3];               /* the folder, its `sub`, the one above */
static FILE *streams[3];
static char *maps[3];             /* shared, writable */
static const char *self;

/* Which of n ways; said, so that a difference can be told from what went before. */
static uint32_t way(uint32_t of)
{
	uint32_t w = rnd(of);
	printf("/%u", w);
	return w;
}

static const char *proc(int of)
{
	static char path[40];
	snprintf(path, sizeof path, rnd(2) ? "/proc/self/fd/%d" : "/dev/fd/%d", of);
	return path;
}

/* The slot that a new descriptor is for. */
static void put_fd(int new)
{
	put(new, NULL);
	if (*to >= 0 && *to != new)
		close(*to);
	*to = new;
}

static int how(void)
{
	static const int reading[] = { 0, 0, 0, O_CLOEXEC, O_NONBLOCK, O_NOFOLLOW, O_NOATIME, O_SYNC, O_APPEND, O_CREAT, O_DIRECT, O_PATH, O_DIRECTORY, O_CREAT | O_EXCL };
	static const int writing[] = { O_RDWR, O_WRONLY, O_RDWR | O_APPEND, O_RDONLY | O_TRUNC, O_RDWR | O_TRUNC | O_CREAT, O_WRONLY | O_CREAT | O_EXCL };
	return rnd(12) ? reading[rnd(4) ? rnd(4) : rnd(14)] : writing[rnd(6)];
}

static void opens(void)
{
	int h = how();
	const char *d = a[0] == 's' || a[0] == 'l' ? "b.jpg" : a;
	struct open_how how2 = { .flags = (unsigned)h, .mode = h & O_CREAT ? 0644 : 0 };
	printf(" to %d %s %x", j, a, h);
	switch (way(12)) {
	case 0: put_fd(open64(a, h, 0644)); break;
	case 1: put_fd(openat(AT_FDCWD, a, h, 0644)); break;
	case 2: put_fd(openat64(dirs[0], a, h, 0644)); break;
	case 3: put_fd(openat(dirs[1], d, h, 0644)); break;
	case 4: put_fd(openat(dirs[2], "d/a.jpg", h, 0644)); break;
	case 5: put_fd(h & O_CREAT ? creat(a, 0640) : __open_2(a, h)); break;
	case 6: put_fd((h & O_ACCMODE) || (h & (O_TRUNC | O_CREAT)) ? -1 : (int)syscall(SYS_openat2, AT_FDCWD, a, &how2, sizeof how2)); break;
	default: put_fd(open(a, h, 0644));
	}
}

static void opens_proc(void) { int h = how() & ~O_NOFOLLOW; const char *p = proc(fd); printf(" %d to %d %x", i, j, h); put_fd(open(p, h, 0644)); }

static void reads(void)
{
	struct iovec v[2] = { { buf, n / 3 }, { buf + n / 3, n - n / 3 } };
	printf(" %d %zu", i, n);
	switch (way(10)) {
	case 0: put(readv(fd, v, 2), buf); break;
	case 1: put(preadv(fd, v, 2, at), buf); break;
	case 2: put(preadv2(fd, v, 2, rnd(2) ? -1 : at, 0), buf); break;
	case 3: case 4: put(pread(fd, buf, n, at), buf); break;
	default: put(read(fd, buf, n), buf);
	}
}

static void moves(void)
{
	static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_END, SEEK_DATA, SEEK_HOLE };
	int w = whence[rnd(10) ? rnd(4) : rnd(6)];
	printf(" %d %d", i, w);
	put(lseek(fd, at - 1000, w), NULL);
}

static void pipes(void)
{
	int p[2];
	off_t off = at;
	printf(" %d %zu", i, n);
	MUST(pipe(p) == 0);
	switch (way(4)) {
	case 0: put(sendfile(p[1], fd, NULL, n), NULL); break;
	case 1: put(sendfile(p[1], fd, &off, n), NULL); break;
	case 2: put(splice(fd, &off, p[1], NULL, n, 0), NULL); break;
	default: put(splice(fd, NULL, p[1], NULL, n, 0), NULL);
	}
	printf(" off %lld", (long long)off);
	close(p[1]);
	put(read(p[0], buf, sizeof buf), buf);
	close(p[0]);
}

static void copies(void) { off_t o = at; printf(" %d to %d", i, j); put(copy_file_range(fd, rnd(2) ? &o : NULL, *to, NULL, n, 0), NULL); }

static void maps_to_read(void)
{
	struct stat st;
	char *m = mmap(NULL, 110000, PROT_READ | (rnd(2) ? PROT_WRITE : 0), MAP_PRIVATE, fd, 0);
	printf(" %d", i);
	if (m == MAP_FAILED || fstat(fd, &st) || st.st_size > 110000 || !S_ISREG(st.st_mode))
		printf(" no");
	else
		put(st.st_size, m);
	if (m != MAP_FAILED)
		munmap(m, 110000);
}

static void maps_to_write(void)
{
	char **m = &maps[rnd(3)];
	struct stat st;
	if (*m) {
		munmap(*m, 4096);
		*m = NULL;
	} else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 4096) {
		*m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (*m == MAP_FAILED)
			*m = NULL;
	}
	printf(" %d %d", i, !!*m);
}

/* By the kernel, which answers EFAULT where the file has become too short. */
static void stores(void)
{
	char *m = maps[rnd(3)];
	int p[2];
	MUST(pipe(p) == 0 && write(p[1], "S", 1) == 1);
	put(m ? read(p[0], m + at % 4096, 1) : 0, NULL);
	close(p[0]);
	close(p[1]);
}

static void writes(void)
{
	struct iovec v[2] = { { buf, n / 3 % 900 }, { buf, n % 700 } };
	memset(buf, (int)rnd(256), sizeof buf);
	printf(" %d %zu", i, n);
	switch (way(9)) {
	case 0: put(writev(fd, v, 2), NULL); break;
	case 1: put(pwritev(fd, v, 2, at), NULL); break;
	case 2: put(ftruncate(fd, at + 1), NULL); break;
	case 3: put(fallocate(fd, rnd(2) ? FALLOC_FL_KEEP_SIZE : 0, at, (off_t)n + 1), NULL); break;
	case 4: put(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)n + 1), NULL); break;
	case 5: put(fsync(fd), NULL); break;
	case 6: put(write(fd, buf, n % 3000), NULL); break;
	default: put(pwrite(fd, buf, n % 3000, at), NULL);
	}
}

static void copied(void)
{
	int flags = rnd(2) ? O_CLOEXEC : 0;
	printf(" %d %d", i, j);
	switch (way(5)) {
	case 0: put_fd(dup(fd)); break;
	case 1: put_fd(fcntl(fd, F_DUPFD, 40)); break;
	case 2: put_fd(fcntl(fd, F_DUPFD_CLOEXEC, 60)); break;
	case 3: put(dup2(fd, *to), NULL); break;
	case 4: put(dup3(fd, *to, flags), NULL); break;
	}
}

static void closes(void)
{
	printf(" %d", i);
	switch (way(4)) {
	case 0: put(syscall(SYS_close, fd), NULL); break;
	case 1: put(fd < 0 ? -1 : close_range((unsigned)fd, (unsigned)fd, 0), NULL); break;
	default: put(close(fd), NULL);
	}
	fds[i] = -1;
}

/* A descriptor that comes back by a socket. */
static void sends(void)
{
	int sv[2], got = -1;
	char byte = 'x', ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == 0);
	MUST(c);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
	if (!kcmp_allowed())
		fd = -1;
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	printf(" %d to %d", i, j);
	put(sendmsg(sv[0], &m, 0), NULL);
	if (fd >= 0 && recvmsg(sv[1], &m, MSG_DONTWAIT) == 1)
		memcpy(&got, CMSG_DATA(c), sizeof got);
	close(sv[0]);
	close(sv[1]);
	put_fd(got);
}

static void identity(void)
{
	struct stat st = { .st_size = -1 };
	struct statx stx = { .stx_size = 0 };
	struct statfs fs = { .f_type = 0 };
	char link[1000], *tail;
	const char *p = proc(fd);
	ssize_t r;
	printf(" %d", i);
	switch (way(9)) {
	case 0: put(fstatat(fd, "", &st, AT_EMPTY_PATH), NULL); printf(" %lld", (long long)st.st_size); break;
	case 1: put(statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &stx), NULL); printf(" %lld %d", (long long)stx.stx_size, (int)stx.stx_nlink); break;
	case 2: put(stat(p, &st), NULL); printf(" %lld", (long long)st.st_size); break;
	case 3:
		put((r = readlink(p, link, sizeof link - 1)) > 0 ? 1 : r, NULL);
		link[r < 0 ? 0 : r] = 0;
		printf(" %s", (tail = strstr(link, "/d/")) ? tail + 3 : "-");
		break;
	case 4: put(fstatfs(fd, &fs), NULL); printf(" %lx", (long)fs.f_type); break;
	case 5: printf(" %d", i); put(fgetxattr(fd, "user.k", link, sizeof link), link); break;
	case 6: put(realpath(p, link) ? 1 : -1, NULL); printf(" %s", (tail = strstr(link, "/d/")) ? tail + 3 : "-"); break;
	default: show(fd);
	}
}

#endif
