/* nodes_watch.c - one thread that looks after the servers: finds their addresses, asks each every second how it is, and those
 * that were dead when their time has come; waits for answers that nobody waits for any more. So no fetch ever waits for a
 * server that is not known to be alive. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "nodes.h"

#define ROUND_NS 20000000ull
#define LOOK_NS  1000000000ull
#define NAME_NS  10000000000ull    /* between two questions for a name that is not known */

static uint64_t looked[SERVERS_MAX], asked_name[SERVERS_MAX];

/* One look at a server; its figures to where everybody can see them. */
static void look(uint32_t i, uint64_t now)
{
	struct peer *p = &nodes_peers[i];
	struct pool_server *to = &view.h->pool_server[i];
	struct server_stats st = { 0 };
	int rc = 0;
	if (!p->s.at_bytes) {
		if (asked_name[i] && now - asked_name[i] < NAME_NS)
			return;
		asked_name[i] = now;
		struct server s = p->s;
		rc = server_resolve(&s);
		pthread_mutex_lock(&nodes_lock);
		p->s = s;
		pthread_mutex_unlock(&nodes_lock);
		if (rc < 0) {
			if (!p->said_dead)
				note_reason("opt4: pool: %.80s: no address is known for it; look at the name, and at /etc/hosts", p->s.name);
			p->said_dead = true;
			return;
		}
	}
	struct talk *t = peer_take(p, !p->alive, &rc);
	if (t)
		rc = talk_stats(t, &st, false, now_ns() + DEAD_NS);
	if (t && rc < 0 && p->alive && rc != -ETIMEDOUT) {   /* restarted meanwhile */
		peer_give(p, t, false);
		t = peer_take(p, true, &rc);
		rc = t ? talk_stats(t, &st, false, now_ns() + DEAD_NS) : rc;
	}
	if (t)
		peer_give(p, t, rc == 0);
	if (rc < 0) {
		peer_dead(p, rc == -ETIMEDOUT ? "no answer in time" : strerror(-rc));
		atomic_store(&to->alive, 0);
		return;
	}
	if (st.items < to->items / 2) {        /* it has been started anew: there is room again */
		pthread_mutex_lock(&nodes_lock);
		p->full_bytes = 0;
		pthread_mutex_unlock(&nodes_lock);
	}
	to->items = st.items;
	to->bytes = st.bytes;
	to->limit_bytes = st.limit;
	to->full = p->full_bytes != 0;
	peer_back(p);
}

static void *watch(void *arg)
{
	(void)arg;
	for (uint64_t due = now_ns();;) {
		uint64_t now = now_ns();
		uint32_t alive = 0;
		peers_late(now > due + ROUND_NS ? now - due : 0);
		for (uint32_t i = 0; i < nodes_npeers; i++) {
			struct peer *p = &nodes_peers[i];
			if (p->alive ? now - looked[i] >= LOOK_NS : now >= p->due) {
				look(i, now);
				looked[i] = now;
			}
			alive += p->alive;
			atomic_store(&view.h->pool_server[i].alive, p->alive);
		}
		uint32_t state = alive ? POOL_ON : POOL_OFF;
		if (atomic_load(&view.h->pool_state) != state) {
			atomic_store(&view.h->pool_state, state);
			keeper_ring();
		}
		due = now_ns() + ROUND_NS;
		nanosleep(&(struct timespec){ 0, ROUND_NS }, NULL);
	}
	return NULL;
}

bool nodes_watch_begin(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, watch, NULL))
		return false;
	pthread_detach(thread);
	return true;
}
