/* bigpages.c - preloaded: a machine with pages of 64 KiB, as far as a program can ask. tmpfs itself goes on in 4 KiB. */
#include <dlfcn.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PAGE 65536u
#define EXPORT __attribute__((visibility("default")))
#define NEXT(name) __typeof__(name) *next = (__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name)

EXPORT long sysconf(int what)
{
	NEXT(sysconf);
	return what == _SC_PAGESIZE ? (long)PAGE : next(what);
}

EXPORT int getpagesize(void) { return (int)PAGE; }

EXPORT unsigned long getauxval(unsigned long what)
{
	NEXT(getauxval);
	return what == AT_PAGESZ ? PAGE : next(what);
}

#define TMPFS 0x01021994

/* Only a tmpfs counts in pages. */
static int bare(const char *path, int fd)
{
	struct statfs st;
	return (path ? statfs(path, &st) : fstatfs(fd, &st)) == 0 && st.f_type == TMPFS;
}

static int grown(int rc, struct statvfs *st, int is)
{
	if (rc == 0 && is) {
		unsigned long n = PAGE / st->f_frsize;
		st->f_bsize = st->f_frsize = PAGE;
		st->f_blocks /= n;
		st->f_bfree /= n;
		st->f_bavail /= n;
	}
	return rc;
}

EXPORT int statvfs(const char *path, struct statvfs *st)
{
	NEXT(statvfs);
	return grown(next(path, st), st, bare(path, -1));
}

EXPORT int fstatvfs(int fd, struct statvfs *st)
{
	NEXT(fstatvfs);
	return grown(next(fd, st), st, bare(NULL, fd));
}
