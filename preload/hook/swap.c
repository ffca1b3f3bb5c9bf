/* swap.c - first data access, and the way back to the original. */
#include "swap.h"

#include <signal.h>

/* Flags of the open file description that the other one gets too. */
#define KEEP_FLAGS (O_NONBLOCK | O_NOATIME | O_NOFOLLOW | O_SYNC | O_DSYNC | O_APPEND)
#define WAITS      100            /* of 10 ms */

/* Puts `from` under number `to` and closes `from`, if `to` is still on (dev, ino). The caller has a claim on `to`: no
 * other thread swaps or closes it. *offset: what both stood at. */
static bool put_under(int from, int to, uint64_t dev, uint64_t ino, off_t *offset)
{
	struct stat st;
	sigset_t all, was;
	bool done = false;

	/* A signal handler that read or moved the offset in the middle would be undone. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	if (next.fstat(to, &st) == 0 && st.st_dev == dev && st.st_ino == ino) {
		off_t at = next.lseek(to, 0, SEEK_CUR);
		int fdfl = next.fcntl(to, F_GETFD);
		if (at >= 0 && fdfl >= 0 && (at == 0 || next.lseek(from, at, SEEK_SET) == at))
			done = next.dup3(from, to, fdfl & FD_CLOEXEC ? O_CLOEXEC : 0) == to;
		*offset = at;
	}
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	next.close(from);
	return done;
}

/* Claims the hint on fd for `to`. Another thread that has it fetches: waits until it has finished; after about a
 * second takes the claim away from it, so that our access of the original cannot come between its look at the
 * offset and its swap. True: claimed, e as of now. False: nothing to do on fd any more. */
static bool claim_hint(int fd, unsigned to, struct fd_entry *e)
{
	for (int n = 0; n < 2 * WAITS; n++) {
		if (!fd_get(fd, e) || e->kind != FD_HINT || CLAIM_STATE(e->claim) == CLAIM_NONE)
			return false;
		if (CLAIM_STATE(e->claim) == CLAIM_READY) {
			if (fd_claim(fd, &e->claim, to))
				return true;
		} else if (n >= WAITS && CLAIM_STATE(e->claim) == CLAIM_BUSY && fd_claim(fd, &e->claim, CLAIM_NONE)) {
			break;
		} else {
			fd_claim_wait(fd, e->claim);
		}
	}
	fd_forget(fd);
	return false;
}

/* Claims the copies of hint fd, which wait with it: their numbers into mates, -1 behind the last. False: one of them is
 * being fetched for, or they are too many: then all stay the original's. */
#define MATES 8
static bool claim_mates(int fd, const struct fd_entry *e, int mates[MATES + 1], uint32_t claims[MATES])
{
	struct fd_entry o;
	int n = 0;
	bool ok = true;

	for (int i = e->shared ? fd_highest() : -1; i >= 0 && ok; i--) {
		if (i == fd || !fd_is(i, FD_OURS) || !fd_get(i, &o) || o.kind != FD_HINT || o.group != e->group)
			continue;
		claims[n < MATES ? n : 0] = o.claim;
		ok = n < MATES && CLAIM_STATE(o.claim) == CLAIM_READY && fd_claim(i, &claims[n], CLAIM_SWAP);
		if (ok)
			mates[n++] = i;
	}
	mates[n] = -1;
	for (int i = 0; !ok && i < n; i++)
		fd_claim(mates[i], &claims[i], CLAIM_READY);
	return ok;
}

/* fd is on its object: so are its copies now, which were on the original at the same offset. */
static void swap_mates(int fd, const struct fd_entry *e, const int *mates, uint32_t *claims)
{
	for (int i = 0; mates[i] >= 0; i++) {
		struct stat st;
		int fdfl = next.fcntl(mates[i], F_GETFD);
		bool done = next.fstat(mates[i], &st) == 0 && st.st_dev == e->c.dev && st.st_ino == e->c.ino && fdfl >= 0 &&
			    next.dup3(fd, mates[i], fdfl & FD_CLOEXEC ? O_CLOEXEC : 0) == mates[i];
		if (!fd_claim(mates[i], &claims[i], CLAIM_NONE))
			continue;
		if (done)
			fd_install(mates[i], FD_OBJECT, &e->c, e->group, false);
		else
			fd_forget(mates[i]);
	}
}

static void demand_hint(int fd, struct fd_entry *e)
{
	int mates[MATES + 1] = { -1 };
	uint32_t claims[MATES];

	if (!claim_hint(fd, CLAIM_BUSY, e))
		return;
	/* The number may have been closed and reused behind our back: never put an object under what is not
	 * a plain read-only descriptor. In a vfork child the table is our parent's. */
	int fl = next.fcntl(fd, F_GETFL);
	int obj = -1;
	off_t at;
	if (fl >= 0 && (fl & O_ACCMODE) == O_RDONLY && !(fl & (O_PATH | O_DIRECT | O_APPEND)) && getpid() == hook_pid)
		obj = session_fetch(fd, (fl & KEEP_FLAGS) | O_CLOEXEC, &e->c);
	if (obj >= 0 && claim_mates(fd, e, mates, claims)) {
		if (!fd_claim(fd, &e->claim, CLAIM_SWAP)) {
			next.close(obj);
		} else if (put_under(obj, fd, e->c.dev, e->c.ino, &at)) {
			swap_mates(fd, e, mates, claims);
			fd_claim(fd, &e->claim, CLAIM_NONE);
			fd_install(fd, FD_OBJECT, &e->c, e->shared ? e->group : 0, false);
			return;
		}
		for (int i = 0; mates[i] >= 0; i++)
			fd_claim(mates[i], &claims[i], CLAIM_READY);
	} else if (obj >= 0) {
		next.close(obj);
	}
	/* Forget it, unless the number is somebody else's by now. */
	if (fd_claim(fd, &e->claim, CLAIM_NONE))
		fd_forget_all(fd);
}

/* Another thread takes an object back to the original just now: until it has, 1 s at most. */
static void wait_back(int fd, struct fd_entry *e)
{
	for (int n = 0; n < WAITS && fd_get(fd, e) && e->kind == FD_OBJECT && CLAIM_STATE(e->claim) == CLAIM_SWAP; n++)
		fd_claim_wait(fd, e->claim);
}

void fd_demand(int fd)
{
	struct fd_entry e;

	if (hook_inside() || !fd_get(fd, &e))
		return;
	struct guard g = hook_enter();
	if (e.kind == FD_HINT)
		demand_hint(fd, &e);
	else if (CLAIM_STATE(e.claim) == CLAIM_SWAP)
		wait_back(fd, &e);
	else if (fd_take_pending(fd) && e.kind == FD_OBJECT)
		session_touch(&e.c);
	hook_leave(g);
}

bool fd_hold(int fd, uint32_t *claim)
{
	struct fd_entry e;

	if (hook_inside() || !fd_get(fd, &e))
		return false;
	if (e.kind != FD_HINT) {
		wait_back(fd, &e);
		return false;
	}
	if (!claim_hint(fd, CLAIM_SWAP, &e))
		return false;
	*claim = e.claim;
	if (!opt4_inside)
		hook_outermost = (struct outermost){ __builtin_frame_address(0), -1 };
	opt4_inside++;          /* a signal handler that closes fd must not wait for us */
	return true;
}

void fd_release(int fd, uint32_t claim)
{
	opt4_inside--;
	fd_claim(fd, &claim, CLAIM_READY);
}

/* One member of a group back to the original `from` (a descriptor that stays open). It may be another thread's, which
 * reads by it: its next access waits for us, and what one that had begun has read counts. */
static bool back(int from, int to, struct fd_entry *e)
{
	off_t at;
	bool done = false, tracked = to < FD_MAX;

	if (tracked && (CLAIM_STATE(e->claim) != CLAIM_READY || !fd_claim(to, &e->claim, CLAIM_SWAP)))
		return false;
	bool set = tracked && fd_set_pending(to);
	struct stat st;
	uint64_t dev = session_ssd_dev && next.fstat(to, &st) == 0 && st.st_dev == session_ssd_dev ? session_ssd_dev : session_dev;
	int own = next.fcntl(from, F_DUPFD_CLOEXEC, 0), old = next.fcntl(to, F_DUPFD_CLOEXEC, 0);
	if (own >= 0 && (done = put_under(own, to, dev, e->c.obj_ino, &at)) && old >= 0) {
		off_t read = next.lseek(old, 0, SEEK_CUR) - at;
		if (read)
			next.lseek(to, read, SEEK_CUR);
	}
	if (old >= 0)
		next.close(old);
	if (!done && set)
		fd_take_pending(to);
	if (tracked && fd_claim(to, &e->claim, done ? CLAIM_NONE : CLAIM_READY) && done)
		fd_forget(to);
	return done;
}

bool fd_original(int fd)
{
	struct fd_entry e, other;
	struct stat st;
	bool ok = true;

	if (hook_inside())
		return true;
	if (fd_is(fd, FD_OURS) && fd_get(fd, &e) && e.kind != FD_OBJECT) {
		if (e.kind == FD_HINT)
			fd_forget(fd);
		return true;
	}
	struct guard g = hook_enter();
	fd_any();               /* its duplicates may be strangers */
	if (session_dev && next.fstat(fd, &st) == 0 && session_on(st.st_dev) && fd_object(fd, st.st_ino, &e)) {
		int fl = next.fcntl(fd, F_GETFL);
		int orig = fl < 0 ? -1 : session_reopen(&e.c, (fl & (KEEP_FLAGS | O_ACCMODE)) | O_CLOEXEC);
		/* Duplicates share the offset, before and after: all of them stand on one new description. */
		ok = orig >= 0 && back(orig, fd, &e);
		for (int i = ok ? fd_highest() : -1; i >= 0; i--)
			if (fd_is(i, FD_OURS) && fd_get(i, &other) && other.kind == FD_OBJECT &&
			    other.group == e.group && other.c.obj_ino == e.c.obj_ino)
				back(orig, i, &other);
		if (orig >= 0)
			next.close(orig);
	}
	hook_leave(g);
	return ok;
}

bool fd_failed(int fd, int before)
{
	struct fd_entry e;
	int err = errno;

	if (!session_ssd_dev || hook_inside() || !fd_is(fd, FD_OURS) || !fd_get(fd, &e) || e.kind != FD_OBJECT)
		return false;
	errno = err;
	if (!fd_left_object(fd, before))
		return false;
	struct guard g = hook_enter();
	session_failed(&e.c);
	hook_leave(g);
	errno = before;
	return true;
}

bool fd_left_object(int fd, int before)
{
	struct stat st;
	int err = errno;
	bool left = session_dev && !hook_inside() && next.fstat(fd, &st) == 0 && session_on(st.st_dev) && fd_original(fd);

	errno = left ? before : err;
	return left;
}

void fd_original_all(uint32_t rec, const struct stat *st)
{
	struct fd_entry e;

	for (int i = fd_any() ? fd_highest() : -1; i >= 0; i--)
		if (fd_is(i, FD_OURS) && fd_get(i, &e) && e.kind != FD_WRITER &&
		    (rec == REC_NONE || e.c.rec == rec || (st && e.c.dev == st->st_dev && e.c.ino == st->st_ino)))
			fd_original(i);
}

void fd_duplicate(int from, int to)
{
	struct fd_entry e;

	if (!fd_is(from, FD_OURS) || !fd_get(from, &e)) {
		fd_clear(to);
		if (fd_is(from, FD_GROWS))
			fd_set_grows(to);
		return;
	}
	if (e.kind == FD_WRITER) {
		/* Two numbers, one count: whichever is closed first would say that the writing is over. */
		fd_clear(to);
		fd_forget(from);
		return;
	}
	fd_clear(to);
	if (e.kind == FD_OBJECT)
		fd_install(to, FD_OBJECT, &e.c, e.group, false);
	else if (fd_is(from, FD_PENDING) && (unsigned)to < FD_MAX)
		fd_install_copy(from, to, &e);
	else
		fd_forget(from);   /* its copy is too high to be known */
}
