/* warm.c - `opt4 warm`: see warm.h. It is a job of its own in the session, with the policy `keep`, that reads each file once;
 * the session stays behind for the next job. */
#include "warm.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "../run/run.h"
#include "list.h"

#define THREADS 16                 /* a store across the network wants many, .. */
#define ARM_THREADS 2              /* .. one arm a request, and the next */
#define BAR     30
#define TWICE   .5                 /* seconds */
#define SETTLE  1200               /* looks, of 50 ms, at whether the keeper has written down what it moved */

static const char help[] =
"usage: opt4 warm (--trace FILE | --root DIR[:DIR]) [option]...\n"
"Fills memory and the second tier before a job, or without one, and leaves them for it. What is there already is not read again.\n"
"\n"
"  --trace FILE     the job's order: what it needs first comes first\n"
"  --root DIR[:DIR] the dataset's folder(s): in the order that is cheapest for the store\n"
"  --cache SIZE     of memory: bytes, K M G T, or % of the dataset (default: what /dev/shm and the cgroup leave)\n"
"  --ssd DIR        a folder on a local disk: the second tier\n"
"  --ssd-size SIZE  what it may take there (default: 90 % of what is free)\n"
"  --quiet          nothing but errors\n"
"  --help, --version\n";

static struct filling filling;
static struct wanted_list list;
static volatile sig_atomic_t came;
static bool quiet, terminal;
static double began;

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The second one ends it at once; but timeout(1) sends each twice, to its child and to its group. */
static void on_signal(int sig)
{
	static double first;
	if (came && seconds() - first > TWICE) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	first = came ? first : seconds();
	came = sig;
	filling.stop = true;
}

static void look(const struct filling *f)
{
	static double said;
	char a[16], b[16], c[16], bar[BAR + 1];
	double now = seconds(), gone = now - began, part = list.bytes ? (double)f->bytes / (double)list.bytes : (double)f->done / (double)(list.n ? list.n : 1);
	if (quiet || gone < .5 || (!terminal && now - (said > 0 ? said : began) < 10))
		return;
	said = now;
	double left = part > .001 ? gone / part - gone : 0;
	size_text(a, f->bytes);
	size_text(b, list.bytes);
	size_text(c, (unsigned long long)((double)f->read_bytes / gone));
	if (terminal) {
		memset(bar, '.', BAR);
		memset(bar, '#', (size_t)(part < 1 ? part * BAR : BAR));
		bar[BAR] = 0;
		fprintf(stderr, "\rwarm [%s] %3.0f%%  %s/s  %.0f s left   ", bar, part * 100, c, left);
	} else {
		fprintf(stderr, "opt4: warm: %.0f %%, %s of %s, %s/s, %.0f s left\n", part * 100, a, b, c, left);
	}
}

/* Until the keeper has nothing to move any more: what is in memory may go to the second tier yet. */
static void settle(void)
{
	uint64_t fills = UINT64_MAX;
	for (int i = 0, still = 0; ssd_here() && keeper_lives() && still < 10 && i < SETTLE && came != SIGTERM; i++) {
		const struct tier_account *k = &view.h->account[TIER_SSD];
		still = k->fills == fills ? still + 1 : 0;
		fills = k->fills;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
}

static void result(void)
{
	char a[16], b[16], c[16];
	const struct filling *f = &filling;
	if (terminal && !quiet)
		fprintf(stderr, "\r%70s\r", "");
	if (quiet)
		return;
	fprintf(stderr, "opt4: warm: %llu of %zu files are there: %s in memory", (unsigned long long)f->here, list.n, size_text(a, view.h->account[TIER_RAM].charged * PAGE));
	if (ssd_here())
		fprintf(stderr, ", %s on the SSD", size_text(b, view.h->account[TIER_SSD].charged * PAGE));
	fprintf(stderr, "; %llu read just now (%s) in %.1f s", (unsigned long long)f->read, size_text(c, f->read_bytes), seconds() - began);
	if (f->no_room)
		fprintf(stderr, "; %llu have no room", (unsigned long long)f->no_room);
	if (f->failed)
		fprintf(stderr, "; %llu could not be read (%s)", (unsigned long long)f->failed, f->first);
	fputs(came ? "; broken off: run it again\n" : "\n", stderr);
}

static uint64_t pages_all(void)
{
	uint64_t n = 0;
	for (size_t i = 0; i < list.n; i++)
		n += pages_of(list.at[i].size);
	return n;
}

static int warm(void)
{
	char dir[4096];
	struct sigaction act = { .sa_handler = on_signal };
	conf_load();
	if (!conf_active())
		return fail("warm: nothing to fill: no dataset's folder is known; name it by --root");
	if (!conf.have_trace && (strchr(conf.cache, '%') || strchr(conf.ssd_size, '%')))
		conf_set_size(list_guess(), true);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	session_job_begin();
	if (!session_attach())
		return fail("warm: no session can be made: %s; see opt4 doctor", "its reason is in the line above");
	view.h->keep = 1;
	memcpy(dir, view.dir, sizeof(dir));
	began = seconds();
	terminal = isatty(STDERR_FILENO);
	if (!list_make(&list, &filling))
		return fail("warm: no memory for the list of %zu files", list.n);
	if (view.h->size_guessed)
		index_resize(pages_all() * PAGE);
	began = seconds();
	int rc = fill_all(&list, &filling, list.arm ? ARM_THREADS : THREADS, look);
	settle();
	result();
	free(list.at);
	session_leave();
	for (int i = 0; i < SETTLE && keeper_lives() && !index_live(); i++)   /* it seals what it has moved, and goes */
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	if (rc < 0)
		return fail("warm: no thread could be made");
	return came ? 128 + came : filling.failed ? 1 : 0;
}

int cmd_warm(int argc, char **argv)
{
	static const struct option options[] = {
		{ "trace", 1, 0, 't' }, { "root", 1, 0, 'r' }, { "cache", 1, 0, 'c' }, { "ssd", 1, 0, 'd' }, { "ssd-size", 1, 0, 'D' },
		{ "quiet", 0, 0, 'q' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0 } };
	struct run_settings set = { .policy = "keep", .prefetch = "off", .keep = true };
	int c, rc;
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 't': set.trace = optarg; break;
		case 'r': set.root = optarg; break;
		case 'c': set.cache = optarg; break;
		case 'd': set.ssd = optarg; break;
		case 'D': set.ssd_size = optarg; break;
		case 'q': quiet = true; break;
		case 'h': fputs(help, stdout); return 0;
		case 'v': puts("opt4 " OPT4_VERSION); return 0;
		default: return usage("warm: %s is no option of it or wants a value; see opt4 warm --help", argv[optind - 1]);
		}
	if (optind < argc)
		return usage("warm: takes no argument; see opt4 warm --help");
	if (!set.trace && !set.root && !getenv("OPT4_TRACE") && !getenv("OPT4_ROOT"))
		return usage("warm: of what? --trace FILE or --root DIR");
	if ((rc = run_settings(&set)) != 0)
		return rc;
	unsetenv("OPT4_STATS");
	unsetenv("OPT4_PROGRAMS");
	unsetenv("OPT4_DISABLE");
	if (!getenv("OPT4_LOG"))
		setenv("OPT4_LOG", "stderr", 1);
	return warm();
}
