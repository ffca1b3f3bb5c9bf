/* parts.h - the session's parts among themselves; nobody else includes this. */
#ifndef OPT4_PARTS_H
#define OPT4_PARTS_H

#include "keeper.h"

/* ---- place.c ---- */
bool slot_claim(uint32_t kind);            /* kind as in layout.h; false: all taken by the living */
void slot_leave(void);                     /* ours is free again, if we have one */
/* Our job (OPT4_JOB=pid:start) into the table, so that the session lives as long as it. `locked`: the caller has the
 * directory's lock. 0; or -errno, the session may be gone. More jobs than there is room for are none. */
int register_job(bool locked);
void job_left(void);                       /* our job, if it is this process, is not this session's */

/* ---- attach.c ---- */
/* For a process that has no session mapped: evicts of the one at dir, by its policy, until `want` bytes are free on its tmpfs.
 * 0 or -errno: it has one, or that one can't be mapped. */
int session_visit_to_shrink(const char *dir, uint64_t want);

/* ---- whose.c ---- */
void whose_last_bytes(void);               /* what others named ends so: paths that do are looked at here, too */

/* ---- access.c ---- */
enum access_kind { ACCESS_HIT, ACCESS_LATE, ACCESS_MISS, ACCESS_BYPASS };
struct access {
	struct use use;            /* where the file is needed next */
	uint32_t epoch;
	bool first;                /* of this file */
	bool again;                /* the same access as the one before: opened again at once by this process */
	bool wake;                 /* the keeper waits for the front to have come this far */
	bool gate_shut;            /* `opt`, and the trace is not what is followed: evict nothing for it */
};
/* One access of ours to rec by the name of record `name`, under the lock: follower, and the policy if it is resident. */
void access_begin(uint32_t rec, uint32_t name, struct access *a);
/* The file of an order by which that access goes: the name's; where it does not come in it, the object's. Under the lock. */
uint32_t access_file(uint32_t plan, uint32_t rec, uint32_t name);
/* Into the counters; with or without the lock. `read`: bytes that we read of the original for it. */
void access_count(const struct access *a, enum access_kind kind, uint32_t rec, uint64_t bytes, uint64_t waited_ns);

/* ---- change.c ---- */
bool look_due(const struct resident *r, uint64_t now);   /* is the original to be looked at, going by r->checked? */

/* ---- link.c: several names of one file ---- */
/* The record that has, or is to have, the object of `name`, whose file o was seen of just now: as a rule `name`. A look into memory, but for files
 * that have several names: a stat and a statfs for each when it is seen first. No lock held. */
uint32_t link_settle(uint32_t name, const struct origin *o);
/* Under the lock: rec is about to be filled. rec; or another that is resident or being filled with this very file. */
uint32_t link_stand(uint32_t rec, const struct origin *o);
/* What the name leads to has changed, or it leads elsewhere. Returns the record that had its object. */
uint32_t link_part(uint32_t name);
/* Looks for the object of `name`, a twin, as session_open() does. 0: r is it, and what the name leads to; -ENOENT; -ESTALE. */
int link_open(uint32_t name, int dirfd, const char *path, int flags, struct resident *r);

/* ---- object.c ---- */
/* Opens a resident's object, r as record_read() gave it (it is read anew where the object has moved meanwhile). A descriptor
 * or -errno, of which -ENOENT: it is not there. From the SSD of an earlier session: only after a look at its bytes. */
int object_open(uint32_t rec, struct resident *r, int flags);

/* ---- ask.c ---- */
/* With a pool: asks the keeper for a file that is not resident. True: it has it, or is fetching it now. Waits for that twice OPT4_POOL_WAIT at most;
 * false at once where there is no pool to ask. */
bool ask_keeper(uint32_t rec, uint64_t bytes);

/* ---- copy.c ---- */
/* One of the few transfer buffers of this process, of FILL_BUFFER bytes; NULL: all in use. */
#define FILL_BUFFER (128u << 10)
char *fill_buffer(int *which);
void fill_buffer_done(int which);
void fill_after_fork(void);                /* in the child: transfer buffers of threads that it does not have */

/* ---- job.c ---- */
bool job_named(struct proc_id *p);         /* the job that OPT4_JOB (pid:start) names, into *p; false: it is gone, or none is named */
struct job *job_find(const struct proc_id *p); /* its entry in the session's table, or NULL */
const struct proc_id *job_orphan(void);    /* an orphan of its job is a job of its own */

#endif
