/* expected.c - `expected SEED [SITUATION]`: loaders that take turns or run side by side, each with its order known for the
 * epoch that it is in and no further, against `keep` and against Belady with all of the future.
 *
 * The cache (expected_session.c) is the session's rule in little. All files are of one size. A fetch is what is not reused, ahead or not;
 * 0 stands for a look-ahead that is not played: longer than the cache, or of a loader without an end. */
#include "expected.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16u                  /* a worker reads so many in a row */

/* ---- what is read ---- */

struct step *steps;
uint32_t nsteps, nopens, nfiles, *orders[STREAMS][512];
static uint32_t parts, first_file[STREAMS], *draws[512], nepochs[STREAMS];
static struct buffer { uint32_t file[256], n; } buffer[STREAMS][2];
static uint64_t rng;

static uint32_t below(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rng >> 33) % n);
}

static uint32_t *draw(uint32_t n, bool sequential, uint32_t first)
{
	uint32_t *o = malloc(n * sizeof(*o));
	for (uint32_t i = 0; i < n; i++)
		o[i] = first + i;
	for (uint32_t i = n; !sequential && i > 1; i--) {
		uint32_t k = below(i), x = o[k];
		o[k] = o[i - 1];
		o[i - 1] = x;
	}
	return o;
}

/* Several passes over the loader's files, one after the other. */
static uint32_t *endless(const struct loader *l, uint32_t first)
{
	uint32_t *o = malloc(PASSES * l->n * sizeof(*o));
	for (uint32_t k = 0; k < PASSES; k++) {
		uint32_t *pass = draw(l->n, l->kind == ENDLESS_SEQUENTIAL, first);
		memcpy(o + k * l->n, pass, l->n * sizeof(*o));
		free(pass);
	}
	return o;
}

/* The next epoch of loader l. Ranks have their parts of one draw, one after the other. */
static uint32_t *next_epoch(const struct situation *s, uint32_t l)
{
	uint32_t before = 0, e = nepochs[l], n = s->loader[l].n, *o;
	if (s->loader[l].kind == HELD)
		return draw(n, true, l / 2 * n);
	if (s->loader[l].kind == FOLD) {
		o = draw(n, false, 0);
		for (uint32_t i = 0; i < n; i++)
			o[i] += o[i] >= l / 2 * (n / 3) ? n / 3 : 0;
		return o;
	}
	if (passes(s->loader[l].kind) > 1)
		return endless(&s->loader[l], first_file[l]);
	if (s->loader[l].kind < RANK)
		return draw(s->loader[l].n, s->loader[l].kind == SEQUENTIAL, first_file[l]);
	if (!draws[e])
		draws[e] = draw(parts ? parts : nfiles, false, 0);
	o = malloc(s->loader[l].n * sizeof(*o));
	for (uint32_t i = 0; i < l; i++)
		before += s->loader[i].n;
	memcpy(o, draws[e] + before, s->loader[l].n * sizeof(*o));
	return o;
}

/* Has this worker of a loader the file yet? Else it has it from now on, in place of the one that it has had for longest. */
static bool buffered(const struct loader *l, uint32_t loader, uint32_t pos, uint32_t file)
{
	struct buffer *b = &buffer[loader][pos / BATCH % l->partners];
	uint32_t room = l->n / 4;
	for (uint32_t i = 0; i < room && i < b->n; i++)
		if (b->file[i] == file)
			return true;
	b->file[b->n++ % room] = file;
	return false;
}

static void lay_out(const struct situation *s)
{
	uint32_t at[TRACKS] = { 0 }, pos[TRACKS] = { 0 }, end[TRACKS] = { 0 }, turn[STREAMS] = { 0 };
	nsteps = nopens = nfiles = parts = 0;
	memset(buffer, 0, sizeof(buffer));
	for (uint32_t l = 0; l < STREAMS; l++) {
		first_file[l] = s->loader[l].kind < RANK ? nfiles : 0;
		parts += s->loader[l].kind == PART ? 4 * s->loader[l].n : 0;
		nfiles += s->loader[l].kind == PART ? 4 * s->loader[l].n : s->loader[l].kind >= FOLD && l > 1 ? 0 : s->loader[l].n;
		nepochs[l] = 0;
	}
	steps = malloc((s->accesses + 256) * sizeof(*steps));
	while (nsteps < s->accesses)
		for (uint32_t t = 0; t < TRACKS && s->track[t].share; t++)
			for (uint32_t i = 0; i < s->track[t].share; i++) {
				const char *now = &s->track[t].turns[at[t]], *bar = strchr(s->track[t].turns, '|');
				uint32_t l = (uint32_t)(tolower(*now) - 'a'), loop = bar ? (uint32_t)(bar - s->track[t].turns) : 0;
				uint32_t base = turn[l] % passes(s->loader[l].kind) * s->loader[l].n;
				if (!pos[t] && !base)
					orders[l][nepochs[l]] = next_epoch(s, l), nepochs[l]++;
				struct step *a = &steps[nsteps++];
				*a = (struct step){ l, base + pos[t], orders[l][nepochs[l] - 1][base + pos[t]], nepochs[l] - 1, !pos[t] && !base, false, false, false };
				a->held = buffers(s->loader[l].kind) && buffered(&s->loader[l], l, pos[t], a->file);
				for (uint32_t k = 0; k < s->loader[l].partners && !buffers(s->loader[l].kind); k++)
					steps[nsteps++] = (struct step){ l, base + pos[t], first_file[l] + below(s->loader[l].n), nepochs[l] - 1, false, false, true, false };
				if (!pos[t])
					end[t] = s->anywhere ? s->loader[l].n / 6 + below(s->loader[l].n / 6 * 5) : s->loader[l].n / (*now < 'a' ? 4 : s->loader[l].kind == UNREAD ? 8 : 1);
				if (++pos[t] < end[t])
					continue;
				steps[nsteps - 1].ends = s->loader[l].kind != UNREAD && passes(s->loader[l].kind) == 1;
				turn[l]++;
				pos[t] = 0;
				at[t] = now[1] ? at[t] + 1 : loop;
				at[t] += s->track[t].turns[at[t]] == '|';
			}
	for (uint32_t i = 0; i < nsteps; i++)
		nopens += !steps[i].held;
}

static void forget(void)
{
	free(steps);
	for (uint32_t l = 0; l < STREAMS; l++)
		while (nepochs[l])
			free(orders[l][--nepochs[l]]), orders[l][nepochs[l]] = NULL;
	for (uint32_t e = 0; e < 512; e++)
		free(draws[e]), draws[e] = NULL;
}

/* ---- keep, and Belady with bypass ---- */

static double keep(uint32_t room)
{
	bool *in = calloc(nfiles, 1);
	uint32_t hits = 0;
	for (uint32_t i = 0; i < nsteps; i++) {
		if (steps[i].held)
			continue;
		hits += in[steps[i].file];
		if (!in[steps[i].file] && room)
			in[steps[i].file] = true, room--;
	}
	free(in);
	return (double)hits / nopens;
}

static double belady(uint32_t room)
{
	uint32_t *next = malloc(nsteps * sizeof(*next)), *last = malloc(nfiles * sizeof(*last)), hits = 0, used = 0;
	uint32_t *due = malloc(nfiles * sizeof(*due)); /* of a resident; 0: it is none */
	memset(last, 0xFF, nfiles * sizeof(*last));
	memset(due, 0, nfiles * sizeof(*due));
	for (uint32_t i = nsteps; i-- > 0;) {
		if (steps[i].held)
			continue;
		next[i] = last[steps[i].file];
		last[steps[i].file] = i;
	}
	for (uint32_t i = 0; i < nsteps; i++) {
		uint32_t f = steps[i].file, far = f;
		if (steps[i].held)
			continue;
		hits += due[f] != 0;
		if (due[f] || used < room) {
			used += !due[f];
			due[f] = next[i];
			continue;
		}
		due[f] = next[i];
		for (uint32_t v = 0; v < nfiles; v++)
			if (due[v] > due[far])
				far = v;
		due[far] = 0;
	}
	free(next);
	free(last);
	free(due);
	return (double)hits / nopens;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	int bad = 0;
	for (size_t k = 0; k < sizeof(situations) / sizeof(*situations); k++) {
		const struct situation *s = &situations[k];
		if (argc > 2 && strcmp(argv[2], s->name))
			continue;
		rng = seed * 0x9E3779B97F4A7C15u + k;
		lay_out(s);
		for (uint32_t tenth = 1; tenth < 10; tenth++) {
			static const uint32_t depths[] = { 0, 16, 64 };
			uint32_t room = nfiles * tenth / 10;
			double of_keep = keep(room), of_belady = belady(room), got[3] = { 0 };
			const char *wrong = "";
			for (int d = 0; d < (passes(s->loader[0].kind) > 1 ? 1 : 3); d++) {
				if (depths[d] > room)      /* nobody has so much ahead */
					continue;
				got[d] = expected(s, room, depths[d]);
				if (got[d] < of_keep - (s->under > 0 ? s->under : .005))
					wrong = "  below keep";
				else if (got[d] < s->of_opt * of_belady - .002)
					wrong = "  below Belady";
			}
			printf("%-38s c .%u: keep %.3f expected %.3f, ahead by 16 %.3f, by 64 %.3f Belady %.3f%s\n", s->name, tenth,
			       of_keep, got[0], got[1], got[2], of_belady, wrong);
			bad += *wrong != 0;
		}
		forget();
	}
	if (bad)
		fprintf(stderr, "expected: %d cells below what they should be; seed %llu\n", bad, (unsigned long long)seed);
	return bad != 0;
}
