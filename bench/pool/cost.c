/* cost.c - what a GB through a memcached costs: cost HOST:PORT PID [FILES] puts and gets values of 110 KiB, by opt4's own talk with
 * the keyed hash and without it, and by libmemcached where it is installed (loaded by its name), each into an object of its own
 * as the keeper does. Cores per GB/s of the client and of the server (process PID), medians of interleaved rounds. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "../../preload/base/base.h"
#include "../../tools/wire/wire.h"

#define BYTES  (110u << 10)
#define KEYS   400u
#define ROUNDS 5
#define LIMIT  (now_ns() + 10000000000ull)

static char value[256 << 10], buffer[PARTS_AT_ONCE * PART_BYTES];
static struct talk t;
static struct mac *m;
static int object;

static void *mc;
static int (*mc_set)(void *, const char *, size_t, const char *, size_t, time_t, uint32_t);
static char *(*mc_get)(void *, const char *, size_t, size_t *, uint32_t *, int *);

static _Noreturn void bad(const char *what) { fprintf(stderr, "cost: %s\n", what); exit(1); }

static double client(void)
{
	struct timespec c;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c);
	return (double)c.tv_sec + (double)c.tv_nsec / 1e9;
}

static double server(int pid)
{
	char path[64], text[1024], *at;
	unsigned long user, sys;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (!f || !fgets(text, sizeof(text), f) || !(at = strrchr(text, ')')) ||
	    sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
		bad("no such process");
	fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static void put(const char *key, bool hashed)
{
	uint64_t all = value_bytes(BYTES);
	uint8_t sum[MAC_BYTES] = { 0 };
	value_head((uint8_t *)buffer, key, BYTES);
	if (pread(object, buffer + HEAD_BYTES, BYTES, 0) != BYTES)
		bad("pread");
	if (hashed) {
		mac_begin(m);
		mac_add(m, buffer, HEAD_BYTES + BYTES);
		mac_end(m, sum);
	}
	memcpy(buffer + HEAD_BYTES + BYTES, sum, MAC_BYTES);
	if (talk_put(&t, key, 0, parts_of(all), buffer, all, true, LIMIT) < 0)
		bad("put");
	for (uint32_t i = 0; i < parts_of(all); i++)
		if (talk_did(&t, LIMIT) != 1)
			bad("not stored; start it with -m 256");
}

static void get(const char *key, bool hashed)
{
	uint64_t all = value_bytes(BYTES), bytes, at = 0;
	uint8_t sum[MAC_BYTES];
	if (talk_ask(&t, key, 0, parts_of(all), LIMIT) < 0)
		bad("ask");
	for (uint32_t i = 0; i < parts_of(all); i++, at += bytes)
		if (talk_next(&t, key, i, &bytes, LIMIT) != 1 || talk_read(&t, buffer + at, bytes, LIMIT) < 0)
			bad("get");
	if (talk_next(&t, key, parts_of(all), &bytes, LIMIT) != 0)
		bad("end");
	if (hashed) {
		mac_begin(m);
		mac_add(m, buffer, HEAD_BYTES + BYTES);
		if (!mac_end(m, sum) || memcmp(sum, buffer + HEAD_BYTES + BYTES, MAC_BYTES))
			bad("hash");
	}
	if (pwrite(object, buffer + HEAD_BYTES, BYTES, 0) != BYTES)
		bad("pwrite");
}

static void other_put(const char *key)
{
	if (pread(object, value, BYTES, 0) != BYTES || mc_set(mc, key, strlen(key), value, BYTES, 0, 0))
		bad("libmemcached: set");
}

static void other_get(const char *key)
{
	size_t n;
	uint32_t flags;
	int rc;
	char *got = mc_get(mc, key, strlen(key), &n, &flags, &rc);
	if (!got || n != BYTES || pwrite(object, got, BYTES, 0) != BYTES)
		bad("libmemcached: get");
	free(got);
}

static bool libmemcached(const struct server *s)
{
	void *lib = dlopen("libmemcached.so.11", RTLD_NOW);
	void *(*create)(void *);
	int (*add)(void *, const char *, uint16_t), (*set)(void *, int, uint64_t);
	if (!lib)
		return false;
	*(void **)&create = dlsym(lib, "memcached_create");
	*(void **)&add = dlsym(lib, "memcached_server_add");
	*(void **)&set = dlsym(lib, "memcached_behavior_set");
	*(void **)&mc_set = dlsym(lib, "memcached_set");
	*(void **)&mc_get = dlsym(lib, "memcached_get");
	if (!create || !add || !set || !mc_set || !mc_get)
		return false;
	mc = create(NULL);
	set(mc, 1, 1);             /* MEMCACHED_BEHAVIOR_TCP_NODELAY */
	return add(mc, s->host, s->port) == 0;
}

static int rising(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

int main(int argc, char **argv)
{
	static const char *const what[] = { "put, hashed", "put", "put, libmemcached", "get, hashed", "get", "get, libmemcached" };
	static const uint8_t key_bytes[MAC_KEY] = { 1 };
	double cores[6][2][ROUNDS];
	char why[160], key[KEY_TEXT];
	struct server s;
	if (argc < 3 || servers_parse(argv[1], &s, why) != 1 || server_resolve(&s) < 0)
		bad("usage: cost HOST:PORT PID [FILES]");
	int pid = atoi(argv[2]), files = argc > 3 ? atoi(argv[3]) : 4000;
	if (mac_load() < 0 || !(m = mac_new(key_bytes)) || talk_open(&t, &s, LIMIT) < 0)
		bad("no libcrypto, or no server");
	bool other = libmemcached(&s);
	object = memfd_create("object", MFD_CLOEXEC);
	memset(value, 7, BYTES);
	if (object < 0 || pwrite(object, value, BYTES, 0) != BYTES)
		bad("no object");
	for (int round = 0; round < ROUNDS; round++)
		for (int w = 0; w < 6; w++) {
			double c = client(), p = server(pid), gb = (double)BYTES * files / 1e9;
			for (int i = 0; i < files && (w % 3 != 2 || other); i++) {
				snprintf(key, sizeof(key), "opt1:%030d%02d", i % (int)KEYS, w % 3);
				switch (w) {
				case 0: case 1: put(key, w == 0); break;
				case 3: case 4: get(key, w == 3); break;
				default: w == 2 ? other_put(key) : other_get(key);
				}
			}
			cores[w][0][round] = (client() - c) / gb;
			cores[w][1][round] = (server(pid) - p) / gb;
		}
	printf("%-20s %20s %20s\n", "cores a GB/s", "client", "memcached");
	for (int w = 0; w < 6; w++) {
		if (w % 3 == 2 && !other) {
			printf("%-20s not installed (libmemcached11)\n", what[w]);
			continue;
		}
		qsort(cores[w][0], ROUNDS, sizeof(double), rising);
		qsort(cores[w][1], ROUNDS, sizeof(double), rising);
		printf("%-20s %20.3f %20.3f\n", what[w], cores[w][0][ROUNDS / 2], cores[w][1][ROUNDS / 2]);
	}
	return 0;
}
