/* minute.c - see minute.h. */
#include "minute.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../../../preload/session/keeper.h"
#include "record.h"
#include "result.h"
#include "told.h"

#define LINES 2                    /* the first minute's, and one when that changes */
#define AFTER 40                   /* seconds after the first samples, or the start; .. */
#define EVERY 10                   /* .. looked at every so many */

static unsigned nsaid;
static uint64_t after, start, first;       /* ns; first: since when samples are read, as far as seen; 0: none yet */
static char said[ADVICE_BYTES];

/* Seconds, by the environment for tests. */
static long seconds(const char *name, long normal)
{
	const char *s = getenv(name);
	long n = s ? strtol(s, NULL, 10) : 0;
	return n > 0 && n < 3600 ? n : normal;
}

static void say(const char *line)
{
	if (!strncmp(line, "opt4: ", 6))
		line += 6;
	if (nsaid == LINES || !strncmp(said, line, sizeof(said) - 1))
		return;
	nsaid++;
	snprintf(said, sizeof(said), "%s", line);
	fprintf(stderr, "opt4: %s\n", line);
}

/* No samples so far, for a minute. */
static void say_none(bool session, const char *advice)
{
	if (session) {
		if (advice && !told_looked())   /* torch's loader says when it begins */
			say(advice);
	} else if (told_reason(0)) {
		say(told_reason(0));
	} else if (told_listens() && !told_python() && (conf_active() || record_wants_root())) {
		say(told_loaded() ? "run: no Python has run with opt4 in it so far: nothing is cached; if the training has begun, put opt4 run right before "
				    "python" : "run: the library came into no process of the job so far: nothing is cached; put opt4 run right before "
				    "the training program");
	} else if (told_listens() && !told_looked() && !conf_active() && record_wants_root()) {
		say("run: no loader of torch's has been seen so far: nothing is cached; if the training has begun, name the folder that it reads with --root");
	}
}

/* That samples are fetched from memory, and what the session holds is none of theirs. */
static const char *nothing(void)
{
	const char *line;
	for (unsigned n = 0; (line = told_reason(n)); n++)
		if (!strncmp(line, "opt4: nothing is cached: ", 25))
			return line;
	return NULL;
}

static void look(int timer)
{
	char line[ADVICE_BYTES];
	struct told_session s;
	uint64_t times, accesses = 0, now = now_coarse();
	if (read(timer, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return;
	bool session = told_session(0, &s), advice = session && result_advice(line, &accesses);
	if (!first)
		first = told_fetches() ? told_fetches() : accesses ? now : 0;
	if (now < (first ? first : start) + after)
		return;
	if (!first)
		say_none(session, advice ? line : NULL);
	else if (nothing())
		say(nothing());
	else if (advice)
		say(line);
	else if (!session && told_reason(0))
		say(told_reason(0));
}

static struct launch_also also = { .fd = -1, .ready = look };

const struct launch_also *minute_begin(bool quiet)
{
	long wait = seconds("OPT4_MINUTE", AFTER), every = wait < EVERY ? wait : EVERY;
	struct itimerspec t = { .it_value = { .tv_sec = every }, .it_interval = { .tv_sec = every } };
	after = (uint64_t)wait * 1000000000u;
	start = now_coarse();
	also.fd = quiet ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (also.fd >= 0)
		timerfd_settime(also.fd, 0, &t, NULL);
	return &also;
}
