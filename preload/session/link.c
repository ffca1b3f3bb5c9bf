/* link.c - several names of one file: symbolic and hard links, folders that are links. They have one object, which is that of the record
 * whose name was first; the others' records say so (`twin`) and stay absent for ever. So budget, eviction and repair know of one file only,
 * and what a name leads to is still asked of that name: its own look at the original must show what the object was made of.
 *
 * Nothing here is trusted for long. A twin is found by its inode in a table, and taken for one when the file system itself says
 * that both names lead to it; where that is no longer so when it matters (nothing is resident, or something else) they part again.
 * A mistake costs a second object. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "parts.h"

/* Does the name of rec lead to the file that o was seen of just now? */
static bool leads_to(uint32_t rec, const struct origin *o)
{
	char path[PATH_BYTES];
	struct stat st;
	return record_path(rec, path, sizeof(path)) && stat(path, &st) == 0 && st.st_dev == o->dev && st.st_ino == o->ino && numbers_hold(path);
}

uint32_t link_part(uint32_t name)
{
	uint32_t rec = record_twin(name);
	if (rec == name)
		return rec;
	atomic_store_explicit(&view.rec[name].same, 0, memory_order_relaxed);
	atomic_store_explicit(&view.rec[name].twin, 0, memory_order_release);
	if (session_lock()) {      /* it may be filed where that name needs it next */
		plans_fronts();
		if (rec_state(rec) == REC_RESIDENT)
			filing_put(rec, plans_use(rec));
		session_unlock();
	}
	return rec;
}

/* From now on the object of `name` is that of `rec`. mine: it is this process that fills `name` just now, and will not. */
static bool join(uint32_t name, uint32_t rec, const struct origin *o, bool mine)
{
	struct record *r = &view.rec[name];
	if (!session_lock())
		return false;
	uint64_t w = atomic_load(&r->state);
	bool still = (ST_STATE(w) == REC_ABSENT || (mine && ST_STATE(w) == REC_FILLING)) && !atomic_load(&r->writers) && links_find(origin_inode(o)) == rec && record_twin(rec) == rec;
	if (still) {
		links_drop(name);
		atomic_store_explicit(&r->same, origin_same_as(o), memory_order_relaxed);
		atomic_store_explicit(&r->checked, now_coarse(), memory_order_relaxed);
		atomic_store_explicit(&r->more, atomic_load_explicit(&view.rec[rec].more, memory_order_relaxed), memory_order_relaxed);
		atomic_store_explicit(&view.rec[rec].more, name + 1, memory_order_relaxed);
		atomic_store_explicit(&r->twin, rec + 1, memory_order_release);
		rec_touch(name);
	}
	session_unlock();
	return still;
}

/* Another name has the object, or is to have it: is that still so? */
static bool still_twins(uint32_t name, uint32_t rec, const struct origin *o)
{
	struct resident is;
	if (atomic_load_explicit(&view.rec[rec].inode, memory_order_relaxed) != origin_inode(o))
		return false;
	bool same = record_read(rec, &is) && is.same == origin_same_as(o);
	if (!same && !leads_to(rec, o))
		return false;
	atomic_store_explicit(&view.rec[name].same, origin_same_as(o), memory_order_relaxed);
	atomic_store_explicit(&view.rec[name].checked, now_coarse(), memory_order_relaxed);
	return true;
}

uint32_t link_settle(uint32_t name, const struct origin *o)
{
	uint32_t rec = record_twin(name);
	if (rec != name) {
		if (still_twins(name, rec, o))
			return rec;
		link_part(name);
	}
	rec = links_find(origin_inode(o));
	if (rec == REC_NONE || rec == name || rec_state(name) != REC_ABSENT || !leads_to(rec, o))
		return name;
	return join(name, rec, o, false) ? rec : name;
}

uint32_t link_stand(uint32_t rec, const struct origin *o)
{
	uint32_t is = links_find(origin_inode(o));
	if (is != REC_NONE && is != rec && record_twin(is) == is && (rec_state(is) == REC_FILLING || rec_state(is) == REC_RESIDENT))
		return is;
	links_put(rec, origin_inode(o));
	return rec;
}

bool link_elsewhere(uint32_t rec, const struct origin *o)
{
	uint32_t is = links_find(origin_inode(o));
	if (is == REC_NONE && session_lock()) {
		is = link_stand(rec, o);
		session_unlock();
	}
	if (is != REC_NONE && is != rec && leads_to(is, o) && join(rec, is, o, true))
		return true;
	link_part(rec);            /* it is to have one of its own */
	return false;
}

int link_open(uint32_t name, int dirfd, const char *path, int flags, struct resident *r)
{
	struct record *is = &view.rec[name];
	uint32_t rec = record_twin(name);
	struct stat st;
	struct origin o;
	if (!record_read(rec, r) || atomic_load_explicit(&is->writers, memory_order_relaxed) || atomic_load_explicit(&view.rec[rec].writers, memory_order_relaxed))
		return -ENOENT;
	uint64_t now = now_coarse(), same = atomic_load_explicit(&is->same, memory_order_relaxed);
	r->checked = atomic_load_explicit(&is->checked, memory_order_relaxed);
	if (!(flags & O_NOFOLLOW) && same == r->same && !look_due(r, now))
		return 0;
	COUNT(view.h->n.revalidations, 1);
	if (fstatat(dirfd, path, &st, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return -ESTALE;
	origin_from(&o, &st);
	if (origin_same_as(&o) != r->same)
		return -ESTALE;    /* whose object goes is settled at the first read */
	if (same != r->same)
		atomic_store_explicit(&is->same, r->same, memory_order_relaxed);
	if (now - r->checked > 1000000)
		atomic_store_explicit(&is->checked, now, memory_order_relaxed);
	r->checked = now;
	return 0;
}
