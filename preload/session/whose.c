/* whose.c - which record a path below a root is. */
#include <string.h>
#include "parts.h"

void whose_last_bytes(void)
{
	for (unsigned c = 0; c < 256; c++)
		if (atomic_load_explicit(&view.h->last_bytes[c / 32], memory_order_relaxed) >> (c % 32) & 1)
			conf_named((uint8_t)c);
}

static void name_last_byte(uint8_t c)
{
	uint32_t bit = 1u << (c % 32);
	conf_named(c);
	if (!(atomic_load_explicit(&view.h->last_bytes[c / 32], memory_order_relaxed) & bit))
		atomic_fetch_or(&view.h->last_bytes[c / 32], bit);
}

static bool matches(const char *rel, size_t len)
{
	const char *name = memrchr(rel, '/', len);
	name = name ? name + 1 : rel;
	return conf_match(name, len - (size_t)(name - rel));
}

static uint32_t record(unsigned root, const char *rel, size_t len, bool named)
{
	uint32_t f = FILE_NONE, rec = REC_NONE;
	if (conf.have_trace)
		f = trace_find(&conf.trace, root, rel, len);
	bool ours = f != FILE_NONE || matches(rel, len);
	if (!ours && !named && !conf_live())
		return REC_NONE;   /* nobody names others */
	if (!session_attach() || root >= CONF_ROOTS || !view.root_of[root])
		return REC_NONE;
	if (f != FILE_NONE && orders.own_plan) {
		const struct plan *p = &orders.plans[orders.own_plan - 1];
		rec = plan_rec(p, f);
		return rec < view.ncap && index_reserve(&view.rec[rec], sizeof(struct record)) ? rec : REC_NONE;
	}
	uint32_t r = view.root_of[root] - 1u;
	rec = names_find(r, rel, len);
	if (rec == REC_NONE && (ours || named) && session_lock()) {
		rec = names_add(r, rel, len);
		session_unlock();
		if (!ours && len)
			name_last_byte((uint8_t)rel[len - 1]);
	}
	return rec != REC_NONE && index_reserve(&view.rec[rec], sizeof(struct record)) ? rec : REC_NONE;
}

uint32_t session_record(unsigned root, const char *rel, size_t len) { return record(root, rel, len, false); }
uint32_t session_record_named(unsigned root, const char *rel, size_t len) { return record(root, rel, len, true); }
