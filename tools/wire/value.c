/* value.c - what lies under a key: head, the file's bytes, and the keyed hash of both. The key is in the head, so that a value
 * can't stand in for another; the hash comes last, so that either side needs to see the bytes only once. See wire.h. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#define MAGIC   "OPT4POOL"
#define VERSION 1u                         /* of the value and of what keys are made of: part of the key, too */

/* magic 8, version 4, 0 4, size 8 (little endian), key as bytes 16, 0 8 */
bool value_key(char key[KEY_TEXT], struct mac *names, const void *where, size_t n)
{
	uint8_t hash[MAC_BYTES];
	mac_begin(names);
	mac_add(names, where, n);
	if (!mac_end(names, hash))
		return false;
	int at = snprintf(key, KEY_TEXT, "opt%u:", VERSION);
	for (size_t i = 0; i < sizeof(hash); i++)
		at += snprintf(key + at, KEY_TEXT - (size_t)at, "%02x", hash[i]);
	return true;
}

void value_head(uint8_t head[HEAD_BYTES], const char *key, uint64_t size)
{
	const char *hex = key + strcspn(key, ":");
	memset(head, 0, HEAD_BYTES);
	memcpy(head, MAGIC, 8);
	head[8] = VERSION;
	for (int i = 0; i < 8; i++)
		head[16 + i] = (uint8_t)(size >> 8 * i);
	for (int i = 0; i < 16; i++) {
		unsigned v = 0;
		if (strlen(hex) >= 3 + 2 * (size_t)i)
			sscanf(hex + 1 + 2 * i, "%2x", &v);
		head[24 + i] = (uint8_t)v;
	}
}

bool value_is(const uint8_t head[HEAD_BYTES], const char *key, uint64_t size)
{
	uint8_t want[HEAD_BYTES];
	value_head(want, key, size);
	return !memcmp(head, want, HEAD_BYTES);
}
