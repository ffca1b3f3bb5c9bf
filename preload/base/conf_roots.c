/* conf_roots.c - the dataset's folders: as told, and as found while the program runs. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base.h"

/* Roots come while other threads look: how many there are is told after what they are. */
unsigned conf_nroots(void) { return __atomic_load_n(&conf.nroots, __ATOMIC_ACQUIRE); }

const char *conf_root(unsigned n, size_t *len)
{
	*len = conf.root[n].len;
	return conf.root[n].path;
}

const char *conf_root_real(unsigned n, size_t *len)
{
	if (!__atomic_load_n(&conf.root[n].real_known, __ATOMIC_ACQUIRE)) {
		char real[PATH_MAX];
		opt4_inside++;
		if (realpath(conf.root[n].path, real) && strlen(real) < sizeof(conf.root[n].real)) {
			strcpy(conf.root[n].real, real);
			conf.root[n].real_len = strlen(real);
		}
		__atomic_store_n(&conf.root[n].real_known, true, __ATOMIC_RELEASE);
		opt4_inside--;
	}
	*len = conf.root[n].real_len;
	return *len ? conf.root[n].real : NULL;
}

/* Lexical clean-up of an absolute path: `//`, `/./` and the trailing slash go. `..` stays: it would need
 * the file system, and a root is rarely given so. */
static size_t clean(char *p)
{
	char *w = p;
	for (char *r = p; *r;) {
		while (r[0] == '/' && (r[1] == '/' || (r[1] == '.' && (r[2] == '/' || !r[2]))))
			r += r[1] == '/' ? 1 : 2;
		if (r[0] == '/' && !r[1])
			break;
		if (!*r)
			break;
		*w++ = *r++;
	}
	*w = 0;
	return (size_t)(w - p);
}

static bool add_root(unsigned n, const char *s, size_t len, const char *whence)
{
	if (n >= CONF_ROOTS || len == 0 || len + 2 > sizeof(conf.root[0].path))
		return false;
	char *p = conf.root[n].path;
	if (s[0] == '/') {
		memcpy(p, s, len);
		p[len] = 0;
	} else {
		char cwd[PATH_MAX];
		if (!getcwd(cwd, sizeof(cwd)) || strlen(cwd) + len + 2 > sizeof(conf.root[0].path))
			return false;
		strcpy(p, cwd);
		strcat(p, "/");
		strncat(p, s, len);
	}
	size_t plen = clean(p);
	const char *home = getenv("HOME");
	if (plen == 0 || (home && !strcmp(p, home))) {
		opt4_log("opt4: %s: '%s' is no dataset root; name the dataset's own folder", whence, plen ? p : "/");
		return false;
	}
	conf.root[n].len = plen;
	conf.root[n].real_known = false;
	if (n >= conf.nroots)
		__atomic_store_n(&conf.nroots, n + 1, __ATOMIC_RELEASE);
	return true;
}

static const char *given;          /* conf_add_roots(): in the place of OPT4_ROOT */

const char *conf_root_list(void)
{
	const char *s = getenv("OPT4_ROOT");
	return s ? s : given;
}

void conf_roots_load(void)
{
	if (conf.have_trace) {
		const struct trace *t = &conf.trace;
		for (uint32_t i = 0; i < t->h->nroots && i < CONF_ROOTS; i++) {
			size_t len;
			const char *path = trace_root_path(t, i, &len);
			if (!path || memchr(path, 0, len) || !add_root(i, path, len, conf.trace_path))
				conf.root[i].len = 0, conf.nroots = i + 1 > conf.nroots ? i + 1 : conf.nroots;
		}
	}
	const char *s = conf_root_list();
	for (unsigned n = 0; s && *s; n++) {
		size_t len = strcspn(s, ":");
		if (len)
			add_root(n, s, len, "OPT4_ROOT");
		s += len + (s[len] == ':');
	}
}

bool conf_add_root(const char *path)
{
	size_t len = strlen(path);
	if (!conf.active) {
		if (getenv("OPT4_TRACE") || getenv("OPT4_ROOT"))
			return false;      /* there was a reason */
		setenv("OPT4_ROOT", path, 1);
		conf.loaded = false;
		conf_load();
		if (!conf.active)
			unsetenv("OPT4_ROOT");
		return conf.active;
	}
	for (unsigned n = 0; n < conf.nroots; n++)
		for (int real = 0; real < 2; real++) {
			size_t rlen = 0;
			const char *root = real ? conf_root_real(n, &rlen) : conf_root(n, &rlen);
			if (root && rlen && len >= rlen && !memcmp(path, root, rlen) && (path[rlen] == '/' || !path[rlen]))
				return true;
		}
	return conf.nroots < CONF_ROOTS && add_root(conf.nroots, path, len, "live");
}

bool conf_add_roots(const char *list)
{
	char path[PATH_MAX];
	if (!conf.active) {
		if (given || getenv("OPT4_TRACE") || getenv("OPT4_ROOT") || !(given = strdup(list)))
			return false;
		conf.loaded = false;
		conf_load();
		return conf.active;
	}
	for (size_t len; *list; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		if (!len || len >= sizeof(path))
			continue;
		memcpy(path, list, len);
		path[len] = 0;
		conf_add_root(path);
	}
	return true;
}
