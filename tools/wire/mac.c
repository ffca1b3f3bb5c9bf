/* mac.c - the keyed hash: libcrypto's SipHash, loaded where it is wanted and not linked, so that one build serves machines with
 * it, with another version of it, and without. By the names that OpenSSL 1.1.1 and 3 have in common. Whatever was loaded must
 * first compute the value that SipHash's authors give. */
#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EVP_PKEY_SIPHASH 1062              /* NID_siphash */

static void *(*key_new)(int type, void *engine, const unsigned char *key, size_t len);
static void (*key_free)(void *key);
static void *(*ctx_new)(void);
static void (*ctx_free)(void *ctx);
static int (*ctx_copy)(void *to, const void *from);
static int (*sign_init)(void *ctx, void **pctx, const void *type, void *engine, void *key);
static int (*sign_add)(void *ctx, const void *p, size_t n);
static int (*sign_end)(void *ctx, unsigned char *out, size_t *n);

struct mac { void *key, *first, *ctx; bool ok; };   /* first: as it is after init, to copy from */

static bool names(void *lib)
{
	const struct { void *to; const char *name, *old; } want[] = {
		{ &key_new, "EVP_PKEY_new_raw_private_key", NULL }, { &key_free, "EVP_PKEY_free", NULL },
		{ &ctx_new, "EVP_MD_CTX_new", NULL }, { &ctx_free, "EVP_MD_CTX_free", NULL }, { &ctx_copy, "EVP_MD_CTX_copy_ex", NULL },
		{ &sign_init, "EVP_DigestSignInit", NULL }, { &sign_add, "EVP_DigestSignUpdate", "EVP_DigestUpdate" },
		{ &sign_end, "EVP_DigestSignFinal", NULL },
	};
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		void *p = dlsym(lib, want[i].name);
		if (!p && want[i].old)
			p = dlsym(lib, want[i].old);
		if (!p)
			return false;
		memcpy(want[i].to, &p, sizeof(p));
	}
	return true;
}

static bool right(void)
{
	static const uint8_t key[MAC_KEY] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint8_t want[MAC_BYTES] = { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 };
	uint8_t got[MAC_BYTES] = { 0 };
	struct mac *m = mac_new(key);
	if (!m)
		return false;
	mac_begin(m);
	bool ended = mac_end(m, got);
	mac_free(m);
	return ended && !memcmp(got, want, sizeof(got));
}

int mac_load(void)
{
	static const char *const libraries[] = { "libcrypto.so.3", "libcrypto.so.1.1" };
	static int known = 1;
	if (known <= 0)
		return known;
	known = -ENOENT;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries) && known; i++) {
		void *lib = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
		if (lib && names(lib))
			known = right() ? 0 : -EPROTO;
	}
	return known;
}

struct mac *mac_new(const uint8_t key[MAC_KEY])
{
	struct mac *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->key = key_new(EVP_PKEY_SIPHASH, NULL, key, MAC_KEY);
	m->first = ctx_new();
	m->ctx = ctx_new();
	if (m->key && m->first && m->ctx && sign_init(m->first, NULL, NULL, NULL, m->key) == 1)
		return m;
	mac_free(m);
	return NULL;
}

void mac_begin(struct mac *m) { m->ok = ctx_copy(m->ctx, m->first) == 1; }

void mac_add(struct mac *m, const void *p, size_t n) { m->ok = m->ok && sign_add(m->ctx, p, n) == 1; }

bool mac_end(struct mac *m, uint8_t out[MAC_BYTES])
{
	uint8_t wide[64];
	size_t room = sizeof(wide);
	if (!m->ok || sign_end(m->ctx, wide, &room) != 1 || room != MAC_BYTES)
		return false;
	memcpy(out, wide, MAC_BYTES);
	return true;
}

void mac_free(struct mac *m)
{
	if (!m)
		return;
	ctx_free(m->ctx);
	ctx_free(m->first);
	key_free(m->key);
	free(m);
}
