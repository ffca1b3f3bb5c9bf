/* trace.c - is the trace of this dataset and this torch; where does the dataset lie? */
#include "check.h"

#include "../../../preload/base/base.h"
#include "../common/common.h"
#include "../plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE 256                 /* files looked at, evenly over the trace: a store may take 10 ms each */

struct sample { unsigned looked, gone, other; char example[256]; };

/* The nth of a list with `:` between, or NULL. Into buf. */
static const char *nth(const char *list, unsigned n, char buf[PATH_MAX])
{
	while (list && n--)
		list = (list = strchr(list, ':')) ? list + 1 : NULL;
	if (!list || !*list)
		return NULL;
	snprintf(buf, PATH_MAX, "%.*s", (int)strcspn(list, ":"), list);
	return buf;
}

/* Root n: as --root has it, else as the trace has it. */
static const char *root_path(const struct doctor *d, const struct trace *t, uint32_t n, char buf[PATH_MAX])
{
	if (nth(d->roots, n, buf) && *buf)
		return buf;
	size_t len;
	const char *path = t ? trace_root_path(t, n, &len) : NULL;
	if (!path || len >= PATH_MAX)
		return NULL;
	snprintf(buf, PATH_MAX, "%.*s", (int)len, path);
	return buf;
}

static void look(const struct doctor *d, const struct trace *t, uint32_t file, struct sample *s)
{
	char root[PATH_MAX], path[PATH_MAX + 4096];
	uint32_t n;
	size_t len;
	const char *rel = trace_path(t, file, &len, &n);
	struct stat st;

	if (!rel || !root_path(d, t, n, root) || len > 4000)
		return;
	s->looked++;
	snprintf(path, sizeof(path), "%s/%.*s", root, (int)len, rel);
	bool gone = stat(path, &st) < 0;
	uint64_t size = gone ? 0 : (uint64_t)st.st_size < UINT32_MAX ? (uint64_t)st.st_size : UINT32_MAX;
	s->gone += gone;
	s->other += !gone && size != t->sizes[file];
	if (!*s->example && (gone || size != t->sizes[file]))
		snprintf(s->example, sizeof(s->example), "%.*s", (int)(len < 200 ? len : 200), rel);
}

static void fresh(struct doctor *d, const struct trace *t)
{
	struct sample s = { 0 };
	uint32_t step = t->h->nfiles / SAMPLE + 1;

	for (uint32_t f = 0; f < t->h->nfiles; f += step)
		look(d, t, f, &s);
	if (s.gone)
		doctor_say(d, DOCTOR_BAD, "trace", "%u of %u files looked at are gone, %s is one; --root DIR says where they lie now, or "
			   "write it anew by opt4-trace", s.gone, s.looked, s.example);
	else if (s.other)
		doctor_say(d, DOCTOR_BAD, "trace", "%u of %u files looked at have another size, %s is one; write it anew by opt4-trace",
			   s.other, s.looked, s.example);
	else
		doctor_say(d, DOCTOR_OK, "trace", "%s: %u files, %u accesses; %u looked at are as traced", d->trace, t->h->nfiles,
			   t->h->npos, s.looked);
}

/* Major and minor of a version, as one number; 0 where there is none. */
static unsigned version(const char *s)
{
	unsigned major = 0, minor = 0;

	return sscanf(s, "%u.%u", &major, &minor) == 2 ? major * 1000 + minor : 0;
}

/* The trace's description names what its order depends on that changes between versions of torch. */
static void torch(struct doctor *d, const struct trace *t)
{
	const struct trace_section *s = &t->h->section[TRACE_META];
	char err[128];
	struct json *meta = json_parse((const char *)t->h + s->offset, s->bytes, err);
	const char *theirs = json_text(json_get(meta, "versions"), "torch");
	const struct json *depends = json_get(meta, "depends_on");

	if (!meta)
		doctor_say(d, DOCTOR_BAD, "torch", "the trace's description is damaged (%s); write it anew by opt4-trace", err);
	else if (!*theirs)
		doctor_say(d, DOCTOR_OK, "torch", "the trace was recorded: it depends on no torch");
	else if (!*d->python)
		doctor_say(d, DOCTOR_WARN, "torch", "the trace is of torch %s, there is no interpreter to compare; set PYTHON", theirs);
	else if (!*d->torch)
		doctor_say(d, DOCTOR_WARN, "torch", "the trace is of torch %s, %s has none; PYTHON names the job's interpreter", theirs, d->python);
	else if (version(theirs) == version(d->torch))
		doctor_say(d, DOCTOR_OK, "torch", "the trace is of torch %s, as is %s", theirs, d->python);
	else if (depends && depends->child)
		doctor_say(d, DOCTOR_BAD, "torch", "the trace is of torch %s, %s has %s, which draws %s otherwise; write it by that python",
			   theirs, d->python, d->torch, depends->child->text ? depends->child->text : "this order");
	else
		doctor_say(d, DOCTOR_OK, "torch", "the trace is of torch %s, %s has %s: they draw this order alike", theirs, d->python,
			   d->torch);
	json_free(meta);
}

void doctor_trace(struct doctor *d)
{
	struct trace t;
	char err[256];

	if (!d->trace)
		return;
	if (access(d->trace, R_OK) < 0) {
		doctor_say(d, DOCTOR_BAD, "trace", "%s: %s; make it by opt4-trace", d->trace, strerror(errno));
		return;
	}
	if (trace_open(&t, d->trace, err) < 0) {
		doctor_say(d, DOCTOR_BAD, "trace", "%s: %s; write it anew by opt4-trace", d->trace, err);
		return;
	}
	struct sim_input in = { .sizes = t.sizes, .nfiles = t.h->nfiles };
	d->dataset = sim_dataset(&in);
	d->files = t.h->nfiles;
	fresh(d, &t);
	torch(d, &t);
	trace_close(&t);
}

static bool networked(const char *type)
{
	static const char *const types[] = { "nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "glusterfs", "9p", "beegfs", "gpfs",
					     "afs", "virtiofs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return !strncmp(type, "fuse", 4);
}

static void root(struct doctor *d, const char *path)
{
	struct doctor_mount m;
	char real[PATH_MAX];
	const char *home = getenv("HOME");
	struct stat st;

	if (!realpath(path, real) || stat(real, &st) < 0) {
		doctor_say(d, DOCTOR_BAD, "dataset", "%s: %s; give the folder of the images", path, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		doctor_say(d, DOCTOR_BAD, "dataset", "%s is no folder; give the folder of the images", path);
	} else if (access(real, R_OK | X_OK) < 0) {
		doctor_say(d, DOCTOR_BAD, "dataset", "%s: %s; make it readable for this user", path, strerror(errno));
	} else if (!strcmp(real, "/") || (home && !strcmp(real, home))) {
		doctor_say(d, DOCTOR_BAD, "dataset", "%s is never taken as a dataset; give the folder of the images", path);
	} else if (!doctor_mount(real, &m)) {
		doctor_say(d, DOCTOR_OK, "dataset", "%s", path);
	} else if (!strcmp(m.type, "tmpfs") || !strcmp(m.type, "ramfs")) {
		doctor_say(d, DOCTOR_BAD, "dataset", "%s lies in memory already (%s), opt4 leaves it alone; run the job without", path, m.type);
	} else if (networked(m.type)) {
		doctor_say(d, DOCTOR_OK, "dataset", "%s on %s: looked at again after 60 s, not at every open (OPT4_REVALIDATE)", path, m.type);
	} else {
		doctor_say(d, DOCTOR_OK, "dataset", "%s on %s", path, m.type);
	}
}

void doctor_roots(struct doctor *d)
{
	struct trace t;
	char err[256], buf[PATH_MAX];
	bool have = d->trace && trace_open(&t, d->trace, err) == 0;
	const char *path;

	for (uint32_t n = 0; (path = root_path(d, have ? &t : NULL, n, buf)); n++)
		root(d, path);
	if (have)
		trace_close(&t);
}
