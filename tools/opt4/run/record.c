/* record.c - the spool of `opt4 run`, and --record. */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../preload/live/live.h"
#include "../common/common.h"
#include "tool.h"

static char spool[PATH_MAX];
static const char *out;
static bool wants_root;

const char *record_spool(void) { return spool; }

void record_give(uid_t uid)
{
	uid_t now = geteuid();
	if (seteuid(getuid()) == 0)
		(void)!chown(spool, uid, (gid_t)-1);
	(void)!seteuid(now);
}

bool record_wants_root(void) { return wants_root; }

static bool is_set(const char *name, const char *value)
{
	const char *s = getenv(name);
	return s && !strcmp(s, value);
}

/* A folder of our own there, in which a file finds room. 0 or -errno. */
static int spool_in(const char *place)
{
	char file[PATH_MAX + 16];
	int fd, rc = -ENAMETOOLONG;
	if ((size_t)snprintf(spool, sizeof(spool), "%s/opt4-run.XXXXXX", place) >= sizeof(spool) || !mkdtemp(spool)) {
		rc = errno ? -errno : rc;
		*spool = 0;
		return rc;
	}
	snprintf(file, sizeof(file), "%s/try", spool);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	rc = fd < 0 || write(fd, file, sizeof(file)) != (ssize_t)sizeof(file) ? -(errno ? errno : ENOSPC) : 0;
	if (fd >= 0) {
		close(fd);
		unlink(file);
	}
	if (rc < 0)
		record_end();
	return rc;
}

/* Where the user wants it, else wherever it can be. 0, or -errno of the first place. */
static int spool_begin(void)
{
	const char *tmp = getenv("TMPDIR"), *run = getenv("XDG_RUNTIME_DIR");
	const char *const places[] = { tmp && *tmp == '/' ? tmp : NULL, "/tmp", "/var/tmp", "/dev/shm", run && *run == '/' ? run : NULL };
	int first = 0, rc = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		errno = 0;
		if (places[i] && (rc = spool_in(places[i])) == 0)
			return 0;
		first = first ? first : rc;
	}
	return first;
}

int record_begin(const char *file, const char *lib)
{
	const char *tmp = getenv("TMPDIR");
	char dir[PATH_MAX + 64];
	bool live = !is_set("OPT4_LIVE", "0") && !is_set("OPT4_DISABLE", "1");
	out = file;
	if (file && !live)
		return usage("--record: the order is learned from the running DataLoader, and OPT4_LIVE=0 or OPT4_DISABLE=1 forbids it");
	snprintf(dir, sizeof(dir), "%s", lib);
	*strrchr(dir, '/') = 0;
	bool there = live && live_python_path(dir);
	wants_root = there && !getenv("OPT4_TRACE") && !getenv("OPT4_ROOT");
	if (file && !there)
		return fail("run: --record: the Python side of opt4 is not found beside %s; build or install opt4 anew", lib);
	if (!there && !getenv("OPT4_TRACE") && !getenv("OPT4_ROOT"))
		fputs("opt4: run: neither --trace nor --root says where the dataset lies; the job runs uncached\n", stderr);
	if (!wants_root && !file)
		return 0;
	int rc = spool_begin();
	if (rc < 0 && file)
		return fail("--record: %s: %s; name a folder that can be written in TMPDIR", tmp && *tmp ? tmp : "/tmp", strerror(-rc));
	if (wants_root)
		setenv("OPT4_LIVE_ROOT", "1", 1);
	if (rc < 0)
		return 0;          /* the library tells in another way */
	setenv("OPT4_SPOOL", spool, 1);
	if (file)
		setenv("OPT4_RECORD", "1", 1);
	return 0;
}

void record_root(void)
{
	char path[PATH_MAX + 16], roots[PATH_MAX];
	if (!wants_root || conf_active())
		return;
	snprintf(path, sizeof(path), "%s/root", spool);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd >= 0 ? read(fd, roots, sizeof(roots) - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	roots[n] = 0;
	conf_add_root(roots);
}

bool record_write(bool session)
{
	if (!out)
		return true;
	if (!session) {
		fail("run: --record: no order was seen: the job read nothing below the dataset's folder through a DataLoader of torch's "
		     "(or Python ran with -E, -I or -S); name the folder with --root, or make a trace with opt4-trace");
		return false;
	}
	int rc = live_export(spool);
	if (rc < 0) {
		fail("run: --record: %s: %s; free some room or name another folder in TMPDIR", spool, strerror(-rc));
		return false;
	}
	const char *args[] = { "record", spool, "-o", out, NULL };
	return trace_tool("--record", args);
}

void record_end(void)
{
	DIR *d = *spool ? opendir(spool) : NULL;
	struct dirent *e;
	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d) {
		closedir(d);
		rmdir(spool);
	}
	*spool = 0;
}
