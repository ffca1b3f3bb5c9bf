/* eager.c - linked into a libopt4.so for the suites with -Wl,--wrap=clock_gettime: its clock is a second ahead, so that
 * files are never too young to be cached. What tests write and read again at once is then served from objects, and
 * only what the hooks see of the writing keeps the bytes right. */
#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = __real_clock_gettime(clock, t);
	if (r == 0 && clock == CLOCK_REALTIME)
		t->tv_sec++;
	return r;
}
