/* adopt.c - what a keeper that was killed had written becomes ours: see log.c. Under keeper_lock. */
#include "../opt4d.h"
#include "rebucket.h"

static bool of_piece(const struct entry *e, const struct piece *p)
{
	return p->bucket != PIECE_GONE && e->at >= p->at && e->at - p->at < p->bytes;
}

uint32_t adopt(uint32_t plan)
{
	const struct plan *p = &orders.plans[plan];
	uint32_t had = bucket_files(), seg;
	for (const struct found *f = log_left(); f; f = f->next) {
		for (uint32_t k = 0; k < f->npieces; k++)
			f->p[k].live = 0;
		for (uint32_t i = 0; i < f->nentries; i++)
			for (uint32_t k = 0; k < f->npieces; k++)
				f->p[k].live += of_piece(&f->e[i], &f->p[k]);
		if (segment_adopt(f->no, f->p, f->npieces, f->place, &seg) < 0)
			continue;
		for (uint32_t i = 0; i < f->nentries; i++) {
			bool there = false;
			for (uint32_t k = 0; k < f->npieces; k++)
				there |= of_piece(&f->e[i], &f->p[k]);
			if (!there)
				continue;
			uint32_t file = trace_at(&p->trace, f->e[i].pos);
			bucket_adopt(file == FILE_NONE ? REC_NONE : plan_rec(p, file), &f->e[i], seg);
		}
	}
	log_forget();
	return bucket_files() - had;
}
