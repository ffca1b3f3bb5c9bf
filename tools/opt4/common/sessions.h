/* sessions.h - the sessions on this machine. A function that looks at one maps it for the time of its look: none may
 * be mapped when it is called. */
#ifndef OPT4_SESSIONS_H
#define OPT4_SESSIONS_H

#include <stdbool.h>

struct session_info {
	char dir[4096], root[4096], ssd[4096];   /* ssd: the second tier's folder; "" none */
	bool valid;                       /* of this version and boot; else only dir is set */
	bool live, keep;                  /* a job of it lives; it stays for the next job */
	unsigned long long bytes, ssd_bytes;   /* of memory and of the second tier, in whole pages */
};

/* Calls `each` for every session of this user (and OPT4_DIR's); returns how many. */
int sessions_each(int (*each)(const struct session_info *, void *), void *arg);

/* Removes, without a word, the sessions whose jobs were all killed with nobody left to do it. */
void sessions_sweep(void);

/* The directory that a SESSION argument means: itself if it has a slash, else below this user's. */
void session_path(const char *name, char dir[4096]);

/* SESSION argument (a directory, a name as `opt4 ls` prints it, or NULL: the only one) to its directory. 0, or an exit
 * status: it has been said then what is wrong. */
int session_named(const char *name, char dir[4096]);

#endif
