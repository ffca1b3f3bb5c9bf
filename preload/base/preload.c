/* preload.c - see preload.h. */
#include "preload.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/lib-names.h>
#include <link.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPLIT " :"                 /* what the dynamic linker splits at */
#define HEAD  1024                 /* bytes of a program that are looked at: its headers, or a script's first line */

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));   /* the linker's name for this file's own */

/* The next entry from *list on; *list moves past it. Its length, 0: none left. */
static size_t entry(const char **list, const char **at)
{
	*at = *list + strspn(*list, SPLIT);
	size_t len = strcspn(*at, SPLIT);
	*list = *at + len;
	return len;
}

static bool is(const char *at, size_t len, const char *name)
{
	const char *slash = memrchr(at, '/', len);
	const char *last = slash ? slash + 1 : at;
	size_t n = (size_t)(at + len - last);
	return n == strlen(name) && !memcmp(last, name, n);
}

bool preload_has(const char *list, const char *name)
{
	const char *at;
	for (size_t len; (len = entry(&list, &at)) != 0;)
		if (is(at, len, name))
			return true;
	return false;
}

size_t preload_without(char *to, const char *list, const char *name)
{
	const char *at;
	char *begin = to;
	for (size_t len; (len = entry(&list, &at)) != 0;) {
		if (is(at, len, name))
			continue;
		if (to != begin)
			*to++ = ':';
		memcpy(to, at, len);
		to += len;
	}
	*to = 0;
	return (size_t)(to - begin);
}

bool preload_can_name(const char *path) { return !strpbrk(path, SPLIT "$"); }   /* it expands $ORIGIN and the like */

/* Reads up to n bytes at `at`, with one NUL more. */
static size_t bytes_at(int fd, char *buf, size_t n, uint64_t at)
{
	long got = syscall(SYS_pread64, fd, buf, n, (long)at);
	buf[got > 0 ? got : 0] = 0;
	return got > 0 ? (size_t)got : 0;
}

static int open_it(int dirfd, const char *path)
{
	static const char fds[] = "/proc/self/fd/";
	char own[sizeof(fds) + 10], *at = own + sizeof(own) - 1;
	if (!path) {               /* anew, since it may be open for nothing but this (O_PATH) */
		if (dirfd < 0)
			return -1;
		*at = 0;
		for (unsigned n = (unsigned)dirfd; at == own + sizeof(own) - 1 || n; n /= 10)
			*--at = (char)('0' + n % 10);
		path = memcpy(at - (sizeof(fds) - 1), fds, sizeof(fds) - 1);
	}
	return (int)syscall(SYS_openat, dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
}

/* An ELF program of this class and machine: who loads it? A C library's loader is told by its name, which its binary
 * interface fixes. */
static bool other_loader(int fd, const char *name, char *buf)
{
	ElfW(Ehdr) e;
	ElfW(Phdr) p;
	memcpy(&e, buf, sizeof(e));
	if (e.e_phentsize != sizeof(p))
		return false;
	for (unsigned i = 0; i < e.e_phnum && i < 64; i++) {
		if (bytes_at(fd, buf, sizeof(p), e.e_phoff + i * sizeof(p)) != sizeof(p))
			return false;
		memcpy(&p, buf, sizeof(p));
		if (p.p_type == PT_INTERP && p.p_filesz < HEAD)
			return bytes_at(fd, buf, p.p_filesz, p.p_offset) == p.p_filesz && !is(buf, strlen(buf), LD_SO);
	}
	/* None, so it is static and reads no LD_PRELOAD; or it is a loader, called by its name. */
	const char *last = strrchr(name, '/');
	last = last ? last + 1 : name;
	return !strncmp(last, "ld-musl", 7);
}

/* One step. 1: fails, 0: does not, or unknown; -1: a script, its interpreter's path in buf. */
static int look(int dirfd, const char *path, char buf[HEAD + 1])
{
	int fd = open_it(dirfd, path), rc = 0;
	if (fd < 0)
		return 0;
	size_t n = bytes_at(fd, buf, HEAD, 0);
	const unsigned char *ident = (const unsigned char *)buf;
	if (n >= sizeof(Elf32_Ehdr) && !memcmp(buf, ELFMAG, SELFMAG)) {
		ElfW(Half) machine;
		memcpy(&machine, buf + offsetof(ElfW(Ehdr), e_machine), sizeof(machine));   /* at the same place in both classes */
		rc = ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] || ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
			machine != __ehdr_start.e_machine || (n >= sizeof(ElfW(Ehdr)) && other_loader(fd, path ? path : "", buf));
	} else if (n > 2 && buf[0] == '#' && buf[1] == '!') {
		char *from = buf + 2 + strspn(buf + 2, " \t");
		size_t len = strcspn(from, " \t\n");
		memmove(buf, from, len);
		buf[len] = 0;
		rc = len ? -1 : 0;
	}
	syscall(SYS_close, fd);
	return rc;
}

bool preload_fails(int dirfd, const char *path)
{
	char buf[2][HEAD + 1];
	int err = errno, rc = look(dirfd, path, buf[0]);
	for (int i = 0; rc < 0 && i < 5; i++)      /* as deep as the kernel goes */
		rc = look(AT_FDCWD, buf[i % 2], buf[!(i % 2)]);
	errno = err;
	return rc > 0;
}

static bool runs(const char *path)
{
	if (syscall(SYS_faccessat, AT_FDCWD, path, X_OK) != 0)
		return false;
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0)
		syscall(SYS_close, fd);
	return fd < 0;
}

const char *preload_find(const char *file, char path[PATH_MAX])
{
	int err = errno;
	size_t n = strlen(file);
	const char *at = getenv("PATH");
	if (strchr(file, '/'))
		return file;
	for (at = at ? at : "/bin:/usr/bin"; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
		size_t len = strcspn(at, ":");
		if (len + n + 2 > PATH_MAX)
			continue;
		memcpy(path, at, len);
		path[len] = '/';
		memcpy(path + len + (len > 0), file, n + 1);   /* an empty one: the working directory */
		if (runs(path))
			break;
	}
	errno = err;
	return at ? path : file;
}
