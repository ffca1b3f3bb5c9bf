/* nodes.h - the parts of the keeper's pool among themselves.
 *
 * nodes.c       begins
 * peer.c       the servers: which are alive, whose home is where, connections
 * nodes_get.c   a file from the pool
 * nodes_put.c   what was read of the original goes there
 * nodes_key.c   under which key a file lies
 * nodes_watch.c a thread that looks after the servers
 *
 * `nodes_lock` guards all that is here; no call on the network is made under it. It is taken under keeper_lock, never the
 * other way round. */
#ifndef OPT4D_NODES_H
#define OPT4D_NODES_H

#include "../../wire/wire.h"
#include "../opt4d.h"

#define DEAD_NS    (view.h->pool_wait_ns)   /* a server that does not answer in this time (OPT4_POOL_WAIT) is dead, for .. */
#define AGAIN_NS   10000000000ull  /* .. so long, twice as long each time .. */
#define AGAIN_MOST 60000000000ull  /* .. up to this */
#define IDLE_MOST  16u             /* connections that are kept a server */
#define HOMES      2u              /* where a file can lie: its home, and where it goes when that is full */

struct peer {
	struct server s;
	struct talk *idle[IDLE_MOST];
	uint32_t nidle;
	bool alive, ever, said_dead, said_refused, said_large;
	uint64_t due, back_off, since;   /* dead: asked again at; alive since */
	uint64_t full_bytes, full_at;    /* what it had no room for; 0: it has room */
	double mean_ns;                  /* a get's answer */
	uint32_t skipped, tries;
};
extern struct peer nodes_peers[SERVERS_MAX];
extern uint32_t nodes_npeers;
extern pthread_mutex_t nodes_lock;
extern struct secret nodes_key_of;

/* The first two of the living for this key, home first. Their number. Takes nodes_lock. */
uint32_t nodes_homes(const char *key, struct peer *home[HOMES]);
/* A connection, idle or new; NULL: *rc says why. peer_give() takes it back; fine: it can be used again. */
struct talk *peer_take(struct peer *p, bool fresh, int *rc);
void peer_give(struct peer *p, struct talk *t, bool fine);
/* It does not answer: nobody asks it for a while. */
void peer_dead(struct peer *p, const char *why);
void peer_back(struct peer *p);
/* It has not answered on t yet, which was asked at `since`; whether it ever does decides if it is dead. Takes t. */
void peer_late(struct peer *p, struct talk *t, uint64_t since);
/* A get was answered, or given up, after so long. */
void peer_took(struct peer *p, uint64_t ns);
void peers_late(uint64_t slept);            /* looks whether they have; slept: so long this node was busy itself */
/* How long its answer is waited for, once; 0: it is slower than the original, ask that. */
uint64_t peer_patience(struct peer *p);
void peer_failed(struct peer *p, struct talk *t, int rc, uint64_t since);   /* after an error on t: takes it */

struct macs { struct mac *names, *values; };
struct macs *nodes_macs(void);              /* this thread's; NULL: no memory */
/* Under which key a file lies: the same on every node that sees the same file, whatever it was mounted as. False: none. */
bool nodes_key(char key[KEY_TEXT], struct macs *m, uint32_t rec, const struct origin *o);

/* nodes_put.c: puts that are under way end; 1 s at most */
void nodes_put_wait(void);

/* nodes_watch.c */
bool nodes_watch_begin(void);

#endif
