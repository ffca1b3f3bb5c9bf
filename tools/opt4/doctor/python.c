/* python.c - does the library reach the job's interpreter? */
#include "check.h"

#include "../../../preload/live/live.h"
#include "../common/common.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60                /* seconds: a cold interpreter on a slow store takes its time */

/* As the shell would find it. */
static bool on_path(const char *name, char *path, size_t room)
{
	const char *list = getenv("PATH");

	if (strchr(name, '/'))
		return (size_t)snprintf(path, room, "%s", name) < room && access(path, X_OK) == 0;
	for (const char *p = list ? list : "/usr/bin:/bin"; *p; p += *p == ':') {
		size_t n = strcspn(p, ":");

		if ((size_t)snprintf(path, room, "%.*s%s%s", (int)n, p, n ? "/" : "", name) < room && access(path, X_OK) == 0)
			return true;
		p += n;
	}
	return false;
}

void doctor_library(struct doctor *d)
{
	char lib[PATH_MAX + 64], named[PATH_MAX + 64];
	struct statvfs fs;

	if (!find_library(lib, sizeof(lib)))
		doctor_say(d, DOCTOR_BAD, "library", "libopt4.so is not beside this program; run make, or make install");
	else if (statvfs(lib, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		doctor_say(d, DOCTOR_BAD, "library", "%s lies on a file system mounted noexec, no program can load it; install opt4 "
			   "elsewhere, or mount -o remount,exec", lib);
	else if (!library_name(lib, named, sizeof(named)))
		doctor_say(d, DOCTOR_BAD, "library", "LD_PRELOAD can't name %s (a space, a colon or a dollar), and no folder takes a link to it: no "
			   "cache; install opt4 elsewhere, or set TMPDIR", lib);
	else
		doctor_say(d, DOCTOR_OK, "library", "%s%s", lib, strcmp(lib, named) ? " (LD_PRELOAD can't name that: opt4 run makes a link)" : "");
	library_unname();
}

/* Where the library looks for it: beside itself, in ../libexec/opt4 and ../bin, on PATH. */
void doctor_keeper(struct doctor *d)
{
	static const char *const places[] = { "%.*s/opt4d", "%.*s/../libexec/opt4/opt4d", "%.*s/../bin/opt4d" };
	char lib[PATH_MAX + 64], path[PATH_MAX + 96];

	if (!find_library(lib, sizeof(lib)))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), places[i], (int)(strrchr(lib, '/') - lib), lib);
		if (access(path, X_OK) == 0) {
			doctor_say(d, DOCTOR_OK, "keeper", "%s", path);
			return;
		}
	}
	if (on_path("opt4d", path, sizeof(path)))
		doctor_say(d, DOCTOR_OK, "keeper", "%s", path);
	else
		doctor_say(d, DOCTOR_WARN, "keeper", "opt4d is not found, so nothing is fetched ahead; run make, or make install");
}

/* An ELF program without an interpreter has no dynamic loader that would read LD_PRELOAD. A script, or
 * what can't be read: false, running it tells. */
static bool is_static(const char *path)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool elf = fd >= 0 && read(fd, &e, sizeof(e)) == sizeof(e) && !memcmp(e.e_ident, ELFMAG, SELFMAG)
		&& e.e_ident[EI_CLASS] == ELFCLASS64 && e.e_phentsize == sizeof(p);
	bool loader = false;

	for (unsigned i = 0; elf && i < e.e_phnum; i++)
		loader |= pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + i * sizeof(p))) == sizeof(p) && p.p_type == PT_INTERP;
	if (fd >= 0)
		close(fd);
	return elf && !loader;
}

/* Runs the interpreter with the library, as a job would be; its two lines of output into buf. False: no line. */
static bool ask(const char *python, const char *lib, char *buf, size_t room)
{
	static const char script[] =
		"import sys\n"
		"try:\n"
		"    from importlib import metadata\n"
		"    torch = metadata.version('torch')\n"
		"except Exception:\n"
		"    torch = ''\n"
		"print('opt4', int('libopt4.so' in open('/proc/self/maps').read()), torch)\n"
		"print('flags', int(sys.flags.ignore_environment), int(sys.flags.no_site))\n";
	int fd[2];
	size_t n = 0;
	ssize_t got;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return false;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(fd[1], 1);
		dup2(null, 2);            /* the loader complains there that it cannot preload */
		setenv("LD_PRELOAD", lib, 1);
		setenv("OPT4_DISABLE", "1", 1);
		alarm(PATIENCE);
		execl(python, python, "-c", script, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	while (pid > 0 && n < room - 1 && ((got = read(fd[0], buf + n, room - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	close(fd[0]);
	buf[n] = 0;
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return n > 0;
}

/* Without a trace the order comes from a module that Python imports at its start; flags: what of that it leaves out. */
static void live_order(struct doctor *d, const char *lib, const char *flags)
{
	char dir[PATH_MAX + 64], path[PATH_BYTES];
	const char *off = getenv("OPT4_LIVE");
	int no_env = 0, no_site = 0;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(lib, '/') - lib), lib);
	if (flags)
		sscanf(flags, "flags %d %d", &no_env, &no_site);
	if (off && !strcmp(off, "0"))
		doctor_say(d, DOCTOR_WARN, "live", "OPT4_LIVE=0: only a trace tells the order; unset OPT4_LIVE");
	else if (!live_python_dir(dir, path))
		doctor_say(d, DOCTOR_WARN, "live", "no opt4_live/sitecustomize.py beside %s: only a trace tells the order; run make, or "
			   "make install", lib);
	else if (strchr(path, ':'))
		doctor_say(d, DOCTOR_WARN, "live", "%s has a colon, PYTHONPATH can't name it: only a trace tells the order; install opt4 "
			   "elsewhere", path);
	else if (no_env || no_site)
		doctor_say(d, DOCTOR_WARN, "live", "%s runs with %s: only a trace tells the order; run it without", d->python,
			   no_env ? "-E or -I" : "-S");
	else
		doctor_say(d, DOCTOR_OK, "live", "learned from the running DataLoader (but of python -E, -I or -S)");
}

void doctor_python(struct doctor *d)
{
	const char *name = getenv("PYTHON");
	char file[PATH_MAX + 64], lib[PATH_MAX + 64], line[256], *flags = NULL;
	struct stat st;
	int loaded = 0;

	if (!name || !*name)
		name = "python3";
	if (!on_path(name, d->python, sizeof(d->python))) {
		d->python[0] = 0;
		doctor_say(d, DOCTOR_WARN, "python", "%s: not found; PYTHON names the job's interpreter", name);
		return;
	}
	if (is_static(d->python)) {
		doctor_say(d, DOCTOR_BAD, "python", "%s is linked statically, LD_PRELOAD does not reach it; use a dynamic python", d->python);
		return;
	}
	if (!find_library(file, sizeof(file)))
		lib[0] = 0;
	else
		library_name(file, lib, sizeof(lib));
	bool answered = ask(d->python, lib, line, sizeof(line));
	if (answered && (flags = strchr(line, '\n')))
		*flags++ = 0;
	if (!answered || sscanf(line, "opt4 %d %63s", &loaded, d->torch) < 1)
		doctor_say(d, DOCTOR_BAD, "python", "%s does not run a line of Python with the library; try LD_PRELOAD=%s %s -c 1", d->python,
			   lib, d->python);
	else if (loaded) {
		doctor_say(d, DOCTOR_OK, "python", "%s%s%s, the library reaches it", d->python, *d->torch ? " with torch " : ", no torch",
			   d->torch);
		live_order(d, lib, flags);
	} else if (*lib && stat(d->python, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)))
		doctor_say(d, DOCTOR_BAD, "python", "%s is setuid, so the loader drops LD_PRELOAD; use a copy without (chmod ug-s)", d->python);
	else if (*lib)
		doctor_say(d, DOCTOR_BAD, "python", "%s drops LD_PRELOAD (capabilities, a wrapper, another libc); use another build of it",
			   d->python);
	library_unname();
}
