/* fd.c - table of the descriptors that are ours. */
#include "fd.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

struct slot {
	_Atomic uint32_t seq;     /* odd while the entry is being written */
	_Atomic uint32_t claim;
	uint32_t kind, group;
	_Atomic bool shared;
	_Atomic uint64_t at, sum;
	struct cached c;
};

uint8_t fd_flags[FD_MAX];
static struct slot slots[FD_MAX]; /* zero pages until used */
static _Atomic int highest = -1;
static _Atomic uint32_t groups;

#define WAIT_MS 1000              /* no wait here is longer */

static void wake(struct slot *s)
{
	syscall(SYS_futex, &s->claim, FUTEX_WAKE_PRIVATE, 1 << 30, NULL, NULL, 0);
}

/* Relaxed: the number is all that is told by it. So are FD_ELSEWHERE and FD_GROWS below: no entry goes with them. */
static void raise_highest(int fd)
{
	int hi = highest;
	while (fd > hi && !atomic_compare_exchange_strong_explicit(&highest, &hi, fd, memory_order_relaxed, memory_order_relaxed))
		;
}

static void set_not_ours(int fd, uint8_t bit)
{
	uint8_t none = 0;
	if ((unsigned)fd >= FD_MAX)
		return;
	raise_highest(fd);
	__atomic_compare_exchange_n(&fd_flags[fd], &none, bit, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void fd_set_elsewhere(int fd) { set_not_ours(fd, FD_ELSEWHERE); }
void fd_set_grows(int fd) { set_not_ours(fd, FD_GROWS); }

void fd_install(int fd, enum fd_kind kind, const struct cached *c, uint32_t group, bool pending)
{
	if ((unsigned)fd >= FD_MAX)
		return;
	struct slot *s = &slots[fd];

	/* No lock: two threads that install one number at once means that the program races with itself, and
	 * the entry that results is compared with the descriptor before it is believed. */
	__atomic_store_n(&fd_flags[fd], 0, __ATOMIC_RELAXED);   /* who sees it late finds an entry, and compares */
	uint32_t seq = (s->seq | 1) + 2;
	s->seq = seq;
	__atomic_thread_fence(__ATOMIC_RELEASE);           /* nothing of the new entry is seen before the odd number */
	s->kind = kind;
	while (!group)
		group = ++groups;
	s->group = group;
	s->c = *c;
	s->shared = false;
	s->at = s->sum = 0;
	s->claim = seq / 2 * CLAIM_STATES + (kind == FD_WRITER ? CLAIM_NONE : CLAIM_READY);
	atomic_store_explicit(&s->seq, seq + 1, memory_order_release);

	raise_highest(fd);
	__atomic_store_n(&fd_flags[fd], (uint8_t)(FD_OURS | (pending ? FD_PENDING : 0) | (kind == FD_OBJECT && session_ssd_dev ? FD_DISK : 0)), __ATOMIC_RELEASE);
}

bool fd_get(int fd, struct fd_entry *e)
{
	if (!fd_is(fd, FD_OURS))
		return false;
	struct slot *s = &slots[fd];
	for (int tries = 0; tries < 100; tries++) {
		uint32_t seq = atomic_load_explicit(&s->seq, memory_order_acquire);
		e->kind = s->kind;
		e->group = s->group;
		e->claim = s->claim;
		e->c = s->c;
		e->shared = s->shared;
		e->at = s->at;
		e->sum = s->sum;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(seq & 1) && s->seq == seq)
			return fd_is(fd, FD_OURS);
	}
	return false;
}

/* Ends the claim on s, so that whoever is fetching for it throws the result away. */
static void end_claim(struct slot *s)
{
	uint32_t w;

	for (int ms = 0;;) {
		w = s->claim;
		if (CLAIM_STATE(w) == CLAIM_NONE)
			return;
		/* In the middle of a swap the number must stay what it is. Not for our own thread's swap: a
		 * signal handler that closes the descriptor would wait for itself. */
		if (CLAIM_STATE(w) == CLAIM_SWAP && !opt4_inside && ms < WAIT_MS) {
			fd_claim_wait((int)(s - slots), w);
			ms += 10;
			continue;
		}
		if (atomic_compare_exchange_strong_explicit(&s->claim, &w, w - CLAIM_STATE(w) + CLAIM_NONE, memory_order_acq_rel,
			memory_order_relaxed))
			break;
	}
	if (CLAIM_STATE(w) != CLAIM_READY)
		wake(s);
}

/* Returns a writer's record if this call was the one that forgot it, else REC_NONE. */
static uint32_t forget(int fd)
{
	if (fd_is(fd, FD_ELSEWHERE | FD_GROWS))
		__atomic_fetch_and(&fd_flags[fd], (uint8_t)~(FD_ELSEWHERE | FD_GROWS), __ATOMIC_RELAXED);
	if (!fd_is(fd, FD_OURS))
		return REC_NONE;
	int err = errno;
	struct slot *s = &slots[fd];
	uint32_t kind = s->kind, rec = s->c.rec;

	if (kind != FD_WRITER)
		end_claim(s);
	uint8_t had = __atomic_exchange_n(&fd_flags[fd], 0, __ATOMIC_ACQ_REL);
	errno = err;
	return kind == FD_WRITER && (had & FD_OURS) ? rec : REC_NONE;
}

uint32_t fd_take_writer(int fd)
{
	return fd_is(fd, FD_OURS) && slots[fd].kind == FD_WRITER ? forget(fd) : REC_NONE;
}

void fd_writer_closed(uint32_t rec)
{
	/* A vfork child closes a descriptor of its own, not the parent's; and inside opt4 we may hold the
	 * session: then it stays counted, and the file uncached. */
	if (rec == REC_NONE || opt4_inside || getpid() != hook_pid)
		return;
	struct guard g = hook_enter();
	session_invalidate(rec);
	session_writer(rec, -1);
	hook_leave(g);
}

void fd_clear(int fd)
{
	fd_writer_closed(forget(fd));
}

void fd_forget(int fd)
{
	forget(fd);
}

void fd_peeked(int fd, struct fd_entry *e, uint64_t from, uint64_t n)
{
	struct slot *s = &slots[fd];
	if (!e->c.peeked) {
		session_peeked(&e->c);
		if (s->c.rec == e->c.rec)
			s->c.peeked = 1;
	}
	s->at = from + n;
	s->sum += n;
}

void fd_stands(int fd, uint64_t at) { slots[fd].at = at; }

void fd_install_copy(int from, int to, const struct fd_entry *e)
{
	fd_install(to, FD_HINT, &e->c, e->group, true);
	slots[to].at = e->at;
	slots[to].sum = e->sum;
	slots[from].shared = slots[to].shared = true;
}

void fd_forget_all(int fd)
{
	struct fd_entry e, o;
	if (fd_get(fd, &e) && e.shared)
		for (int i = highest; i >= 0; i--)
			if (i != fd && fd_is(i, FD_OURS) && fd_get(i, &o) && o.kind == FD_HINT && o.group == e.group)
				fd_forget(i);
	fd_forget(fd);
}

void fd_clear_range(unsigned first, unsigned last)
{
	int hi = highest;
	for (unsigned fd = first; (int)fd <= hi && fd < FD_MAX && fd <= last; fd++)
		fd_clear((int)fd);
}

void fd_share(void)
{
	struct fd_entry e;

	for (int fd = highest; fd >= 0; fd--)
		if (fd_is(fd, FD_OURS) && fd_get(fd, &e) && e.kind != FD_OBJECT)
			fd_forget(fd);
}

bool fd_take_pending(int fd)
{
	return __atomic_fetch_and(&fd_flags[fd], (uint8_t)~FD_PENDING, __ATOMIC_ACQ_REL) & FD_PENDING;
}

bool fd_set_pending(int fd)
{
	return !(__atomic_fetch_or(&fd_flags[fd], FD_PENDING, __ATOMIC_ACQ_REL) & FD_PENDING);
}

void fd_set_checked(int fd, const struct cached *c)
{
	struct slot *s = &slots[fd];
	if (s->c.rec == c->rec && s->c.obj_ino == c->obj_ino)
		__atomic_store_n(&s->c.checked, c->checked, __ATOMIC_RELAXED);
}

int fd_highest(void)
{
	return highest;
}

bool fd_claim(int fd, uint32_t *from, unsigned to)
{
	struct slot *s = &slots[fd];
	uint32_t want = *from - CLAIM_STATE(*from) + to;
	uint32_t was = *from;

	if (!atomic_compare_exchange_strong_explicit(&s->claim, &was, want, memory_order_acq_rel, memory_order_acquire))
		return false;
	*from = want;
	if (to != CLAIM_BUSY && to != CLAIM_SWAP)
		wake(s);
	return true;
}

uint32_t fd_claim_wait(int fd, uint32_t seen)
{
	struct timespec ms10 = { .tv_nsec = 10 * 1000 * 1000 };
	struct slot *s = &slots[fd];
	int err = errno;

	if (s->claim == seen)
		syscall(SYS_futex, &s->claim, FUTEX_WAIT_PRIVATE, seen, &ms10, NULL, NULL);
	errno = err;
	return s->claim;
}
