/* peer.c - a pool's servers as this node sees them, and connections to them. See nodes.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "nodes.h"

#define BACK_NS    1000000000ull   /* between two looks at a server that was never there yet: its node may start just now */
#define LONG_NS    60000000000ull  /* alive for so long, it has never been dead */
#define LEAST_NS   (DEAD_NS / 5)   /* a get's answer is waited for at least so long: a busy node is no dead one */
#define TRIES      3u              /* looks, BACK_NS apart and more, until it is said that it has never been there */
#define SKIPS      32u             /* of so many gets a server that is slower than the original is asked once */

struct peer nodes_peers[SERVERS_MAX];
uint32_t nodes_npeers;
pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;
struct secret nodes_key_of;
static double origin_ns;

#define LATE_MOST  64u

static struct late { struct peer *p; struct talk *t; uint64_t since; } late[LATE_MOST];

bool nodes_on(void) { return nodes_npeers && atomic_load_explicit(&view.h->pool_state, memory_order_relaxed) == POOL_ON; }

uint32_t nodes_homes(const char *key, struct peer *home[HOMES])
{
	uint64_t best[HOMES] = { 0 };
	uint32_t n = 0;
	pthread_mutex_lock(&nodes_lock);
	for (uint32_t i = 0; i < nodes_npeers; i++) {
		uint64_t suits = nodes_peers[i].alive ? server_suits(&nodes_peers[i].s, key) : 0;
		if (!nodes_peers[i].alive)
			continue;
		uint32_t at = n && suits <= best[0] ? 1 : 0;
		if (at == 1 && n == HOMES && suits <= best[1])
			continue;
		if (at == 0 && n) {
			best[1] = best[0];
			home[1] = home[0];
		}
		best[at] = suits;
		home[at] = &nodes_peers[i];
		n += n < HOMES;
	}
	pthread_mutex_unlock(&nodes_lock);
	return n;
}

struct talk *peer_take(struct peer *p, bool fresh, int *rc)
{
	struct talk *t = NULL;
	pthread_mutex_lock(&nodes_lock);
	if (!fresh && p->nidle)
		t = p->idle[--p->nidle];
	struct server s = p->s;
	pthread_mutex_unlock(&nodes_lock);
	if (t)
		return t;
	if (!(t = malloc(sizeof(*t)))) {
		*rc = -ENOMEM;
		return NULL;
	}
	if ((*rc = talk_open(t, &s, now_ns() + DEAD_NS)) == 0)
		return t;
	free(t);
	return NULL;
}

void peer_give(struct peer *p, struct talk *t, bool fine)
{
	pthread_mutex_lock(&nodes_lock);
	bool keep = fine && p->alive && p->nidle < IDLE_MOST;
	if (keep)
		p->idle[p->nidle++] = t;
	pthread_mutex_unlock(&nodes_lock);
	if (keep)
		return;
	talk_close(t);
	free(t);
}

void peer_dead(struct peer *p, const char *why)
{
	bool say;
	struct talk *idle[IDLE_MOST];
	uint32_t n;
	uint64_t now = now_ns(), wait;
	pthread_mutex_lock(&nodes_lock);
	bool was = p->alive;
	if (!p->ever)
		p->back_off = BACK_NS;
	else if (was)
		p->back_off = now - p->since > LONG_NS || !p->back_off ? AGAIN_NS : p->back_off * 2;
	else
		p->back_off *= 2;
	if (p->back_off > AGAIN_MOST)
		p->back_off = AGAIN_MOST;
	wait = p->back_off;
	p->due = now + wait;
	p->alive = false;
	p->mean_ns = 0;
	say = !p->said_dead && (p->ever || p->tries++ == TRIES);
	p->said_dead |= say;
	n = p->nidle;
	memcpy(idle, p->idle, sizeof(idle));
	p->nidle = 0;
	pthread_mutex_unlock(&nodes_lock);
	for (uint32_t i = 0; i < n; i++) {
		talk_close(idle[i]);
		free(idle[i]);
	}
	if (was)
		COUNT(view.h->pool_n.errors, 1);
	if (say)
		opt4_log("opt4: pool: %.80s: %.60s; its files are read of the store, it is asked again in %llu s", p->s.name, why,
			 (unsigned long long)(wait / 1000000000u));
}

void peer_back(struct peer *p)
{
	pthread_mutex_lock(&nodes_lock);
	if (!p->alive)
		p->since = now_ns();
	if (!p->ever)
		p->back_off = 0;
	p->alive = p->ever = true;
	pthread_mutex_unlock(&nodes_lock);
}

void peer_took(struct peer *p, uint64_t ns)
{
	pthread_mutex_lock(&nodes_lock);
	p->mean_ns = p->mean_ns > 0 ? p->mean_ns + ((double)ns - p->mean_ns) / 16 : (double)ns;
	pthread_mutex_unlock(&nodes_lock);
}

void nodes_origin_took(uint64_t ns)
{
	pthread_mutex_lock(&nodes_lock);
	origin_ns = origin_ns > 0 ? origin_ns + ((double)ns - origin_ns) / 16 : (double)ns;
	pthread_mutex_unlock(&nodes_lock);
}

uint64_t peer_patience(struct peer *p)
{
	uint64_t least = LEAST_NS, dead = DEAD_NS;
	pthread_mutex_lock(&nodes_lock);
	double most = 3 * p->mean_ns;
	bool slow = origin_ns > 0 && p->mean_ns > 3 * origin_ns + (double)least / 2;
	bool ask = !slow || p->skipped++ % SKIPS == 0;
	pthread_mutex_unlock(&nodes_lock);
	if (!ask)
		return 0;
	return most < (double)least ? least : most > (double)dead ? dead : (uint64_t)most;
}

void peer_failed(struct peer *p, struct talk *t, int rc, uint64_t since)
{
	if (rc == -ETIMEDOUT) {
		peer_took(p, now_ns() - since);
		peer_late(p, t, since);
		return;
	}
	peer_give(p, t, false);
	if (rc == -EPROTO)
		peer_dead(p, "answers as no memcached does");
	else
		peer_dead(p, strerror(-rc));
}

void peer_late(struct peer *p, struct talk *t, uint64_t since)
{
	COUNT(view.h->pool_n.hedged, 1);
	pthread_mutex_lock(&nodes_lock);
	for (uint32_t i = 0; i < LATE_MOST && t; i++)
		if (!late[i].t) {
			late[i] = (struct late){ p, t, since };
			t = NULL;
		}
	pthread_mutex_unlock(&nodes_lock);
	if (t)
		peer_give(p, t, false);    /* so many others tell, too */
}

void peers_late(uint64_t slept)
{
	for (uint32_t i = 0; i < LATE_MOST; i++) {
		pthread_mutex_lock(&nodes_lock);
		late[i].since += slept;
		struct late l = late[i];
		pthread_mutex_unlock(&nodes_lock);
		if (!l.t)
			continue;
		struct pollfd f = { .fd = l.t->fd, .events = POLLIN };
		bool answered = poll(&f, 1, 0) != 0, dead = !answered && now_ns() - l.since > DEAD_NS;
		if (!answered && !dead)
			continue;
		pthread_mutex_lock(&nodes_lock);
		late[i].t = NULL;
		pthread_mutex_unlock(&nodes_lock);
		peer_give(l.p, l.t, false);
		if (dead)
			peer_dead(l.p, "no answer in time");
	}
}

struct macs *nodes_macs(void)
{
	static __thread struct macs m;
	if (!m.names)
		m.names = mac_new(nodes_key_of.name);
	if (!m.values)
		m.values = mac_new(nodes_key_of.value);
	return m.names && m.values ? &m : NULL;
}
