/* wire.h - what the keeper and opt4's own commands say to a pool's servers (memcached), and what they believe of the answer.
 *
 *     list.c     which servers: a list, or what the launcher says (auto.c)
 *     talk.c     one connection: get, add, set, stats, each with a time by which it is answered
 *     value.c    what lies under a key: head, bytes, keyed hash
 *     mac.c      that hash, of a package's library
 *     secret.c   the file that holds its key
 *
 * memcached's text protocol by ourselves rather than by libmemcached: of the same value of 110 KiB that takes 1.7 to 2.0 times the
 * CPU of a minimal client sending and 1.2 to 1.35 times receiving, copies it once more, and can be given no time for one answer.
 * (With values in parts, bench/pool/cost: .24 cores a GB/s sending, .23 receiving, and .27 for the hash; libmemcached with whole
 * values .27 and .26. memcached itself takes .40 and .24 then, with whole ones .22 and .20.) Nothing here is loaded into a
 * training process.
 *
 * Errors are -errno: -ETIMEDOUT no answer in time, -EPROTO another protocol. No lock; a talk belongs to one thread at a time. */
#ifndef OPT4_WIRE_H
#define OPT4_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* ---- list.c ---- */
#define SERVERS_MAX  64u
#define SERVER_NAME  80u
#define SERVER_PORT  11211u
struct server {
	char name[SERVER_NAME];    /* host:port, the same on every node: homes are chosen by it */
	char host[SERVER_NAME];
	uint16_t port;
	struct sockaddr_storage at;
	socklen_t at_bytes;        /* 0: the name is not resolved yet */
};
/* "host[:port],.." (an IPv6 address in brackets). Their number, or -1 with the reason in why. Twice the same is one. */
int servers_parse(const char *list, struct server *s, char why[160]);
/* The address of its name, by the system's resolver: may take seconds. 0 or -errno. */
int server_resolve(struct server *s);
/* Is it one of this machine's? Port and all else left alone. */
bool server_is_here(const struct server *s);
bool server_is_loopback(const struct server *s);
bool server_is_any(const struct server *s);    /* 0.0.0.0 or :: */
/* How well a server suits a key: its home is the one with the highest number. */
uint64_t server_suits(const struct server *s, const char *key);

/* ---- auto.c ---- */
/* The nodes of this job as the launcher names them (Slurm, torchrun's PET_, MPI's host files), as a list. 0; or -1 with the reason in why. */
int servers_auto(char *list, size_t room, char why[160]);

#define KEY_TEXT      38u                  /* with its NUL */
/* A value is stored in parts of one size and a last one: memcached has room in classes of sizes, and what does not fill its
 * class is lost. With memcached's -n 4096 -f 1.5 the class of 31,488 bytes takes one of these, and 33 of those make a page of
 * 1 MiB: .92 of 64 MB hold files, .93 of 128, .95 of 300; whole files of 110 KiB would be .86, and one of 64 MiB more than a
 * server takes by default. */
#define PART_BYTES    31380u
#define PARTS_AT_ONCE 8u                   /* that fit in a buffer of 256 KiB */
static inline uint32_t part_bytes(uint64_t of, uint32_t part)
{
	return of - (uint64_t)part * PART_BYTES < PART_BYTES ? (uint32_t)(of - (uint64_t)part * PART_BYTES) : PART_BYTES;
}
static inline uint32_t parts_of(uint64_t bytes) { return (uint32_t)((bytes + PART_BYTES - 1) / PART_BYTES); }

/* ---- talk.c ---- */
/* `until` and all times: now_ns(). */
struct talk {
	int fd;                    /* -1: not connected */
	bool fresh;                /* nothing has been answered on it yet */
	bool between;              /* a value has been read, and its end is still to come */
	uint64_t left;             /* bytes of a value that are still to be read */
	uint32_t have, at;         /* of ahead[] */
	char ahead[4096];
};
int talk_open(struct talk *t, const struct server *s, uint64_t until);
void talk_close(struct talk *t);
/* Asks for n parts of a value (value.c), PARTS_AT_ONCE at most. 0 or -errno. */
int talk_ask(struct talk *t, const char *key, uint32_t from, uint32_t n, uint64_t until);
/* The next that has come: 1: this part, and `*bytes` of it follow; 0: no more of what was asked for; -ENOENT: another part; or
 * -errno. After all but 1 and the 0 behind the last part the connection is no use any more. */
int talk_next(struct talk *t, const char *key, uint32_t part, uint64_t *bytes, uint64_t until);
/* n bytes of it, into `to`. 0 or -errno. */
int talk_read(struct talk *t, void *to, size_t n, uint64_t until);
/* Puts n parts, PARTS_AT_ONCE at most, of a value of `of` bytes; their bytes one behind the other. anew: in place of what is there,
 * else only where nothing is. 0 or -errno; the answers are talk_did()'s, one a part, in turn. */
int talk_put(struct talk *t, const char *key, uint32_t from, uint32_t n, const char *bytes, uint64_t of, bool anew, uint64_t until);
/* 1: stored; 0: somebody has it there already; -ENOSPC: the server is full; -EFBIG: larger than it takes; or -errno. */
int talk_did(struct talk *t, uint64_t until);
int talk_delete(struct talk *t, const char *key, uint32_t part, uint64_t until);   /* 1, 0: it was not there, or -errno */
struct server_stats { uint64_t items, bytes, limit, evictions, pid, item_max, time; char version[32]; };
int talk_stats(struct talk *t, struct server_stats *st, bool settings, uint64_t until); /* settings: item_max, too */

/* ---- mac.c ---- */
/* SipHash-2-4 of 128 bits (of libcrypto: .27 cores a GB/s here; its BLAKE2b .69, libb2's 1.5). */
#define MAC_BYTES 16u
#define MAC_KEY   16u
int mac_load(void);                        /* 0; -ENOENT: no library that has it; -EPROTO: it computes something else */
struct mac;                                /* of one thread */
struct mac *mac_new(const uint8_t key[MAC_KEY]);   /* NULL: no memory */
void mac_begin(struct mac *m);
void mac_add(struct mac *m, const void *p, size_t n);
bool mac_end(struct mac *m, uint8_t out[MAC_BYTES]);   /* false: it could not be computed: believe nothing */
void mac_free(struct mac *m);

/* ---- secret.c ---- */
struct secret { uint8_t name[MAC_KEY], value[MAC_KEY]; };   /* for keys, and for values */
/* 0, or -errno with the reason in why. */
int secret_read(const char *file, struct secret *s, char why[160]);
/* Makes the file, whole or not at all. 0, or -errno; -EEXIST: it is there. */
int secret_make(const char *file);

/* ---- value.c ---- */
#define HEAD_BYTES 48u
/* Under which key a file lies. where: what tells it apart on every node alike, n bytes. */
bool value_key(char key[KEY_TEXT], struct mac *names, const void *where, size_t n);   /* false: as of mac_end() */
/* The head of a value, and the hash of head (key and size are in it) and bytes, which comes after them. */
void value_head(uint8_t head[HEAD_BYTES], const char *key, uint64_t size);
/* Is it that head? */
bool value_is(const uint8_t head[HEAD_BYTES], const char *key, uint64_t size);
static inline uint64_t value_bytes(uint64_t size) { return HEAD_BYTES + size + MAC_BYTES; }

#endif
