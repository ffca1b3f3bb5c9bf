/* conf.h - the environment, read once. Process-private; constant after conf_load(). */
#ifndef OPT4_CONF_H
#define OPT4_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "trace.h"

#define CONF_GLOBS 32
#define CONF_ROOTS 16
#define POOL_SECRET ".opt4-pool"   /* the name of a pool's secret that nobody has named: after the trace's, or in the job's folder */

struct conf {
	bool loaded, active;
	char trace_path[4096];     /* absolute; "" = none */
	bool have_trace;           /* `trace` is open */
	struct trace trace;
	unsigned nroots;
	struct { char path[4096]; size_t len; char real[4096]; size_t real_len; bool real_known; } root[CONF_ROOTS];
	char cache[32];            /* as given; "" = default */
	char policy[16];           /* "" = default */
	char dir[4096];            /* "" = default */
	char ssd[4096];            /* the second tier's folder; "" = none */
	char ssd_size[32];         /* as given; "" = default */
	double ssd_writes;         /* times its disk's size that may be written there in a day; 0 = as often as it pays */
	char rebucket[4096];       /* where the next epoch is written down in its order; "" = nowhere */
	char pool[2048];           /* the pool's servers, as given; "" = none */
	char pool_secret[4096];    /* the file with the key of its hashes, absolute */
	uint64_t pool_wait_ns;     /* a server that has not answered after that is dead */
	bool pool_secret_given;    /* else it is made where it is not there */
	int prefetch;              /* -1 auto, 0 off, else batches */
	int direct;                /* -1 auto, 0 off, 1 on */
	int elevator;              /* likewise */
	uint64_t revalidate_ns;    /* UINT64_MAX never */
	bool revalidate_set;
	char stats[4096];
	bool keep;
	char log[4096];            /* "" silent */
	bool live;
	bool live_guess;           /* which is a guess */
	uint64_t live_bytes;       /* what the loader's dataset takes, in whole pages, where no trace says it; 0 unknown */
	uint64_t maxfile;          /* 0 = default */
	unsigned nglobs;
	char glob[CONF_GLOBS][64];
};
extern struct conf conf;

/* Reads the environment once. Called by the constructor and by the tools; no I/O, but for opening the
 * trace's header to learn its roots. Afterwards conf_active() says whether there is anything to do at
 * all in this program (a root is known, not OPT4_DISABLE, the program's name is in OPT4_PROGRAMS). */
void conf_load(void);
bool conf_active(void);
bool conf_live(void);                      /* OPT4_LIVE: learn the order from the running DataLoader */

/* A dataset's folder that was found while the program runs (absolute): a further root, unless it lies below one
 * already; the first, where there was none and conf_active() may become true by it (OPT4_ROOT is then set). False: it
 * is no root, or the library is to do nothing in this program. */
bool conf_add_root(const char *path);
/* The same for several, separated by colons, and without a change of the environment: other threads may be reading it. */
bool conf_add_roots(const char *list);
/* conf_load()'s: OPT4_ROOT, or what conf_add_roots() has in its place; NULL: neither. Those of the trace and of that list. */
const char *conf_root_list(void);
void conf_roots_load(void);
/* What that dataset takes in whole pages, or so, for a budget in percent: before the session is made. */
void conf_set_size(uint64_t bytes, bool guess);

/* Number of roots, and the nth as given (absolute, no trailing slash, normalised lexically) and its
 * realpath (computed at the first call, then kept; NULL if it does not exist). */
unsigned conf_nroots(void);
const char *conf_root(unsigned n, size_t *len);
const char *conf_root_real(unsigned n, size_t *len);

/* Could a path that ends in this byte name a dataset file at all? One table look-up, for a quick no. */
extern uint8_t conf_last_byte[256];
/* All may, while samples are fetched: what is opened then are their files. */
void conf_watch(bool on);
/* A file has been named that ends so. */
void conf_named(uint8_t last);
/* True: `opt4 run` was told of no folder, and what is opened while samples are fetched may tell one (OPT4_LIVE_ROOT). */
bool conf_may_learn(void);

/* "64M", "1.5G", "50%" (of `whole`; -EINVAL if whole is 0), "4096". 0 or -EINVAL. */
int parse_size(const char *s, uint64_t whole, uint64_t *bytes);
/* "10" (seconds), "10ms", "60s", "5m". 0 or -EINVAL. */
int parse_time(const char *s, uint64_t *ns);
/* A number, which may be a fraction (with a point, whatever the locale). 0 or -EINVAL. */
int parse_rate(const char *s, double *rate);
/* Does a file name (last component, any case) match OPT4_MATCH? */
bool conf_match(const char *name, size_t len);

#endif
