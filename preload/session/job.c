/* job.c - who keeps the session alive: the first preloaded process of a tree is the job. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "parts.h"

static struct proc_id job;     /* ours; pid 0: none */

const struct proc_id *job_orphan(void)
{
	/* Its children learn it by fork. Not by setenv(): a thread of the program may be reading the environment. */
	if (!job.pid || !proc_alive(job.pid, job.start, job.pidns))
		job = *proc_self();
	return &job;
}

bool job_named(struct proc_id *p)
{
	const char *s = getenv("OPT4_JOB");
	char *end;
	*p = *proc_self();
	p->pid = s ? (uint32_t)strtoul(s, &end, 10) : 0;
	p->start = s && *end == ':' ? strtoull(end + 1, NULL, 10) : 0;
	return p->pid && proc_alive(p->pid, p->start, p->pidns);
}

struct job *job_find(const struct proc_id *p)
{
	for (struct job *j = view.h->jobs; j < view.h->jobs + JOBS_MAX; j++)
		if (j->pid == p->pid && j->start == p->start && j->pidns == p->pidns)
			return j;
	return NULL;
}

void session_job_begin(void)
{
	if (job_named(&job))
		return;
	char mine[64];
	job = *proc_self();
	snprintf(mine, sizeof(mine), "%u:%llu", job.pid, (unsigned long long)job.start);
	setenv("OPT4_JOB", mine, 1);
}

/* The job's own process goes: its entry with it, and the session when it was the last. */
static void job_end(void)
{
	struct index_header *h = view.h;
	struct job *own = job_find(&job);
	if (own)
		memset(own, 0, sizeof(*own));
	if (*conf.stats)
		stats_write(conf.stats);
	if (h->keep)
		return;
	/* Ours is gone before we look for others: of two that end at once, one at least finds nobody. */
	atomic_thread_fence(memory_order_seq_cst);
	if (index_live())
		return;
	int lock = dir_lock(view.dir);
	if (lock < 0)
		return;            /* the next run finds it dead */
	if (!index_live() && index_here()) { /* nobody came meanwhile, and the folder is still ours */
		atomic_store(&h->gone, 1);
		keeper_dismiss();  /* else it might link one more object while the folders go */
		dir_clear(view.dir, CLEAR_ALL);
	}
	dir_unlock(lock);
}

static bool own_job(void) { return job.pid && (uint32_t)getpid() == job.pid && proc_self()->pid == job.pid; }

void session_over(void)
{
	if (view.h && own_job() && !atomic_load(&view.h->gone))
		job_end();
}

/* Does nothing else run in this process? The directory of its threads has a link each. */
static bool alone(void)
{
	struct stat st;
	return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

void session_leave(void)
{
	struct calm calm;
	if (!conf.active)
		return;
	calm_begin(&calm);
	opt4_inside++;
	if (view.h && view.slot < SLOTS_MAX) {
		struct slot *s = &view.slots[view.slot];
		if (s->joined && session_lock()) {
			stream_leave(view.slot);
			orders.run = orders.live_run = NULL;
			orders.live_plan = s->plan_run = s->live_plan = s->live_run = s->joined = 0;
			session_unlock();
		}
		/* Other threads may be in the middle of a fill, and end there: then the slot is a dead process's, and is buried. */
		if (alone()) {
			orders.run = NULL;
			slot_leave();
			view.attached = false;
		}
	}
	if (own_job()) {
		char dir[PATH_BYTES];
		/* it may never have opened a dataset file itself: its workers did */
		if (!view.h && dir_name(dir, sizeof(dir), false, false) == 0 && dir_secure(dir, false) == 0)
			index_map(dir);
		if (view.h && !atomic_load(&view.h->gone))
			job_end();
		job.pid = 0;
	}
	opt4_inside--;
	calm_end(&calm);
}
