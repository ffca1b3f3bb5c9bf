/* library.c - see library.h. */
#include "library.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../preload/base/base.h"

#ifndef OPT4_LIBDIR                /* make install's LIBDIR: a multiarch folder */
#define OPT4_LIBDIR "lib"
#endif

#define LINK    "lib"              /* to the library's folder, in a folder of its own */
#define PREFIX  ".lib."            /* such a folder among the sessions: a name with a dot is none */
#define ENVIRON (4u << 20)         /* of a process's environment, what is looked at */

static char made[PATH_MAX];        /* that folder; "": none */
static int made_fd = -1;           /* locked while we live: it is in use though no process names it yet */

bool find_library(char *path, size_t room)
{
	char exe[PATH_MAX];
	static const char *const places[] = { "%s/libopt4.so", "%s/../lib/opt4/libopt4.so", "%s/../lib/libopt4.so",
		"%s/../" OPT4_LIBDIR "/opt4/libopt4.so" };
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *as = (const char *)getauxval(AT_EXECFN);   /* where there is no /proc */
	if (n <= 0 && !(as && realpath(as, exe)))
		return false;
	if (n > 0)
		exe[n] = 0;
	*strrchr(exe, '/') = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, room, places[i], exe);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* May a folder of ours be made in it, that nobody can put another in the place of? */
static bool trusted(const char *base)
{
	struct stat st;
	return lstat(base, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_uid == geteuid() || st.st_uid == 0) &&
	       (!(st.st_mode & 022) || (st.st_mode & S_ISVTX));
}

/* Does a process of the user's others than this one name it? A job may go on in the background when `opt4 run` has ended. */
static bool in_use(const char *folder)
{
	char path[PATH_MAX + 32], *text = malloc(ENVIRON);
	DIR *d = opendir("/proc");
	bool found = false;
	int len = snprintf(path, sizeof(path), "%s/" LINK "/" PRELOAD_NAME, folder);
	for (struct dirent *e; d && text && !found && (e = readdir(d));) {
		char file[300];
		snprintf(file, sizeof(file), "/proc/%s/environ", e->d_name);
		int fd = *e->d_name >= '1' && *e->d_name <= '9' && atoi(e->d_name) != getpid() ? open(file, O_RDONLY | O_CLOEXEC) : -1;
		size_t have = 0;
		for (ssize_t n; fd >= 0 && have < ENVIRON && (n = read(fd, text + have, ENVIRON - have)) > 0;)
			have += (size_t)n;
		found = memmem(text, have, path, (size_t)len) != NULL;
		if (fd >= 0)
			close(fd);
	}
	if (d)
		closedir(d);
	free(text);
	return found;
}

static void remove_link(const char *folder)
{
	char path[PATH_MAX + sizeof("/" LINK)];
	snprintf(path, sizeof(path), "%s/" LINK, folder);
	unlink(path);
	rmdir(folder);
}

static void parent_name(char parent[64]) { snprintf(parent, 64, "/dev/shm/opt4-%u", (unsigned)geteuid()); }

void library_sweep(void)
{
	char parent[64], path[PATH_MAX];
	parent_name(parent);
	DIR *d = trusted(parent) ? opendir(parent) : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1))
			continue;
		snprintf(path, sizeof(path), "%s/%s", parent, e->d_name);
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && !in_use(path))
			remove_link(path);
		if (fd >= 0)
			close(fd);
	}
	if (d) {
		closedir(d);
		rmdir(parent);             /* stays while it holds anything */
	}
}

static bool link_in(const char *base, const char *folder, const char *prefix)
{
	char to[PATH_MAX + sizeof("/" LINK)];
	if (!base || *base != '/' || !preload_can_name(base) || !trusted(base) ||
	    (size_t)snprintf(made, sizeof(made), "%s/%sXXXXXX", base, prefix) >= sizeof(made) - sizeof("/" LINK "/" PRELOAD_NAME) || !mkdtemp(made)) {
		*made = 0;
		return false;
	}
	made_fd = open(made, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	snprintf(to, sizeof(to), "%s/" LINK, made);
	if (made_fd >= 0 && flock(made_fd, LOCK_SH) == 0 && symlink(folder, to) == 0)
		return true;
	library_unname();
	return false;
}

/* The sessions' folder goes first: it is known to be ours. */
static bool link_somewhere(const char *folder)
{
	char parent[64];
	parent_name(parent);
	library_sweep();
	mkdir(parent, 0700);
	if (link_in(parent, folder, PREFIX))
		return true;
	rmdir(parent);
	return link_in(getenv("XDG_RUNTIME_DIR"), folder, "opt4-lib.") || link_in(getenv("TMPDIR"), folder, "opt4-lib.") ||
	       link_in("/tmp", folder, "opt4-lib.");
}

bool library_name(const char *lib, char *named, size_t room)
{
	char folder[PATH_MAX];
	const char *last = strrchr(lib, '/');
	snprintf(named, room, "%s", lib);
	if (preload_can_name(lib))
		return true;
	if ((size_t)snprintf(folder, sizeof(folder), "%.*s", (int)(last - lib), lib) >= sizeof(folder) || !link_somewhere(folder))
		return false;
	snprintf(named, room, "%s/" LINK "%s", made, last);
	return true;
}

void library_unname(void)
{
	char parent[64];
	if (!*made)
		return;
	if (!in_use(made))
		remove_link(made);
	if (made_fd >= 0)
		close(made_fd);
	made_fd = -1;
	*made = 0;
	parent_name(parent);
	rmdir(parent);                 /* stays while it holds anything */
}

/* A sanitizer's runtime that finds another library before it ends the program; it does as well behind ours. Set first, so
 * that what the user says holds. */
static void allow_before_sanitizers(void)
{
	static const char allow[] = "verify_asan_link_order=0";
	const char *old = getenv("ASAN_OPTIONS");
	size_t room = sizeof(allow) + 1 + (old ? strlen(old) : 0);
	char *all = old && strstr(old, "verify_asan_link_order=") ? NULL : malloc(room);
	if (!all)
		return;
	snprintf(all, room, "%s%s%s", allow, old && *old ? ":" : "", old ? old : "");
	setenv("ASAN_OPTIONS", all, 1);
	free(all);
}

void library_preload(const char *named)
{
	allow_before_sanitizers();
	const char *old = getenv("LD_PRELOAD");
	size_t n = strlen(named);
	char *all = malloc(n + (old ? strlen(old) : 0) + 2);
	if (!all)
		return;
	memcpy(all, named, n + 1);
	if (old && preload_without(all + n + 1, old, PRELOAD_NAME))
		all[n] = ':';
	setenv("LD_PRELOAD", all, 1);
	free(all);
}
