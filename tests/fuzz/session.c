/* session.c - libFuzzer, through real files (slow): the index of a session damaged at any places, then used as a client uses it:
 * mapped, joined, looked up, filled from, its statistics printed. index.c does the same in memory, and more. A hostile index
 * may make it slow to be useful, never wrong in memory. The input is a list of patches: 4 bytes place, 8 bytes value. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client.h"

#define FILES 12
static char root[] = "/var/tmp/o4fuzz.XXXXXX", shm[] = "/dev/shm/opt4-fuzz.XXXXXX";
static size_t head, bytes;   /* what lies before the records, in all */
static char *pristine;

static void remove_all(void)
{
	char cmd[200];
	snprintf(cmd, sizeof cmd, "rm -rf %s %s", root, shm);
	if (system(cmd))
		return;
}

static void access_all(void)
{
	for (int i = 0; i < FILES; i++) {
		char buf[100];
		int fd;
		uint32_t rec = client_use(root, (uint32_t)i, &fd);
		if (rec == REC_NONE)
			continue;
		if (fd >= 0) {
			(void)!read(fd, buf, sizeof buf);
			close(fd);
		}
		session_invalidate(i % 5 ? REC_NONE : rec);
	}
}

static void prepare(void)
{
	char path[160], dir[160];
	if (!mkdtemp(root) || !mkdtemp(shm))
		abort();
	atexit(remove_all);
	snprintf(dir, sizeof dir, "%s/s", shm);
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "%s/f%d.jpg", root, i);
		FILE *f = fopen(path, "w");
		for (int b = 0; f && b < 5000; b++)
			fputc(i, f);
		fclose(f);
	}
	usleep(50000);
	setenv("OPT4_ROOT", root, 1);
	setenv("OPT4_DIR", dir, 1);
	setenv("OPT4_CACHE", "64K", 1);
	setenv("OPT4_MAXFILE", "16K", 1);
	setenv("OPT4_POLICY", "lru", 1);
	setenv("OPT4_KEEP", "1", 1);
	conf_load();
	session_job_begin();
	access_all();
	if (!view.h)
		abort();
	head = view.h->off_records + FILES * sizeof(struct record);
	bytes = view.h->index_bytes;
	pristine = malloc(head);
	memcpy(pristine, view.h, head);
	client_leave();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char path[200];
	if (!pristine)
		prepare();
	snprintf(path, sizeof path, "%s/index", conf.dir);
	int fd = open(path, O_RDWR);
	if (fd >= 0) {
		if (ftruncate(fd, (off_t)bytes) || pwrite(fd, pristine, head, 0) != (ssize_t)head)
			abort();
		for (; n >= 12; data += 12, n -= 12) {
			uint32_t at;
			uint64_t v;
			memcpy(&at, data, 4);
			memcpy(&v, data + 4, 8);
			/* mostly the header's fixed part, else anywhere before the records' end; whole words, as wild writes are */
			at = at & 1 ? at / 2 % (uint32_t)(head - 8) : at / 2 % sizeof(struct index_header);
			if (pwrite(fd, &v, at % 3 ? 8 : 4, at & ~3u) < 0)
				abort();
		}
		if (n >= 8 && data[0] == 7)
			if (ftruncate(fd, (off_t)(data[1] * 4096u)))
				abort();
		close(fd);
	}
	access_all();
	if (view.h) {
		FILE *f = fopen("/dev/null", "w");
		stats_print(f);
		fclose(f);
		victims_shrink();
		object_reap(true);
	}
	client_leave();
	return 0;
}
