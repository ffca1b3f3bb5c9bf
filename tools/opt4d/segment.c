/* segment.c - what has been written: files of pieces, each of one bucket, one behind the other. They are opened for as long as
 * something is done there; what is read comes through one buffer, a part of a piece at a time, since who reads a file there
 * reads the next one next. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "opt4d.h"
#include "rebucket.h"

#define MOST   (1u << 18)
#define IOVS   1024u
#define LOOSE  8u                  /* pieces that are worth a turn to be punched out */

struct segment { bool ready; uint32_t no, users, live, npieces, loose; uint64_t place; struct piece p[PIECES_MAX]; };
static struct segment *segments[MOST];
static uint32_t nsegments, numbers, nloose;

static pthread_mutex_t stage_lock = PTHREAD_MUTEX_INITIALIZER;   /* of all that follows */
static struct { char *p; uint32_t room; int fd; uint32_t no, at, n, end; } stage = { .fd = -1 };

bool segment_begin(uint32_t room)
{
	stage.room = room;
	stage.p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return stage.p != MAP_FAILED;
}

void segment_end(void)
{
	for (uint32_t i = 0; i < nsegments; i++) {
		free(segments[i]);
		segments[i] = NULL;
	}
	nsegments = nloose = 0;
	pthread_mutex_lock(&stage_lock);
	if (stage.fd >= 0)
		close(stage.fd);
	if (stage.room)
		munmap(stage.p, stage.room);
	stage.fd = -1;
	stage.room = stage.n = 0;
	pthread_mutex_unlock(&stage_lock);
}

bool segment_room(uint32_t *seg)
{
	uint32_t s = 0;
	while (s < nsegments && segments[s])
		s++;
	if (s == MOST || !(segments[s] = calloc(1, sizeof(**segments))))
		return false;
	nsegments = s < nsegments ? nsegments : s + 1;
	segments[s]->no = numbers++;
	*seg = s;
	return true;
}

static void forget(uint32_t seg)
{
	nloose -= segments[seg]->loose;
	free(segments[seg]);
	segments[seg] = NULL;
}

/* Nothing of it can be had. */
void segment_fail(uint32_t seg)
{
	log_remove(segments[seg]->no);
	forget(seg);
}

static void pieces(struct segment *s, const struct piece *p, uint32_t n)
{
	memcpy(s->p, p, n * sizeof(*p));
	s->npieces = n;
	s->ready = true;
	for (uint32_t i = 0; i < n; i++) {
		s->live += p[i].live;
		s->loose += !p[i].live;
	}
	nloose += s->loose;
}

/* As few calls as there can be: each is a turn of the disk. */
static int put(int fd, struct iovec *v, uint32_t n)
{
	off_t at = 0;
	while (n) {
		ssize_t did = pwritev(fd, v, (int)(n < IOVS ? n : IOVS), at);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0 || did % SECTOR)
			return did < 0 ? -errno : -EIO;
		at += did;
		for (; n && (size_t)did >= v->iov_len; v++, n--)
			did -= (ssize_t)v->iov_len;
		if (n) {
			v->iov_base = (char *)v->iov_base + did;
			v->iov_len -= (size_t)did;
		}
	}
	return 0;
}

int segment_write(uint32_t seg, const struct flush *f, uint64_t turn)
{
	char *table = NULL;
	uint32_t n = 0, parts = 1, bytes = log_table(&table, f);
	int rc = -ENOMEM, fd = -1;
	for (uint32_t i = 0; i < f->n; i++)
		parts += pool_pieces(&f->s[i]);
	struct iovec *v = bytes ? malloc(parts * sizeof(*v)) : NULL;
	if (v) {
		for (uint32_t i = 0; i < f->n; i++)
			n += pool_iov(&f->s[i], v + n);
		v[n++] = (struct iovec){ table, bytes };
		rc = fd = log_make(segments[seg]->no, (uint64_t)f->bytes + bytes);
	}
	if (fd >= 0) {
		turn_wait(turn);
		rc = put(fd, v, n);
		segments[seg]->place = log_place(fd);
		if (!(fcntl(fd, F_GETFL) & O_DIRECT)) {   /* not twice in memory */
			fdatasync(fd);
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		}
		close(fd);
		COUNT(view.h->disk_seeks, 1);
		COUNT(view.h->bucket_written, (uint64_t)f->bytes + bytes);
	}
	free(v);
	free(table);
	return rc;
}

void segment_written(uint32_t seg, const struct flush *f)
{
	pieces(segments[seg], f->p, f->n);
}

int segment_adopt(uint32_t no, const struct piece *p, uint32_t n, uint64_t place, uint32_t *seg)
{
	if (!segment_room(seg))
		return -ENOMEM;
	segments[*seg]->no = no;
	numbers = numbers > no ? numbers : no + 1;
	segments[*seg]->place = place;
	pieces(segments[*seg], p, n);
	return 0;
}

bool segment_ready(uint32_t seg) { return segments[seg] && segments[seg]->ready; }
uint64_t segment_place(uint32_t seg) { return segments[seg]->place; }
void segment_use(uint32_t seg, int by) { segments[seg]->users += (uint32_t)by; }

static struct piece *piece_at(struct segment *s, uint32_t at)
{
	uint32_t i = 0;
	while (i < s->npieces && at >= s->p[i].at + s->p[i].bytes)
		i++;
	return i < s->npieces ? &s->p[i] : NULL;
}

void segment_less(uint32_t seg, uint32_t at)
{
	struct segment *s = segments[seg];
	struct piece *p = s && s->ready ? piece_at(s, at) : NULL;
	if (!p || !p->live)
		return;
	s->live--;
	if (!--p->live)
		s->loose++, nloose++;
}

bool segment_loose(void) { return nloose >= LOOSE; }

void segment_tidy(void)
{
	for (uint32_t seg = 0; seg < nsegments; seg++) {
		struct segment *s = segments[seg];
		uint32_t at[PIECES_MAX], bytes[PIECES_MAX], n = 0, no;
		if (!s || !s->ready || !s->loose || (!s->live && s->users))
			continue;
		no = s->no;
		for (uint32_t i = 0; i < s->npieces && s->live; i++)
			if (!s->p[i].live && s->p[i].bucket != PIECE_GONE) {
				at[n] = s->p[i].at;
				bytes[n++] = s->p[i].bytes;
				s->p[i].bucket = PIECE_GONE;
			}
		bool all = !s->live;
		nloose -= s->loose;
		s->loose = 0;
		if (all)
			forget(seg);
		pthread_mutex_unlock(&keeper_lock);
		if (all)
			log_remove(no);
		else
			log_punch(no, at, bytes, n);
		pthread_mutex_lock(&keeper_lock);
	}
}

/* The stage begins at this offset, and ends with its piece at latest. */
static int fill(uint32_t seg, uint32_t at)
{
	struct segment *s = segments[seg];
	struct piece *p = piece_at(s, at);
	uint32_t from = at / SECTOR * SECTOR;
	if (!p || at < p->at)
		return -EIO;
	if (stage.fd < 0 || stage.no != s->no) {
		if (stage.fd >= 0)
			close(stage.fd);
		stage.end = 0;
		if ((stage.fd = log_look(s->no)) < 0)
			return stage.fd;
		stage.no = s->no;
	}
	uint32_t want = p->at + p->bytes - from < stage.room ? p->at + p->bytes - from : stage.room;
	stage.n = 0;
	ssize_t got;
	while ((got = pread(stage.fd, stage.p, want, from)) < 0 && errno == EINTR)
		;
	if (got <= 0)
		return got < 0 ? -errno : -EIO;
	COUNT(view.h->disk_seeks, from != stage.end || !from);
	COUNT(view.h->bucket_read, (uint64_t)got);
	if (!(fcntl(stage.fd, F_GETFL) & O_DIRECT))
		posix_fadvise(stage.fd, from, got, POSIX_FADV_DONTNEED);
	stage.at = from;
	stage.n = (uint32_t)got;
	stage.end = from + (uint32_t)got;
	return 0;
}

int segment_read(uint32_t seg, uint32_t at, uint64_t n, int (*fn)(void *, const void *, size_t), void *arg)
{
	int rc = 0;
	pthread_mutex_lock(&stage_lock);
	while (rc == 0 && n) {
		bool here = stage.fd >= 0 && stage.no == segments[seg]->no && at >= stage.at && at < stage.at + stage.n;
		if (!here && ((rc = fill(seg, at)) < 0 || at >= stage.at + stage.n))
			break;
		uint64_t part = stage.at + stage.n - at < n ? stage.at + stage.n - at : n;
		rc = fn(arg, stage.p + (at - stage.at), part);
		at += (uint32_t)part;
		n -= part;
	}
	pthread_mutex_unlock(&stage_lock);
	return rc < 0 ? rc : n ? -EIO : 0;
}
