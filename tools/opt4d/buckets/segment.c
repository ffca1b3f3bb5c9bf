/* segment.c - what has been written: files of pieces, each of one bucket, one behind the other. They are opened for as long as
 * something is done there. What is read comes through two buffers, a part of a piece at a time: the arm fills one while files
 * are made of the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../opt4d.h"
#include "rebucket.h"

#define MOST   (1u << 18)
#define IOVS   1024u
#define LOOSE  8u                  /* pieces that are worth a turn to be punched out */

struct segment { bool ready; uint32_t no, users, live, npieces, loose; uint64_t place; struct piece p[PIECES_MAX]; };
static struct segment *segments[MOST];
static uint32_t nsegments, numbers, nloose;

/* Of whoever loads, one at a time. */
static struct { char *p; uint32_t room; int fd; uint32_t no, end; } stage = { .fd = -1 };

bool segment_begin(uint32_t room)
{
	stage.room = room;
	stage.p = mmap(NULL, (size_t)room * BUFFERS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return stage.p != MAP_FAILED;
}

void segment_end(void)
{
	for (uint32_t i = 0; i < nsegments; i++) {
		free(segments[i]);
		segments[i] = NULL;
	}
	nsegments = nloose = 0;
	if (stage.fd >= 0)
		close(stage.fd);
	if (stage.room)
		munmap(stage.p, (size_t)stage.room * BUFFERS);
	stage.fd = -1;
	stage.room = 0;
}

uint32_t segment_buffer(void) { return stage.room; }
const char *segment_loaded(uint32_t buffer) { return stage.p + (size_t)buffer * stage.room; }

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

void segment_forget(uint32_t seg)
{
	nloose -= segments[seg]->loose;
	free(segments[seg]);
	segments[seg] = NULL;
}

/* Nothing of it can be had. */
void segment_fail(uint32_t seg)
{
	log_remove(segments[seg]->no);
	segment_forget(seg);
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

int segment_write(uint32_t seg, const struct flush *f)
{
	char *table = NULL;
	uint32_t n = 0, parts = 1, bytes = log_table(&table, f);
	int rc = -ENOMEM, fd = -1;
	for (uint32_t i = 0; i < f->n; i++)
		parts += chunks_pieces(&f->s[i]);
	struct iovec *v = bytes ? malloc(parts * sizeof(*v)) : NULL;
	if (v) {
		for (uint32_t i = 0; i < f->n; i++)
			n += chunks_iov(&f->s[i], v + n);
		v[n++] = (struct iovec){ table, bytes };
		rc = fd = log_make(segments[seg]->no, (uint64_t)f->bytes + bytes);
	}
	if (fd >= 0) {
		pthread_mutex_lock(&keeper_lock);
		uint64_t turn = turn_give();       /* not before: the arm works while the file is made */
		pthread_mutex_unlock(&keeper_lock);
		turn_wait(turn);
		rc = put(fd, v, n);
		turn_over(turn);
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
			segment_forget(seg);
		pthread_mutex_unlock(&keeper_lock);
		if (all)
			log_remove(no);
		else
			log_punch(no, at, bytes, n);
		pthread_mutex_lock(&keeper_lock);
	}
}

int segment_load(uint32_t buffer, uint32_t seg, uint32_t at, uint32_t n)
{
	char *to = stage.p + (size_t)buffer * stage.room;
	uint32_t no = segments[seg]->no;
	if (stage.fd < 0 || stage.no != no) {
		if (stage.fd >= 0)
			close(stage.fd);
		stage.end = UINT32_MAX;
		if ((stage.fd = log_look(no)) < 0)
			return stage.fd;
		stage.no = no;
	}
	COUNT(view.h->disk_seeks, at != stage.end);
	for (uint32_t got = 0; got < n;) {
		ssize_t did = pread(stage.fd, to + got, n - got, at + got);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return did < 0 ? -errno : -EIO;
		got += (uint32_t)did;
	}
	COUNT(view.h->bucket_read, n);
	if (!(fcntl(stage.fd, F_GETFL) & O_DIRECT))
		posix_fadvise(stage.fd, at, n, POSIX_FADV_DONTNEED);
	stage.end = at + n;
	return 0;
}
