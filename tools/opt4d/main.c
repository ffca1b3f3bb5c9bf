/* main.c - opt4d, the keeper: one a session. Started by a job's first process (keeper_start.c), it fetches what the
 * trace says will be read, tidies up, and leaves with the session's last job. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "../../preload/live/live.h"
#include "opt4d.h"

#define ROUND_NS 100000000ull      /* while the job reads */
#define IDLE_NS  250000000ull      /* while it does not */
#define LIFE_NS  250000000ull      /* between two looks at the jobs */
#define BURY_NS  1000000000ull     /* between two looks at all processes */


/* Every process of the session may be busy computing; the keeper yields to all of them. */
static void step_back(void)
{
	struct rlimit lim;
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5);
	syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6);  /* best effort, next to last */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max < 4096 ? lim.rlim_max : 4096;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

/* Jobs that ended without a word (kill -9) wrote no statistics: their entries are still there. */
static bool unwritten(void)
{
	for (int i = 0; i < JOBS_MAX; i++)
		if (view.h->jobs[i].pid)
			return true;
	return false;
}

/* No job lives. True: the session is left, and removed unless it is to be kept. */
static bool leave(void)
{
	ssd_leaving(true);         /* whoever makes the next session, and has the folder's lock for it, waits for us */
	int lock = dir_lock(view.dir);
	if (lock < 0)
		return true;       /* somebody removes it, or has */
	bool last = !index_live();
	ssd_leaving(last);
	if (last && *conf.stats && unwritten())
		stats_write(conf.stats);
	if (last && !view.h->keep) {
		atomic_store(&view.h->gone, 1);
		dir_clear(view.dir, CLEAR_ALL);
	}
	dir_unlock(lock);
	return last;
}

static void plans(void)
{
	live_spooled();
	if (view.policy_gen != view.h->policy_gen && session_lock())   /* it maps what has joined */
		session_unlock();
	if (!ahead_plans())
		view.disabled = true;
}

/* One round; true: time to go. Under keeper_lock. */
static bool look_after(uint64_t now)
{
	static uint64_t life, bury;
	atomic_store(&view.h->keeper_beat, now);
	if (atomic_load(&view.h->gone) || view.disabled || view.h->keeper_pid != proc_self()->pid)
		return true;
	if (now - life >= LIFE_NS) {
		life = now;
		bool live = index_live();
		if (!live)
			nodes_last();
		if (!live ? leave() : !stay(now))
			return true;
	}
	if (now - bury >= BURY_NS) {
		bury = now;
		repair_bury();
		idle_look(now);
		if (index_lost())
			return true;
	}
	room_look();
	if (atomic_load(&view.h->room_left) < 0)
		victims_shrink();
	tier_tmpfs.reap(false);
	spill_tick();
	near_look();
	plans();
	turn_tick();
	ahead_tick();
	fetch_tick();
	return false;
}

/* Residents that a new state of the policy does not hold yet. Clients come in between. */
static void file_residents(void)
{
	for (bool locked = true; locked && !filing_settled();) {
		pthread_mutex_lock(&keeper_lock);   /* session_lock() maps what has joined: fetchers look at it */
		locked = session_lock();
		if (locked) {
			filing_settle(FILING_SHARE);
			session_unlock();
		}
		pthread_mutex_unlock(&keeper_lock);
		nanosleep(&(struct timespec){ 0, 200000 }, NULL);
	}
}

static void rounds(void)
{
	uint64_t due = 0, accesses = 0, pause = ROUND_NS;
	while (1) {
		uint32_t bell = atomic_load(&view.h->keeper_bell);
		uint64_t now = now_coarse();
		bool go = false;
		file_residents();
		pthread_mutex_lock(&keeper_lock);
		if (now >= due) {
			go = look_after(now);
			pause = view.h->n.accesses != accesses ? ROUND_NS : IDLE_NS;
			accesses = view.h->n.accesses;
			due = now + pause;
		} else if (atomic_load(&view.h->gone)) {
			go = true;
		} else {
			plans();
			fetch_look();
			near_look();
		}
		if (go)            /* with the lock: no thread links anything any more */
			return;
		pthread_mutex_unlock(&keeper_lock);
		struct timespec ts = { (time_t)(pause / 1000000000u), (long)(pause % 1000000000u) };
		atomic_store(&view.h->keeper_asleep, 1);
		syscall(SYS_futex, &view.h->keeper_bell, FUTEX_WAIT, bell, &ts, NULL, 0);
		atomic_store(&view.h->keeper_asleep, 0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		puts("usage: opt4d SESSION\n"
		     "The keeper of a session (a directory, see opt4 ls): fetches files before they are asked for, and tidies\n"
		     "up. Jobs start it themselves; it leaves with the last of them.");
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("opt4d " OPT4_VERSION);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--order"))
		return order(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "--size"))
		return size(argv[2], argv[3]);
	if (argc != 2 || *argv[1] == '-') {
		fprintf(stderr, "opt4d: usage: one session's directory is wanted; jobs start this program themselves\n");
		return 2;
	}
	conf_load();               /* before the folder is left: paths may be relative to it */
	if (conf.have_trace)       /* for the replays that it starts */
		setenv("OPT4_TRACE", conf.trace_path, 1);
	if (chdir("/") < 0)
		return 1;
	step_back();
	int rc = keeper_attach(argv[1]);
	if (rc == 0) {
		nodes_begin();
		rounds();
		nodes_end();
		spill_end();
		rebucket_over();
		keeper_detach();
		_exit(0);          /* threads may hang in a read for as long as the store likes */
	}
	if (rc != -EEXIST)
		fprintf(stderr, "opt4d: %s: %s; opt4 ls shows the sessions\n", argv[1], strerror(-rc));
	return rc == -EEXIST ? 0 : 1;
}
