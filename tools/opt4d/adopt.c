/* adopt.c - what a keeper that was killed had written becomes ours: see log.c. Under keeper_lock. */
#include "opt4d.h"
#include "rebucket.h"

uint32_t adopt(uint32_t plan)
{
	const struct plan *p = &orders.plans[plan];
	uint32_t had = bucket_files(), seg;
	for (const struct found *f = log_left(); f; f = f->next) {
		for (uint32_t k = 0; k < f->npieces; k++)
			f->p[k].live = 0;
		for (uint32_t i = 0; i < f->nentries; i++)
			for (uint32_t k = 0; k < f->npieces; k++)
				f->p[k].live += f->e[i].at >= f->p[k].at && f->e[i].at - f->p[k].at < f->p[k].bytes;
		if (segment_adopt(f->no, f->p, f->npieces, f->place, &seg) < 0)
			continue;
		for (uint32_t i = 0; i < f->nentries; i++) {
			uint32_t file = trace_at(&p->trace, f->e[i].pos);
			bucket_adopt(file == FILE_NONE ? REC_NONE : p->map ? p->map[file] : file, &f->e[i], seg);
		}
	}
	log_forget();
	return bucket_files() - had;
}
