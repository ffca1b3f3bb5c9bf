/* limits.c - `limits SEED`: the policies where something is full: fifo's ring, lfu's counts. */
#include "../../policy/policy.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(x) do { if (!(x)) { fprintf(stderr, "limits: line %d: %s\n", __LINE__, #x); exit(1); } } while (0)

/* The victims are files[0..n), and nobody else. */
static bool go(const struct policy_ctx *c, const uint32_t *files, int n)
{
	struct victim v = { .file = FILE_NONE };

	for (int i = 0; i <= n; i++) {
		v = c->ops->victim(c, 0, (struct use){ POS_UNKNOWN, 0 }, v);
		if (v.file != (i < n ? files[i] : FILE_NONE))
			return false;
	}
	return true;
}

/* fifo: a file that comes and goes, many times more often than there is room for, behind one that stays. */
static void comes_and_goes(unsigned long seed)
{
	struct policy_shape shape = { .nfiles = 300000 };
	struct policy_ctx c = { .ops = &policy_fifo, .shape = &shape, .state = calloc(1, policy_fifo.bytes(&shape)) };
	struct use none = { POS_UNKNOWN, 0 };

	policy_fifo.insert(&c, 5, none);
	for (uint32_t i = 900000 + (uint32_t)(seed % 100000); i--; ) {
		uint32_t f = i % 500000 < 200000 ? 7 : 8 + i % 1000;

		policy_fifo.insert(&c, f, none);
		policy_fifo.remove(&c, f, none);
	}
	policy_fifo.insert(&c, 7, none);
	policy_fifo.insert(&c, 9, none);
	CHECK(go(&c, (uint32_t[]){ 5, 7, 9 }, 3));
	policy_fifo.remove(&c, 7, none);
	policy_fifo.remove(&c, 5, none);
	CHECK(go(&c, (uint32_t[]){ 9 }, 1));
	free(c.state);
}

/* fifo: as many entries as there is room for are all good; of one more, nothing is believed. */
static void full_and_more(void)
{
	struct policy_shape shape = { .nfiles = 4 };
	struct policy_ctx c = { .ops = &policy_fifo, .shape = &shape, .state = calloc(1, policy_fifo.bytes(&shape)) };
	struct use none = { POS_UNKNOWN, 0 };
	uint32_t *used = (uint32_t *)c.state + 1, full = 5;   /* the second word; 4 files and a quarter */

	for (uint32_t f = 0; f < 4; f++)
		policy_fifo.insert(&c, f, none);
	policy_fifo.remove(&c, 2, none);
	policy_fifo.insert(&c, 2, none);
	CHECK(*used == full && go(&c, (uint32_t[]){ 0, 1, 3, 2 }, 4));
	*used = full + 1;
	CHECK(go(&c, NULL, 0));
	policy_fifo.insert(&c, 3, none);
	CHECK(*used == 1 && go(&c, (uint32_t[]){ 3 }, 1));
	free(c.state);
}

/* lfu: a count that can grow no more stays; it does not begin anew, and its files keep their turn. */
static void as_often_as_can_be(unsigned long seed)
{
	struct policy_shape shape = { .nfiles = 4 };
	struct policy_ctx c = { .ops = &policy_lfu, .shape = &shape, .state = calloc(1, policy_lfu.bytes(&shape)) };
	struct use none = { POS_UNKNOWN, 0 };
	uint32_t often = 100003 + (uint32_t)(seed % 1000), *word = c.state, found = 0;

	for (uint32_t f = 0; f < 2; f++) {       /* 0 and 1 reach that number, in this order */
		policy_lfu.insert(&c, f, none);
		for (uint32_t i = 1; i < often; i++)
			policy_lfu.hit(&c, f, none, none);
	}
	for (size_t i = 0, n = policy_lfu.bytes(&shape) / 4; i < n; i++)
		if (word[i] == often) {
			word[i] = UINT32_MAX;
			found++;
		}
	CHECK(found == 1 && go(&c, (uint32_t[]){ 0, 1 }, 2));
	for (int i = 0; i < 3; i++) {
		policy_lfu.hit(&c, 0, none, none);
		CHECK(go(&c, (uint32_t[]){ 0, 1 }, 2));
	}
	policy_lfu.remove(&c, 1, none);          /* 0 alone */
	for (int i = 0; i < 3; i++)              /* would be 2 */
		policy_lfu.hit(&c, 0, none, none);
	policy_lfu.insert(&c, 2, none);
	policy_lfu.hit(&c, 2, none, none);
	policy_lfu.insert(&c, 3, none);
	CHECK(go(&c, (uint32_t[]){ 3, 2, 0 }, 3));
	free(c.state);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	unsigned long seed = strtoul(argv[1], NULL, 0);
	comes_and_goes(seed);
	full_and_more();
	as_often_as_can_be(seed);
	return 0;
}
