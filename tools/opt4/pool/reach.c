/* reach.c - what a server answers. See pool.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "../../../preload/base/base.h"
#include "pool.h"

int pool_reach(const struct server *s, struct server_stats *st, uint64_t *took)
{
	struct talk t;
	uint64_t start = now_ns();
	int rc = talk_open(&t, s, start + REACH_NS);
	if (rc < 0)
		return rc;
	uint64_t asked = now_ns();
	rc = talk_stats(&t, st, true, asked + REACH_NS);
	*took = now_ns() - asked;
	talk_close(&t);
	return rc;
}

int pool_try(const struct server *s, uint64_t *took)
{
	struct talk t;
	char key[KEY_TEXT] = "opt0:", sent[PART_BYTES], came[PART_BYTES];
	uint8_t some[16];
	uint64_t start = now_ns(), until = start + REACH_NS, bytes = 0;
	if (getrandom(some, sizeof(some), 0) != (ssize_t)sizeof(some))
		return -EIO;
	for (size_t i = 0; i < sizeof(some); i++)
		snprintf(key + 5 + 2 * i, 3, "%02x", some[i]);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(some[i % 16] + i);
	int rc = talk_open(&t, s, until);
	if (rc < 0)
		return rc;
	/* more than a frame, so that a path that takes small ones only is found out */
	if ((rc = talk_put(&t, key, 0, 1, sent, sizeof(sent), true, until)) == 0)
		rc = talk_did(&t, until);
	if (rc == 1 && (rc = talk_ask(&t, key, 0, 1, until)) == 0 && (rc = talk_next(&t, key, 0, &bytes, until)) == 1)
		rc = bytes != sizeof(came) ? -EBADMSG : talk_read(&t, came, sizeof(came), until);
	if (rc == 0)
		rc = bytes && !memcmp(came, sent, sizeof(sent)) ? 0 : -EBADMSG;
	*took = now_ns() - start;
	if (rc == 0 && talk_next(&t, key, 1, &bytes, until) == 0)
		talk_delete(&t, key, 0, until);
	talk_close(&t);
	return rc > 0 ? -EPROTO : rc;
}
