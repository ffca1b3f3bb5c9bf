/* random.h - what the programs of random calls draw from, and how they say what came of a call. */
#ifndef HOOK_RANDOM_H
#define HOOK_RANDOM_H

#include "common.h"

#define NFD   12
#define NFILE 10

static uint64_t state;
static inline uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state * 0x2545F4914F6CDD1Dull) >> 33) % n;
}

static int fds[NFD];
static char buf[70000];

/* A file's name; four of them stay valid. */
static inline const char *name(void)
{
	static char names[4][64];
	static unsigned at;
	static const char *const shapes[] = { "%c.jpg", "./%c.jpg", "sub/../%c.jpg", "sub/%c.jpg", "sub//%c.jpg", "link/%c.jpg", "link/../%c.jpg" };
	char *s = names[at++ % 4];
	sprintf(s, shapes[rnd(3) ? 0 : rnd(7)], 'a' + rnd(NFILE));
	return s;
}

/* Identity without numbers that differ between two copies of a dataset. */
static inline void show(int fd)
{
	struct stat st, p;
	if (fstat(fd, &st)) {
		printf(" fstat %d", errno);
		return;
	}
	printf(" %lld %o %d at %lld fl %x fd %d is", (long long)st.st_size, st.st_mode, (int)st.st_nlink, (long long)lseek(fd, 0, SEEK_CUR),
	       fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
	for (char c = 'a'; c < 'a' + NFILE; c++) {
		char n[] = "?.jpg";
		n[0] = c;
		if (stat(n, &p) == 0 && p.st_dev == st.st_dev && p.st_ino == st.st_ino)
			printf(" %s%s", n, p.st_mtim.tv_nsec == st.st_mtim.tv_nsec && p.st_ctim.tv_nsec == st.st_ctim.tv_nsec ? "" : "*");
	}
}

static inline void put(long r, const void *data)
{
	printf(" = %ld", r);
	if (r < 0)
		printf(" errno %d", errno);
	else if (data)
		printf(" sum %08x", sum(data, (size_t)r, 0));
}

/* SEED:STEPS. Returns STEPS. */
static inline int seeded(const char *arg)
{
	const char *steps = strchr(arg, ':');
	MUST(steps);
	state = strtoull(arg, NULL, 10) * 0x9E3779B97F4A7C15ull + 1;
	for (int i = 0; i < NFD; i++)
		fds[i] = -1;
	return atoi(steps + 1);
}

#endif
