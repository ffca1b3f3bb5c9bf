/* result.c - see result.h. */
#include "result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "record.h"
#include "told.h"

/* Where there are more a session's own last lines have more to say. */
#define SAID 128
static char said[SAID][LOG_BYTES];
static unsigned nsaid;

static void say_once(const char *line)
{
	char text[LOG_BYTES];
	snprintf(text, sizeof(text), "%s", line);
	for (unsigned i = 0; i < nsaid; i++)
		if (!strcmp(said[i], text))
			return;
	if (nsaid < SAID)
		strcpy(said[nsaid++], text);
	fprintf(stderr, "%s\n", text);
}

/* Sessions belong to users: an entry point may have dropped root before it made one. */
static bool be(uid_t uid) { return geteuid() == uid || (seteuid(getuid()) == 0 && (uid == geteuid() || seteuid(uid) == 0)); }

void result_hold(const char *dir, uid_t uid)
{
	if (be(uid))
		session_hold(dir);
	be(getuid());
}

/* Maps the nth session that was told of; the one after the last is that of the roots as they are now, if none was told of.
 * 0; -ENOENT: there is no nth; or -errno. */
static int visit(unsigned n)
{
	char dir[PATH_BYTES];
	struct told_session s;
	int rc;
	if (told_session(n, &s)) {
		if (!be(s.uid))
			return -EPERM;
		rc = dir_secure(s.dir, false);
		rc = rc == 0 ? index_map(s.dir) : rc;
		return rc == -ENOENT ? -ESTALE : rc;
	}
	if (n)
		return -ENOENT;
	record_root();
	if (!conf_active() || dir_name(dir, sizeof(dir), false, false) < 0 || dir_secure(dir, false) < 0)
		return -ENOENT;
	return index_map(dir) < 0 ? -ENOENT : 0;
}

static void leave(void)
{
	view_unmap();
	be(getuid());
}

/* The one that was asked for most stays mapped; false: there is none. */
static bool visit_main(void)
{
	uint64_t most = 0;
	unsigned best = 0;
	bool any = false;
	for (unsigned n = 0; visit(n) != -ENOENT; n++) {
		if (view.h && (!any || view.h->n.accesses > most)) {
			most = view.h->n.accesses;
			best = n;
			any = true;
		}
		leave();
	}
	if (any && visit(best) == 0)
		return true;
	leave();
	return false;
}

static void say_session(void)
{
	char a[16], b[16], c[16];
	const struct index_header *h = view.h;
	const struct counters *n = &h->n;
	fprintf(stderr, "opt4: %llu accesses: %llu hits, %llu late, %llu misses; reuse ratio %.3f\n", (unsigned long long)n->accesses,
		(unsigned long long)n->hits, (unsigned long long)n->late, (unsigned long long)n->misses,
		n->accesses ? 1 - (double)session_reads() / (double)n->accesses : 0.0);
	fprintf(stderr, "opt4: read %s of the store for %s asked for; cache %s, policy %s\n", size_text(a, n->origin_bytes),
		size_text(b, n->hit_bytes + n->miss_bytes), size_text(c, h->account[TIER_RAM].budget * PAGE), h->policy);
	if (*h->ssd_dir) {
		const struct tier_account *ssd = &h->account[TIER_SSD];
		fprintf(stderr, "opt4: of the hits %llu on the SSD; %s there of %s, %s written\n", (unsigned long long)ssd->hits,
			size_text(a, ssd->charged * PAGE), size_text(b, ssd->budget * PAGE), size_text(c, ssd->written_bytes));
	}
	if (h->bucket_written)
		fprintf(stderr, "opt4: %s read from buckets, %s written there in the order of the next epoch\n", size_text(a, h->bucket_read),
			size_text(b, h->bucket_written));
	if (h->pool_servers) {
		uint32_t servers = h->pool_servers < POOL_MAX ? h->pool_servers : POOL_MAX, alive = 0;
		for (uint32_t i = 0; i < servers; i++)
			alive += h->pool_server[i].alive != 0;
		fprintf(stderr, "opt4: the pool gave %llu files, %s, and was given %s; %u of its %u servers alive\n", (unsigned long long)h->pool_n.hits,
			size_text(a, h->pool_n.hit_bytes), size_text(b, h->pool_n.set_bytes), alive, servers);
	}
	for (uint32_t p = 0; p < h->nplans; p++)
		if (plan_map(p) == 0 && orders.plans[p].follow.sh->gate_shut && !h->plans[p].gen)
			fprintf(stderr, "opt4: %s: the job did not follow this trace (gate shut); it was cached as by keep\n", h->plans[p].path);
	uint32_t lines = h->log_next < LOG_LINES ? h->log_next : LOG_LINES;
	for (uint32_t i = h->log_next - lines; i != h->log_next; i++)
		say_once(h->log[i % LOG_LINES]);
}

bool result_advice(char *line, uint64_t *accesses)
{
	bool any = visit_main();
	*accesses = any ? view.h->n.accesses : 0;
	for (uint32_t p = 0; any && p < view.h->nplans; p++)
		plan_map(p);
	any = any && session_advice(line);
	leave();
	return any;
}

static bool wanted_off(void)
{
	const char *disable = getenv("OPT4_DISABLE");
	return (disable && !strcmp(disable, "1")) || !strcmp(conf.policy, "none");
}

/* No session was made. */
static void say_why(void)
{
	bool found = conf_active() || getenv("OPT4_TRACE"), searched = record_wants_root();
	if (!conf_active() && getenv("OPT4_ROOT"))
		fputs("opt4: run: OPT4_ROOT names no dataset: nothing was cached; name the folder of the images with --root\n", stderr);
	else if (told_reason(0))
		return;            /* that is why */
	else if (!proc_self()->start)
		fputs("opt4: run: no /proc here, which says who lives: nothing was cached; mount it\n", stderr);
	else if ((found || searched) && told_listens() && !told_loaded())
		fputs("opt4: run: the library came into no process of the job: nothing was cached; a static program, one with more rights, a "
		      "container or another host needs an opt4 run where the training program itself starts\n", stderr);
	else if (searched && told_listens() && !told_python())
		fputs("opt4: run: Python did not run here with opt4 in it (LD_PRELOAD set anew, a container, another host?): nothing was "
		      "cached; put opt4 run right before python, or name the dataset with --root\n", stderr);
	else if (found)
		fputs("opt4: no file of the dataset was read through the cache\n", stderr);
	else if (searched && told_listens() && !told_looked())
		fputs("opt4: run: no DataLoader of torch's was seen (python -E, -I or -S, PYTHONPATH set anew, or none there): nothing was "
		      "cached; name the dataset with --root\n", stderr);
	else if (searched)
		fputs("opt4: run: no DataLoader of torch's over a folder of images was seen; name the dataset with --root\n", stderr);
}

void result_say(void)
{
	const char *line;
	bool any = false;
	struct told_session s;
	int rc;
	for (unsigned n = 0; (rc = visit(n)) != -ENOENT; n++) {
		if (rc == 0) {
			any = true;
			say_session();
		} else if (told_session(n, &s)) {
			any = true;
			fprintf(stderr, "opt4: run: %s: %s: no figures of it\n", s.dir, rc == -ESTALE ? "it has been removed" :
				rc == -EPERM ? "another user's" : strerror(-rc));
		}
		leave();
	}
	be(getuid());
	if (!any && wanted_off())
		return;
	if (!any)
		say_why();
	for (unsigned n = 0; (line = told_reason(n)); n++)
		say_once(line);
}

/* Ours to write, not the library's: it could only log why it could not. */
bool result_stats(const char *file)
{
	if (!file)
		return true;
	if (!visit_main()) {
		fprintf(stderr, "opt4: --stats: %s: not written, since nothing was cached; opt4 doctor looks for the reason\n", file);
		return true;
	}
	for (uint32_t p = 0; p < view.h->nplans; p++)
		plan_map(p);       /* with its owner's rights; the file with ours */
	be(getuid());
	int rc = stats_write(file);
	*conf.stats = 0;
	view_unmap();
	if (rc < 0)
		fail("--stats: %s: %s; name a file that can be written", file, strerror(-rc));
	return rc == 0;
}

bool result_record(void)
{
	bool session = visit_main();
	if (session && geteuid() != getuid())
		record_give(geteuid());
	bool written = record_write(session);
	leave();
	return written;
}

void result_over(void)
{
	int rc;
	for (unsigned n = 0; (rc = visit(n)) != -ENOENT; n++) {
		if (rc == 0)
			session_over();
		view_unmap();
		if (rc == -ESTALE)     /* hidden for a while, and given up: as its owner */
			sessions_sweep();
		be(getuid());
	}
}
