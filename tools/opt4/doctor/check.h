/* check.h - a check of the doctor's: what it is told, and how it says what it found. */
#ifndef OPT4_DOCTOR_CHECK_H
#define OPT4_DOCTOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

enum verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor {
	const char *trace;               /* --trace or OPT4_TRACE; NULL: none */
	const char *roots;               /* --root or OPT4_ROOT, `:` between; NULL: the trace's */
	const char *pool;                /* --pool or OPT4_POOL; NULL: none */
	const char *ssd;                 /* --ssd or OPT4_SSD; NULL: none */
	const char *cache;               /* OPT4_CACHE; NULL: the default */
	unsigned long long dataset;      /* bytes of the trace's files in whole pages; 0: not known */
	unsigned files;                  /* the trace's; 0: not known */
	char python[4096];               /* the job's interpreter, "" if there is none */
	char torch[64];                  /* its torch's version, "" if it has none */
	unsigned bad;                    /* lines so far that say so */
};

/* One line of the result on stdout: `bad   /dev/shm     why; what to do`. */
void doctor_say(struct doctor *d, enum verdict v, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Is this a size as OPT4_CACHE takes it? */
bool doctor_is_size(const char *v);

/* Each says what it found. Called in this order: the trace tells memory how much is wanted. */
void doctor_environment(struct doctor *d);
void doctor_library(struct doctor *d);
void doctor_keeper(struct doctor *d);
void doctor_python(struct doctor *d);     /* sets python, torch */
void doctor_trace(struct doctor *d);      /* sets dataset, files */
void doctor_roots(struct doctor *d);
void doctor_shm(struct doctor *d);
void doctor_pages(struct doctor *d);
void doctor_cgroup(struct doctor *d);
void doctor_swap(struct doctor *d);
void doctor_ssd(struct doctor *d);
void doctor_sessions(struct doctor *d);
void doctor_pool(struct doctor *d);

/* The bytes the cache would take: OPT4_CACHE, or the default's upper end for this much free room. 0: none. */
unsigned long long doctor_budget(const struct doctor *d, unsigned long long room);

struct doctor_mount { char point[4096], type[64], options[512]; };   /* options: `,rw,size=1G,` */

/* The file system that holds `path`, by the longest mount point above it. False: not known. */
bool doctor_mount(const char *path, struct doctor_mount *m);

#endif
