/* attach.c - a process comes to the session: finds or makes it, takes a slot, joins its trace. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "parts.h"

static _Atomic int attaching;
static uint64_t retry_after = 1000000000;  /* ns; doubles up to: */
#define RETRY_MOST 60000000000ull

void session_disable(const char *why) { view_disable(why); }

/* Under the lock: two who add one at once must not give two roots one number. */
static void add_root(const char *real)
{
	uint32_t n = index_roots();
	for (uint32_t r = 0; r < n; r++)
		if (!strcmp(view.h->roots[r].path, real))
			return;
	if (n == ROOTS_MAX)
		return;
	strcpy(view.h->roots[n].path, real);
	view.h->nroots = n + 1;
}

static uint8_t root_number(const char *real)
{
	for (uint32_t r = 0; r < index_roots(); r++)
		if (!strcmp(view.h->roots[r].path, real))
			return (uint8_t)(r + 1);
	return 0;
}

/* Which of the session's roots are ours; by realpath. A joiner may bring further ones. */
static void match_own_roots(void)
{
	for (unsigned i = 0; i < conf.nroots; i++) {
		size_t len;
		const char *real = conf.root[i].len ? conf_root_real(i, &len) : NULL;
		if (!real)
			continue;
		for (int tries = 0; tries < 100 && !root_number(real) && index_roots() < ROOTS_MAX; tries++)
			if (session_lock()) {
				add_root(real);
				session_unlock();
			}
		view.root_of[i] = root_number(real);
		identity_of(real);
	}
}

void session_roots_added(void)
{
	if (session_attach())
		match_own_roots();
}

/* Revalidation when nobody set it: always on a local file system, 60 s on a network one. */
static uint64_t revalidate_default(void)
{
	static const uint32_t network[] = { 0x6969, 0xFF534D42, 0xFE534D42, 0x517B, 0x0BD00BD0, 0x00C36400, 0x47504653,
					    0x19830326, 0x65735546, 0x01021997, 0x5346414F, 0x73757245, 0x7461636f };
	/* nfs cifs smb2 smb lustre ceph gpfs beegfs fuse 9p afs coda ocfs2; FUSE: nearly always a network behind it */
	struct statfs fs;
	if (!*view.h->roots[0].path || statfs(view.h->roots[0].path, &fs) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(network) / sizeof(*network); i++)
		if ((uint32_t)fs.f_type == network[i])
			return 60000000000ull;
	return 0;
}

static bool moved;             /* this process has lost its session, and comes to another */

static int find_or_make(char *dir, bool other)
{
	int rc = -ENOENT;
	/* whoever removes the last session takes the parent along: then once more */
	for (int i = 0; i < 3 && rc == -ENOENT; i++)
		if ((rc = dir_name(dir, PATH_BYTES, true, other)) == 0)
			rc = dir_secure(dir, true);
	if (rc < 0)
		return rc;
	if (index_map(dir) == 0) {
		if (index_live() && (other || *conf.dir || root_same()))
			return 0;
		bool theirs = index_live();
		view_unmap();
		if (theirs)        /* of another folder with this path */
			return find_or_make(dir, true);
	}
	int lock = dir_lock(dir);
	if (lock < 0)
		return lock;
	rc = index_map(dir);
	if (rc == 0 && !index_live()) {
		/* left behind: kept for us, or by a job that was killed */
		if (view.h->keep)
			rc = kept_take(dir);
		else
			rc = -ESTALE;
		view_unmap();
		if (rc < 0)
			dir_clear(dir, CLEAR_INSIDE);
	} else if (rc == -ESTALE && moved) {
		dir_unlock(lock);  /* we lost our folder, and another lies there now: whoever put it there may need it */
		return rc;
	} else if (rc == -ESTALE) {
		dir_clear(dir, CLEAR_INSIDE); /* another version, another boot, damaged */
	}
	bool fresh = !view.h;
	if (fresh) {
		int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		rc = dirfd < 0 ? -errno : index_create(dir, dirfd);
		if (dirfd >= 0)
			close(dirfd);
		if (rc < 0)
			dir_clear(dir, CLEAR_ALL); /* nobody would come back for what there is of it */
		if (rc == 0)
			rc = index_map(dir);
		if (rc == 0 && view.h->revalidate_ns == UINT64_MAX - 1)
			view.h->revalidate_ns = revalidate_default();
	}
	/* The job goes into the table before the lock is let go: else the next to come would think it stale. */
	if (rc == 0 && !(slot_claim(0) && plans_refresh() == 0 && policy_refresh() == 0))
		rc = -EAGAIN;
	if (rc == 0 && fresh)
		ssd_begin();       /* before others come: who waits for the folder's lock finds it whole */
	if (rc == 0)
		rc = register_job(true);
	if (rc == 0 && !fresh)
		ssd_asked();       /* it has been made while we waited */
	if (rc == 0)
		kept_adopt();
	dir_unlock(lock);
	return rc;
}

static int attach(void)
{
	static char dir[PATH_BYTES];   /* `attaching` keeps threads apart */
	if (!proc_self()->start && access("/proc/self/stat", F_OK) < 0)
		return -ENOSYS;
	int rc = view.h ? 0 : find_or_make(dir, false);
	if (rc == 0 && !root_same()) {   /* OPT4_DIR's, or the folder was replaced under a running job */
		session_disable(*conf.dir ? "OPT4_DIR is in use for another root" : "the root is another folder now");
		return -EBUSY;
	}
	if (rc == 0 && view.slot == SLOTS_MAX)
		rc = slot_claim(0) ? 0 : -EAGAIN;
	for (int i = 0; rc == 0 && (rc = plans_refresh()) == -EAGAIN && i < 100; i++)
		rc = 0;            /* a live order is being replaced */
	if (rc == 0 && view.policy_gen != view.h->policy_gen)
		rc = policy_refresh();
	if (rc < 0)
		return rc;
	repair_bury();             /* who was killed still holds its charge, and its place in the order */
	if (!view.slots[view.slot].job && (rc = register_job(false)) < 0)
		return rc;
	match_own_roots();
	whose_last_bytes();
	view.revalidate_ns = conf.revalidate_set ? conf.revalidate_ns : view.h->revalidate_ns;
	if (conf.have_trace && !orders.own_plan) {
		uint32_t n;
		for (n = 0; n < index_plans() && view.h->plans[n].trace_id != conf.trace.h->id; n++)
			;
		int lock = n < index_plans() ? -1 : dir_lock(view.dir);
		rc = plan_join();
		if (lock >= 0)
			dir_unlock(lock);
	}
	view.slots[view.slot].plan = orders.own_plan;
	if (rc == 0)
		keeper_check();
	return rc;
}

static const char *why(int rc)
{
	switch (rc) {
	case -EACCES: return "others may enter it; make it mode 700";
	case -EPERM:  return "somebody else's";
	case -EXDEV:  return "not on tmpfs";
	case -ENOSYS: return "no /proc, which says who lives";
	case -ENOTSUP: return "the dataset is in memory already";
	default:      return strerror(-rc);
	}
}

static void leave_unmapped(void)
{
	slot_leave();
	job_left();
	view_unmap();
}

int session_visit_to_shrink(const char *dir, uint64_t want)
{
	if (atomic_exchange(&attaching, 1))
		return -EBUSY;
	proc_after_fork();         /* where nothing is hooked nobody says so */
	int rc = view.h ? -EBUSY : keeper_visit(dir, 2);
	if (rc == 0) {
		room_promise(pages_of(want), NULL, 0);
		victims_make_room();
	}
	if (rc != -EBUSY)
		leave_unmapped();
	atomic_store(&attaching, 0);
	return rc;
}

/* `opt4 run` looks for the session where we found it, whatever the root is called by then, and whoever we are. Forked
 * processes need not say it again. */
static void tell_session(void)
{
	static uint64_t told;
	if (told != view.index_ino && tell(TOLD_SESSION, view.dir))
		told = view.index_ino;
}

_Atomic unsigned session_users;
void (*session_moves)(void);

static void move(void)
{
	moved = true;
	if (session_moves)
		session_moves();
	leave_unmapped();
}

/* Somebody has removed the session (what empties /dev/shm when a login or a job step ends), and we go on. What other
 * threads may be using is left alone: then only the processes that are forked from now on come back. */
static bool come_back(void)
{
	static uint64_t next, pause = 250000000;
	uint64_t now = now_coarse();
	if (atomic_load(&view.h->gone) != GONE_LOST || session_users > 1 || now < next || atomic_exchange(&attaching, 1))
		return false;
	next = now + pause;        /* whoever empties it again and again wins */
	pause = pause < RETRY_MOST ? pause * 2 : RETRY_MOST;
	move();
	retry_after = 1000000000;
	atomic_store(&attaching, 0);
	return true;
}

bool session_attach(void)
{
	if (view.disabled)
		return false;
	if (atomic_load_explicit(&view.attached, memory_order_acquire)) {
		uint32_t gone = atomic_load_explicit(&view.h->gone, memory_order_relaxed);   /* seen late, what is opened by then is still there */
		if (!gone)
			return true;
		if (gone == GONE_OVER)
			session_disable("the session has been removed");
		if (gone == GONE_OVER || !come_back())
			return false;
	}
	if (now_coarse() < view.retry_at || stack_small())
		return false;
	struct calm calm;
	calm_begin(&calm);
	if (atomic_exchange(&attaching, 1)) {
		calm_end(&calm);
		return false;
	}
	/* Another thread may have done it between our look and now: a second attempt that failed would unmap what it uses. */
	bool inherited = view.h;
	int rc = atomic_load(&view.attached) ? 0 : attach();
	if (rc < 0 && inherited && session_users <= 1 && index_lost()) {
		move();            /* a forked process may be the first to find out */
		inherited = false;
		rc = attach();
	}
	/* Its last job left, and removed it, while we came: the next one is ours to make. */
	for (int i = 0; rc < 0 && view.h && atomic_load(&view.h->gone) && !inherited && i < 3; i++) {
		leave_unmapped();
		rc = attach();
	}
	if (rc < 0) {
		char where[32];
		snprintf(where, sizeof(where), "/dev/shm/opt4-%u", (unsigned)geteuid());
		if (rc != -ENOENT || *conf.dir)    /* a root that is not there, yet or any more, is no news */
			note_reason("opt4: %s%.150s: %s; reading the originals", *conf.dir ? "OPT4_DIR: " : "session below ", *conf.dir ? conf.dir : where, why(rc));
		leave_unmapped();
		view.retry_at = now_coarse() + retry_after;
		retry_after = retry_after < RETRY_MOST ? retry_after * 2 : RETRY_MOST;
	} else {
		atomic_store(&view.attached, !view.disabled);
		log_settled();
		tell_session();
	}
	atomic_store(&attaching, 0);
	calm_end(&calm);
	return rc == 0 && !view.disabled;
}

void session_after_fork(void)
{
	proc_after_fork();
	view.slot = SLOTS_MAX;
	orders.run = NULL;
	orders.live_run = NULL;
	orders.live_plan = 0;
	view.attached = false;
	atomic_store(&attaching, 0);
	plans_unguard();           /* another thread of the parent may have had it: */
	view.policy_gen = 0;       /* then everything is looked at again */
	tier_tmpfs.after_fork();
	fill_after_fork();
	session_users = 1;
	if (view.h && atomic_load(&view.h->gone) == GONE_LOST)
		move();
}

void session_abandoned(void) { lock_abandoned(); }
