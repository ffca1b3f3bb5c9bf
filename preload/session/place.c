/* place.c - a process's place in the session: its slot, its job's entry, and that it lives. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "parts.h"

/* A forked child has not got what its parent holds: another may be mapped there. */
static struct { void *slot, *job; pid_t pid; } held;

static void forget_held(void)
{
	if (held.pid == getpid())
		return;
	held.slot = held.job = NULL;
	held.pid = getpid();
}

static void hold_slot(uint32_t i)
{
	forget_held();
	alive_drop(held.slot);
	held.slot = alive_hold(ALIVE_SLOT(i));
	view.slots[i].held = held.slot != NULL;
}

void slot_leave(void)
{
	if (view.h && view.slot < SLOTS_MAX)
		atomic_store(&view.slots[view.slot].pid, 0);
	view.slot = SLOTS_MAX;
	forget_held();
	alive_drop(held.slot);
	held.slot = NULL;
}

bool slot_claim(uint32_t kind)
{
	const struct proc_id *me = proc_self();
	if (!me->start)
		return false;      /* others would take us for dead */
	for (int again = 0; again < 2; again++) {
		for (uint32_t i = 0; i < SLOTS_MAX; i++) {
			struct slot *s = &view.slots[i];
			uint32_t none = 0;
			if (atomic_load(&s->pid) || !atomic_compare_exchange_strong(&s->pid, &none, UINT32_MAX))
				continue;
			uint32_t claims = atomic_load(&s->claims) + 1;
			memset((char *)s + sizeof(s->pid), 0, sizeof(*s) - sizeof(s->pid));
			atomic_store(&s->claims, claims);
			s->start = me->start;
			s->pidns = me->pidns;
			s->kind = kind;
			hold_slot(i);
			atomic_store(&s->pid, me->pid);
			view.slot = i;
			for (uint32_t hi = view.h->slots_hi; hi <= i && !atomic_compare_exchange_weak(&view.h->slots_hi, &hi, i + 1);)
				;
			return true;
		}
		repair_bury();     /* slots of the dead are free again */
	}
	return false;
}

/* The job's own process says that it lives. */
static bool join_job(struct job *j)
{
	if (!j)
		return false;
	uint32_t n = (uint32_t)(j - view.h->jobs);
	view.slots[view.slot].job = n + 1;
	forget_held();
	if (j->pid == (uint32_t)held.pid && j->pidns == proc_self()->pidns && !held.job)
		held.job = alive_hold(ALIVE_JOB(n));
	return true;
}

/* The last job to leave looks at the table for the last time under the directory's lock: so new ones come into it under
 * that, too. */
int register_job(bool locked)
{
	struct proc_id job;
	if (!job_named(&job))
		job = *job_orphan();
	if (join_job(job_find(&job)))
		return 0;
	int lock = locked ? -1 : dir_lock(view.dir), rc = -EAGAIN;
	bool came = false;
	if (!locked && lock < 0)
		return lock;
	if (session_lock()) {      /* not that of one that is gone */
		struct job *free_job = NULL;
		for (int i = 0; i < JOBS_MAX && !free_job; i++) {
			struct job *j = &view.h->jobs[i];
			if (!job_alive(j))
				free_job = j;
		}
		if (free_job && !join_job(job_find(&job))) {
			*free_job = (struct job){ .pid = job.pid, .had_client = 1, .start = job.start, .pidns = job.pidns };
			join_job(free_job);
			came = !locked;
		}
		session_unlock();
		rc = 0;
	}
	if (came)
		ssd_asked();
	if (lock >= 0)
		dir_unlock(lock);
	return rc;
}

void job_left(void)
{
	forget_held();
	alive_drop(held.job);
	held.job = NULL;
}

void session_hold(const char *dir)
{
	if (view.h)
		return;
	if (keeper_visit(dir, 2) == 0)
		register_job(false);
	held.job = NULL;           /* stays held, whatever other sessions there are */
	slot_leave();
	view_unmap();
}
