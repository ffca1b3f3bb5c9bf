/* follow_walk.c - the geometry of a trace: segments, batches and the walk of one worker through them. */
#include "follow_walk.h"

bool walk_batch(const struct trace *t, uint32_t segment, uint32_t batch, uint32_t *start, uint32_t *end)
{
	if (segment >= t->h->nsegments || batch >= t->segments[segment].nbatches)
		return false;
	uint64_t i = (uint64_t)t->segments[segment].first_batch + batch;
	if (i >= t->h->nbatches)
		return false;
	uint64_t e = (uint64_t)t->batch_start[i] + t->batch_count[i];
	if (e > t->h->npos)
		return false;
	*start = t->batch_start[i];
	*end = (uint32_t)e;
	return true;
}

uint32_t walk_phase(const struct trace *t, uint32_t segment)
{
	if (segment >= t->h->nsegments || t->segments[segment].stream >= t->h->nstreams)
		return 0;
	return t->streams[t->segments[segment].stream].phase;
}

uint32_t walk_width(const struct follow *f, uint32_t segment)
{
	uint32_t seen = f->sh->width[walk_phase(f->t, segment) % FOLLOW_PHASES];
	if (seen)
		return seen;
	if (segment >= f->t->h->nsegments || f->t->segments[segment].stream >= f->t->h->nstreams)
		return 1;
	uint32_t w = f->t->streams[f->t->segments[segment].stream].workers;
	return w < 1 ? 1 : w > RUNS_MAX ? RUNS_MAX : w;
}

/* The batch of one segment that holds pos. */
static bool locate_in(const struct trace *t, uint32_t segment, uint32_t pos, uint32_t *batch)
{
	const struct trace_segment *s = &t->segments[segment];
	uint32_t lo = 0, hi = s->nbatches, start, end;
	while (lo < hi) {                  /* the last batch that starts at or before pos */
		uint32_t mid = lo + (hi - lo) / 2;
		if (!walk_batch(t, segment, mid, &start, &end))
			return false;
		if (start <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* An empty batch starts where the next one does: it may come after the one that holds pos. */
	for (uint32_t tries = 0; lo-- > 0 && tries < FOLLOW_NEAR; tries++) {
		if (!walk_batch(t, segment, lo, &start, &end))
			return false;
		if (start <= pos && pos < end) {
			*batch = lo;
			return true;
		}
		if (start < end)
			return false;
	}
	return false;
}

bool follow_locate(const struct trace *t, uint32_t pos, uint32_t *segment, uint32_t *batch)
{
	uint32_t lo = 0, hi = t->h->nsegments;
	while (lo < hi) {                  /* the last segment that starts at or before pos */
		uint32_t mid = lo + (hi - lo) / 2;
		if (t->segments[mid].first_pos <= pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* The ranks of one epoch interleave: it may be any of the segments of that group. */
	for (uint32_t tries = 0; lo-- > 0 && tries <= t->h->nstreams; tries++) {
		const struct trace_segment *s = &t->segments[lo];
		if (pos >= s->first_pos && pos < s->end_pos && locate_in(t, lo, pos, batch)) {
			*segment = lo;
			return true;
		}
	}
	return false;
}

bool walk_place(const struct trace *t, uint32_t pos, struct place *to)
{
	uint32_t start;
	struct place p = { .last = pos + 1 };
	if (!follow_locate(t, pos, &p.segment, &p.batch) || !walk_batch(t, p.segment, p.batch, &start, &p.end))
		return false;
	*to = p;
	return true;
}

/* The first access of the next batch of this walk that has any. */
static bool next_batch(const struct follow *f, const struct place *from, uint32_t width, struct place *to)
{
	uint64_t batch = from->batch;
	for (uint32_t tries = 0; tries < FOLLOW_NEAR; tries++) {
		uint32_t start, end;
		batch += width;
		if (batch > UINT32_MAX || !walk_batch(f->t, from->segment, (uint32_t)batch, &start, &end))
			return false;
		if (start < end) {
			*to = (struct place){ start + 1, end, from->segment, (uint32_t)batch };
			return true;
		}
	}
	return false;
}

bool walk_on(const struct follow *f, const struct place *from, uint32_t file, uint32_t look, struct place *to)
{
	struct place p = *from;
	if (p.last < p.end) {
		uint32_t stop = p.end - p.last > look ? p.last + look : p.end;
		for (uint32_t q = p.last; q < stop; q++)
			if (trace_at(f->t, q) == file) {
				p.last = q + 1;
				*to = p;
				return true;
			}
		return false;
	}
	if (next_batch(f, from, walk_width(f, from->segment), &p) && trace_at(f->t, p.last - 1) == file) {
		*to = p;
		return true;
	}
	return false;
}

uint32_t follow_expected(const struct follow *f, const struct run *r)
{
	struct place p = r->at;
	if (!p.last)
		return FILE_NONE;
	if (p.last < p.end)
		return trace_at(f->t, p.last);
	return next_batch(f, &p, walk_width(f, p.segment), &p) ? trace_at(f->t, p.last - 1) : FILE_NONE;
}

uint32_t walk_distance(const struct follow *f, const struct place *from, const struct place *to)
{
	uint32_t width = walk_width(f, from->segment), start, end;
	if (to->segment != from->segment || to->batch < from->batch || to->last <= from->last)
		return UINT32_MAX;
	if (to->batch == from->batch)
		return to->last - from->last - 1;
	if ((to->batch - from->batch) % width || !walk_batch(f->t, to->segment, to->batch, &start, &end))
		return UINT32_MAX;
	uint64_t left = from->end > from->last ? from->end - from->last : 0;
	uint64_t skipped = (uint64_t)((to->batch - from->batch) / width - 1) * (end - start);
	uint64_t d = left + skipped + (to->last - 1 - start);
	return d < UINT32_MAX ? (uint32_t)d : UINT32_MAX;
}

bool walk_back(const struct trace *t, struct place *at, uint32_t width)
{
	uint32_t start, end;
	if (!walk_batch(t, at->segment, at->batch, &start, &end))
		return false;
	if (at->last > start + 1) {
		at->last--;
		return true;
	}
	for (uint32_t tries = 0; tries < FOLLOW_NEAR && at->batch >= width; tries++) {
		at->batch -= width;
		if (!walk_batch(t, at->segment, at->batch, &start, &end))
			return false;
		if (start < end) {
			at->last = at->end = end;
			return true;
		}
	}
	return false;
}

static bool same_group(const struct trace *t, uint32_t a, uint32_t b)
{
	return t->segments[a].epoch == t->segments[b].epoch && walk_phase(t, a) == walk_phase(t, b);
}

uint32_t walk_group(const struct trace *t, uint32_t segment)
{
	if (segment >= t->h->nsegments)
		return t->h->nsegments;
	for (uint32_t n = t->h->nstreams; segment > 0 && n-- > 0 && same_group(t, segment - 1, segment); )
		segment--;
	return segment;
}

uint32_t walk_next_group(const struct trace *t, uint32_t segment)
{
	uint32_t s = segment, n = t->h->nstreams;
	if (s >= t->h->nsegments)
		return t->h->nsegments;
	do
		s++;
	while (s < t->h->nsegments && n-- > 0 && same_group(t, s, segment));
	return s;
}
