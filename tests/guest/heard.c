/* heard SECONDS [SIGNAL...]: catches these signals (default USR1 USR2 TERM INT HUP WINCH CONT, and the first two real-time
 * ones) and says `ready PID`, then, after so many seconds, how often each came:
 * `SIGNAL TIMES VALUE`, the last value that was queued with it. A second time before the first is handled is the first, as
 * everywhere. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile int times[65], value[65];

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	times[sig]++;
	if (info->si_code == SI_QUEUE)
		value[sig] = info->si_value.sival_int;
}

int main(int argc, char **argv)
{
	static const int some[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGWINCH, SIGCONT, 34, 35 };
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_RESTART | SA_SIGINFO };
	struct timespec until, now;
	int n = 0, sigs[65];
	if (argc > 2)
		for (int i = 2; i < argc; i++)
			sigs[n++] = atoi(argv[i]);
	else
		for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
			sigs[n++] = some[i];
	for (int i = 0; i < n; i++)
		sigaction(sigs[i], &sa, NULL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &until);
	double end = (double)until.tv_sec + (double)until.tv_nsec / 1e9 + (argc > 1 ? atof(argv[1]) : 1);
	do {
		usleep(2000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end);
	for (int i = 0; i < n; i++)
		if (times[sigs[i]])
			printf("%d %d %d\n", sigs[i], times[sigs[i]], value[sigs[i]]);
	return 0;
}
