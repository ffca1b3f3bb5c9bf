/* nodes.c - the pool's beginning and end. See nodes.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "nodes.h"

#define STEP       1000000
#define FIRST_LOOK 300000000       /* ns: a name may take longer to be found */

/* The pool can't be used at all: said once, and the job is served as without. */
static void off(const char *what, const char *why)
{
	note_reason("opt4: pool: %.120s: %.110s", what, why);
	atomic_store(&view.h->pool_state, POOL_OFF);
}

static bool get_secret(void)
{
	char why[160];
	const char *file = view.h->pool_secret;
	if (!view.h->pool_secret_given && access(file, F_OK) < 0)
		secret_make(file);
	if (secret_read(file, &nodes_key_of, why) == 0)
		return true;
	off(*file ? file : "OPT4_POOL_SECRET", why);
	return false;
}

void nodes_begin(void)
{
	char list[4096], why[160];
	uint32_t state = atomic_load(&view.h->pool_state);
	if (state == POOL_NONE)
		return;
	snprintf(list, sizeof(list), "%.*s", (int)sizeof(view.h->pool) - 1, view.h->pool);
	if (!strcmp(list, "auto") && servers_auto(list, sizeof(list), why) < 0) {
		off("auto", why);
		return;
	}
	static struct server s[SERVERS_MAX];
	int n = servers_parse(list, s, why);
	if (n < 0) {
		off("OPT4_POOL", why);
		return;
	}
	int rc = mac_load();
	if (rc < 0) {
		off("libcrypto", rc == -ENOENT ? "not found, so no value could be checked; apt-get install libssl3" : "its SipHash is not SipHash; install another");
		return;
	}
	if (!get_secret())
		return;
	for (int i = 0; i < n; i++) {
		nodes_peers[i].s = s[i];
		memcpy(view.h->pool_server[i].address, s[i].name, sizeof(s[i].name));
	}
	atomic_store(&view.h->keeper_beat, now_coarse());   /* whoever asks sees that there is a keeper */
	nodes_npeers = (uint32_t)n;
	view.h->pool_servers = (uint32_t)n;
	if (!nodes_watch_begin()) {
		off("keeper", "no thread for it");
		return;
	}
	/* what is fetched before the servers have been looked at is fetched past them */
	for (int i = 0; i < FIRST_LOOK / STEP && atomic_load(&view.h->pool_state) == POOL_COMING; i++)
		nanosleep(&(struct timespec){ 0, STEP }, NULL);
}

/* Who asks next waits for the keeper that comes after this one. */
void nodes_end(void)
{
	uint32_t on = POOL_ON;
	nodes_put_wait();
	if (atomic_compare_exchange_strong(&view.h->pool_state, &on, POOL_COMING))
		atomic_store(&view.h->pool_since, 0);
}
