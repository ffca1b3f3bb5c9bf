/* idle.c - memory that nobody seems to want is given back: of a session that is not read any more, little by little, and
 * of files that nobody asked for while the others were asked for again and again (a job that keeps what it decoded). Who
 * asks for them after all pays a miss. */
#include "opt4d.h"

#define QUIET_NS   60000000000ull  /* without an access, before the first is given back .. */
#define EPOCH_NS  600000000000ull  /* .. in the middle of an epoch */
#define STEP_NS    5000000000ull   /* between two shares */
#define SHARE      8u
#define LEAST      pages_of(1u << 20)
#define TIMES      4u              /* the others were asked for this often, on average */
#define WALK       65536u          /* records a round */

/* A job that has an order, and is not at its end, will come back. */
static bool in_an_epoch(void)
{
	for (uint32_t n = 0; n < index_plans(); n++) {
		const struct plan *p = &orders.plans[n];
		if (p->mapped && !view.h->plans[n].ended && !p->follow.sh->gate_shut && p->follow.sh->front &&
		    p->follow.sh->front + 1 < p->trace.h->npos)
			return true;
	}
	return false;
}

static void quiet(uint64_t now)
{
	static uint64_t accesses, since, next;
	if (!since || view.h->n.accesses != accesses) {
		accesses = view.h->n.accesses;
		since = now;
		return;
	}
	if (!view.h->account[TIER_RAM].resident || now - since < (in_an_epoch() ? EPOCH_NS : QUIET_NS) || now < next)
		return;
	next = now + STEP_NS;
	uint64_t pages = atomic_load(&view.h->account[TIER_RAM].charged) / SHARE;
	victims_give_back(pages > LEAST ? pages : LEAST);
}

/* Does an order say when it will be read? Of a stream that is over, and overdue if ever it came again, nothing is to be expected. */
static bool due(struct use u) { return u.pos < POS_MAX && !(u.axis < index_plans() && round_over(u.axis)); }

static void unwanted(void)
{
	static uint32_t at;
	uint32_t files = index_files(), words = (files + 63) / 64, now = (uint32_t)COUNTED(view.h->n.accesses);
	for (uint32_t i = 0; i < WALK / 64 && i < words; i++, at++) {
		at = at < words ? at : 0;
		for (uint64_t bits = view.touched[at]; bits; bits &= bits - 1) {
			uint32_t rec = at * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rec < files && rec_state(rec) == REC_RESIDENT && !due(view.rec[rec].use) &&
			    now - view.rec[rec].asked > (uint64_t)TIMES * files)
				record_drop(rec);
		}
	}
}

void idle_look(uint64_t now)
{
	quiet(now);
	unwanted();
}
