/* spill.c - what is in memory goes to the SSD, in the background: while that has room, those that have been read and are
 * needed last first; where the future is uneven also in the place of what is needed much later (uneven.c).
 *
 * Everything is written once. In shuffled epochs each file's next use lies an epoch away whatever is chosen, and moving
 * would only wear the disk: what is on the SSD stays there, but for what an earlier job left that read other files. Memory is
 * left to what comes next and to what is not on the SSD.
 *
 * An object is copied, linked on the SSD, and then, under the lock, it is the record's; the one in memory goes. Whoever has
 * that open keeps it. Each step is marked in the index, so that whoever buries a keeper can finish it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "opt4d.h"

#define THREADS   4u
#define LOOKS     32u
#define SPARE_PAGES 256u           /* less room than this: full */
#define BUFFER    (1u << 20)
#define STACK     (64u << 10)
#define MARKS_LEFT 64u             /* entries of the table of fills that stay the others' */
#define PAUSE_NS  5000000000ull    /* after ENOSPC */
#define FLOOR_NS  100000000ull
#define RESERVE   32u              /* this part of memory is kept free, where the SSD's files are replaced */
#define PROVEN    2u               /* times that it has been read, for what nobody reads to make room */
#define PATIENCE_NS 100000000ull   /* without one moved, room in memory is made by eviction */

static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static uint32_t nthreads, idle, moving;
static uint64_t paused_until, floor_at;
static int64_t floor_left;         /* bytes of the disk above what stays free, at the last look, less what was taken since */
static uint64_t most_wanted, leaving;   /* pages: the largest file that room was wanted for; what is on its way out of memory */
static uint32_t looks;             /* at originals of what nobody has opened yet, this round */
static bool over;

struct move { uint32_t rec, victim; uint64_t pages; struct key key; struct inflight *mark; };

static bool on(void) { return !over && !atomic_load(&view.h->gone) && ssd_here(); }

static bool full(uint64_t pages)
{
	const struct tier_account *a = &view.h->account[TIER_SSD];
	return atomic_load(&a->charged) + pages > a->budget;
}

/* Is there less free room in memory than fetches shall find? What is replaced on the SSD before it must is a hit the less,
 * and a fetch that waits for it may be late: a small part of memory is kept free. */
static bool lacking(void)
{
	const struct tier_account *a = &view.h->account[TIER_RAM];
	uint64_t reserve = a->budget / RESERVE > 2 * most_wanted ? a->budget / RESERVE : 2 * most_wanted;
	return atomic_load(&a->charged) + reserve > a->budget + leaving;
}

/* Chooses, marks and charges. Under keeper_lock. */
static bool pick(struct move *m)
{
	uint64_t now = now_coarse();
	if (!on() || now < paused_until || !view.h->account[TIER_RAM].resident)
		return false;
	if (now - floor_at > FLOOR_NS) {
		floor_at = now;
		floor_left = ssd_room();
	}
	if (!session_lock())
		return false;
	m->mark = NULL;
	m->victim = FILE_NONE;
	m->rec = inflight_room() > MARKS_LEFT ? victims_spill() : FILE_NONE;
	if (m->rec != FILE_NONE) {
		struct record *r = &view.rec[m->rec];
		m->key = r->key;
		m->pages = ssd_pages(r->st.size);
		bool worn = !wear_allows(m->pages * PAGE);
		if (!worn && (full(m->pages) || (int64_t)(m->pages * PAGE) > floor_left))
			m->victim = lacking() && uneven() ? victims_replace(m->rec, true) : FILE_NONE;
		if (!worn && m->victim == FILE_NONE && (full(m->pages) || (int64_t)(m->pages * PAGE) > floor_left) && r->seen >= PROVEN)
			m->victim = victims_unread();
		if (m->victim != FILE_NONE || (!worn && !full(m->pages) && (int64_t)(m->pages * PAGE) <= floor_left)) {
			atomic_store(&r->spilling, 1);
			m->mark = inflight_mark(m->rec, 0, MARK_SPILL, &m->key);
		}
	}
	session_unlock();
	if (!m->mark)
		return false;
	if (!room_evict_reserve(&m->victim, m->victim != FILE_NONE, TIER_SSD, m->pages)) {
		atomic_store(&view.rec[m->rec].spilling, 0);
		inflight_end(m->mark);
		return m->victim != FILE_NONE && pick(m);   /* it was larger than its victim */
	}
	m->mark->pages = m->pages;
	floor_left -= (int64_t)(m->pages * PAGE);
	wear_wrote(m->pages * PAGE);
	return true;
}

uint64_t spill_moves(void) { return view.h->account[TIER_SSD].fills; }

bool spill_rather(uint32_t wanted)
{
	static uint64_t since, asked, seen;
	const struct tier_account *a = &view.h->account[TIER_SSD];
	uint64_t now = now_coarse(), fills = a->fills;
	if (!on() || now < paused_until || !nthreads || ((full(wanted) || floor_left < 0) && !uneven()))
		return false;
	if (fills != seen || now - asked > PATIENCE_NS)
		since = now;
	seen = fills;
	asked = now;
	if (now - since > PATIENCE_NS || !session_lock())
		return false;
	uint32_t rec = victims_spill();
	uint64_t pages = rec != FILE_NONE ? ssd_pages(view.rec[rec].st.size) : 0;
	bool can = rec != FILE_NONE && wear_allows(pages * PAGE) && (!full(pages) || (uneven() && victims_replace(rec, false) != FILE_NONE));
	session_unlock();
	most_wanted = wanted > most_wanted ? wanted : most_wanted;
	if (can)
		pthread_cond_broadcast(&work);
	return can || moving;
}

/* Nothing locked. 0 and the hash of its bytes, or -errno; -ESTALE: it is in memory no more. */
static int copy(const struct move *m, char *buf, uint64_t *hash, uint64_t *ino, uint64_t *bytes)
{
	struct stat st;
	struct hash h;
	ssize_t got;
	int from = tier_tmpfs.open(&m->key, O_CLOEXEC), to, rc = 0;
	if (from < 0)
		return -ESTALE;
	if (fstat(from, &st) < 0 || ssd_pages((uint64_t)st.st_size) > m->pages) {
		close(from);
		return -ESTALE;
	}
	to = ssd_make(&m->key, (uint64_t)st.st_size);
	if (to < 0) {
		close(from);
		return to;
	}
	hash_begin(&h);
	*bytes = 0;
	while (rc == 0 && (got = pread(from, buf, BUFFER, (off_t)*bytes)) > 0) {
		hash_add(&h, buf, (size_t)got);
		rc = fill_put(to, buf, (size_t)got, *bytes);
		*bytes += (uint64_t)got;
	}
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, st.st_mtim };
	if (rc == 0 && (*bytes != (uint64_t)st.st_size || got < 0))
		rc = -ESTALE;
	if (rc == 0 && (fchmod(to, st.st_mode & 0777) < 0 || futimens(to, times) < 0 || fstat(to, &st) < 0))
		rc = -errno;
	if (rc == 0) {
		sync_file_range(to, 0, 0, SYNC_FILE_RANGE_WRITE);   /* begins now: sealing waits the less */
		rc = ssd_link(&m->key);
	}
	*ino = st.st_ino;
	*hash = hash_end(&h);
	close(from);
	close(to);
	return rc;
}

/* It is on the SSD: from now on the record says so, unless it has changed. Under keeper_lock. 0 or -errno */
static int settle(struct move *m, uint64_t hash, uint64_t ino)
{
	struct record *r = &view.rec[m->rec];
	int rc = -ETIMEDOUT;
	uint64_t held = 0;
	for (int i = 0; i < 20 && rc == -ETIMEDOUT; i++) {
		if (!session_lock())
			continue;
		rc = -ESTALE;
		if (rec_state(m->rec) == REC_RESIDENT && r->tier == TIER_RAM && r->key.path == m->key.path && r->key.stat == m->key.stat && on()) {
			struct use use = r->use;
			held = r->pages;
			filing_take(m->rec);
			view.h->account[TIER_RAM].resident--;
			r->tier = TIER_SSD;
			r->pages = (uint32_t)m->pages;
			r->hash = hash;
			r->left_ino = r->obj_ino;
			r->obj_ino = ino;
			atomic_store(&r->ssd, 0);
			rec_set(m->rec, REC_RESIDENT);
			plans_fronts();
			filing_put(m->rec, use.pos < POS_MAX ? use : plans_use(m->rec));
			view.h->account[TIER_SSD].resident++;
			m->mark->pages = held;
			m->mark->kind = MARK_LEFT;
			rc = 0;
		}
		session_unlock();
	}
	atomic_store(&r->spilling, 0);
	if (rc < 0)
		return rc;
	COUNT(view.h->account[TIER_SSD].fills, 1);
	int gone = tier_tmpfs.evict(view.slot, &m->key);
	inflight_end(m->mark);
	if (gone == 0)
		atomic_fetch_add(&view.h->account[TIER_RAM].lingering, held);
	else
		room_release(TIER_RAM, held);
	seal_later(m->rec);
	return 0;
}

/* What is there can still be read. */
static void read_only(void)
{
	if (paused_until != UINT64_MAX)
		opt4_log("opt4: OPT4_SSD: %.150s: read-only; what is there is still used, nothing more goes there", view.ssd_dir);
	paused_until = UINT64_MAX;
}

/* Under keeper_lock. */
static void finish(struct move *m, int rc, uint64_t hash, uint64_t ino, uint64_t bytes)
{
	COUNT(view.h->account[TIER_SSD].written_bytes, bytes);
	if (rc == 0)
		rc = settle(m, hash, ino);
	if (rc == 0) {
		keeper_ring();     /* there is room in memory */
		return;
	}
	ssd_unmake(&m->key);
	atomic_store(&view.rec[m->rec].spilling, 0);
	inflight_end(m->mark);
	room_release(TIER_SSD, m->pages);
	if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG) {
		static bool said;
		if (!said)
			opt4_log("opt4: OPT4_SSD: %.150s: %s below the budget; what is there stays; free some of it or lower --ssd-size", view.ssd_dir, strerror(-rc));
		said = true;
		paused_until = now_coarse() + PAUSE_NS;
	} else if (rc == -EROFS) {
		read_only();
	} else if (rc == -ENOENT && access(view.ssd_dir, F_OK) < 0) {
		ssd_fail("the folder has been removed");
	} else if (rc != -ESTALE && rc != -ETIMEDOUT) {
		ssd_fail(strerror(-rc));
	}
}

static void *spiller(__attribute__((unused)) void *arg)
{
	char *buf = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		return NULL;
	pthread_mutex_lock(&keeper_lock);
	while (1) {
		struct move m;
		uint64_t hash = 0, ino = 0, bytes = 0, pages;
		if (on() && seal_due()) {
			int rc = seal();
			wear_save();
			if (rc == -EROFS)
				read_only();
			else if (rc < 0)
				ssd_fail(strerror(-rc));
			continue;
		}
		if (!pick(&m)) {
			uint32_t rec;
			if (looks && on() && stale_left(&rec)) {   /* there is no room, or nothing to move */
				looks--;
				pthread_mutex_unlock(&keeper_lock);
				stale_left_look(rec);
				pthread_mutex_lock(&keeper_lock);
				continue;
			}
			idle++;
			pthread_cond_wait(&work, &keeper_lock);
			idle--;
			continue;
		}
		moving++;
		leaving += pages = view.rec[m.rec].pages;
		pthread_mutex_unlock(&keeper_lock);
		int rc = copy(&m, buf, &hash, &ino, &bytes);
		pthread_mutex_lock(&keeper_lock);
		moving--;
		leaving -= pages;
		finish(&m, rc, hash, ino, bytes);
	}
	return NULL;
}

/* Others fill the disk: what is there of ours goes until they have their floor again. */
static void give_way(void)
{
	uint32_t n = 0;
	if (now_coarse() - floor_at > FLOOR_NS) {
		floor_at = now_coarse();
		floor_left = ssd_room();
	}
	for (uint32_t w = 0, files = index_files(); floor_left < 0 && n < VICTIMS_MAX && w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; floor_left < 0 && n < VICTIMS_MAX && bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rec >= files || rec_state(rec) != REC_RESIDENT || view.rec[rec].tier != TIER_SSD)
				continue;
			floor_left += (int64_t)view.rec[rec].pages * (int64_t)PAGE;
			record_drop(rec);
			n++;
		}
}

void spill_tick(void)
{
	static bool begun, refused;
	pthread_attr_t attr;
	pthread_t thread;
	if (!on() || refused)
		return;
	if (!begun) {
		int rc = ssd_own();
		if (rc < 0) {
			refused = true;
			ssd_fail(rc == -EBUSY ? "another session has taken it over" : strerror(-rc));
			return;
		}
		begun = true;
		seal_find();
	}
	tier_ssd.reap(false);
	looks = full(SPARE_PAGES) ? LOOKS : 0;
	give_way();
	if (idle) {
		pthread_cond_broadcast(&work);
		return;
	}
	if (nthreads >= THREADS || !view.h->account[TIER_RAM].resident)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK + (size_t)PTHREAD_STACK_MIN);
	if (pthread_create(&thread, &attr, spiller, NULL) == 0)
		nthreads++;
	pthread_attr_destroy(&attr);
}

void spill_end(void)
{
	bool here = ssd_here();
	over = true;
	if (!here)
		return;
	ssd_leaving(true);
	wear_save();
	if (seal_rest() == 0)
		ssd_leave();       /* else the next session looks for itself */
}
