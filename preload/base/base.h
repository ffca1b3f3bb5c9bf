/* base.h - the door of the ground floor: what the other houses build on, and what knows nothing of a session.
 *
 *     conf.h     the environment, read once; sizes and times as text
 *     trace.h    the trace file, mapped
 *     proc.h     who a process is, whether it lives; clocks
 *     memory.h   what the memory cgroups leave
 *     output.h   a file written whole or not at all
 *     json.h     strings of JSON
 *     preload.h  LD_PRELOAD, and which programs it can be meant for
 * and, here, messages, the thread's own mark, calm stretches, and a process that is nobody's child.
 *
 * No lock, no shared state; each may be called by any thread. */
#ifndef OPT4_BASE_H
#define OPT4_BASE_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "conf.h"
#include "json.h"
#include "memory.h"
#include "output.h"
#include "preload.h"
#include "proc.h"
#include "trace.h"

/* > 0 while this thread is inside opt4. A hook that finds it set goes straight to the next definition:
 * our own I/O, and a signal handler that opens a file while its thread was inside. */
extern __thread int opt4_inside;

/* ---- page.c ---- */

/* What a file takes on tmpfs is counted in pages of this machine's kernel: 4 KiB, or 64 on some aarch64. Known before any
 * other constructor of ours runs; a power of two of 4 KiB to 1 MiB. */
extern uint32_t page_size, page_shift;
static inline uint64_t pages_of(uint64_t bytes) { return (bytes + page_size - 1) >> page_shift; }
/* An index that is mapped was made with pages of this size. False: there are none such. */
bool page_set(uint64_t bytes);

/* ---- log.c ---- */

#define LOG_LINES 64
#define LOG_BYTES 256

/* One line `opt4: what: why; what to do` to OPT4_LOG and the ring; what is said while there is no ring goes to opt4 run, and
 * into the ring when there is one. Never stdout, no stdio, no allocation; keeps errno. */
void opt4_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for a reason why the job gets less than it could: opt4 run hears of it at once, and says it once however many
 * processes find it. */
void note_reason(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Where the last lines are kept: whoever has a place for them says so, and takes it back (NULLs) before it is gone. Torn
 * lines are possible and harmless. */
void log_ring(_Atomic uint32_t *next, char (*lines)[LOG_BYTES]);
void log_settled(void);                    /* that place will stay: what was said before there was one goes there */

/* ---- tell.c ---- */

#define TELL_NAME   40
#define TELL_BYTES  4500         /* a message: token, letter, text */
#define TELL_SOCKET "said"
enum told {
	TOLD_LOADED = 'L',        /* the library is in a process; text: "python" in Python, else "" */
	TOLD_LOOKED = 'T',        /* the Python side looks at torch's loaders in a process */
	TOLD_FETCHES = 'F',       /* samples are fetched in a process, from now on */
	TOLD_SESSION = 'S',       /* a session was made or joined; its directory */
	TOLD_REASON = 'R',        /* a line as of note_reason() */
};

void tell_load(void);                      /* the environment says to whom; else nobody is told */
/* One datagram to `opt4 run`, a few us. False: nobody was told. Keeps errno. */
bool tell(enum told what, const char *text);
long tell_filters(void);                   /* this process's filters of system calls; -1: some */
/* Where it is told: by name in the abstract space, or in a folder. */
struct sockaddr_un;
socklen_t tell_address(struct sockaddr_un *to, const char *abstract, const char *folder);

/* ---- calm.c ---- */

/* Between begin and end none of the program's signal handlers runs on this thread, and a SIGXFSZ for what we write is
 * taken away again. Nests. Keeps errno. */
struct calm { sigset_t was; bool xfsz; };
void calm_begin(struct calm *c);
void calm_end(const struct calm *c);

/* ---- stack.c ---- */

/* Less is left of this thread's stack than the way to a session or a fetch may take: stay out of them. Two system calls.
 * A main thread's stack grows and is never small, but a handler's own is looked at. Keeps errno. */
bool stack_small(void);

/* ---- spawn.c ---- */

/* Starts `path` as a process of its own: not this one's child, no descriptor but 0-2 (/dev/null), its own session,
 * default signals but SIGINT, SIGHUP and SIGIO (ignored), nothing blocked. Blocks until it runs, without
 * copying page tables; no SIGCHLD, nothing for waitpid() in this process. 0 or -errno. */
int spawn_apart(const char *path, char *const argv[], char *const envp[]);

#endif
