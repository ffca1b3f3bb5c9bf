/* path.c - libFuzzer: any path, against roots of several shapes, relative to any directory. The oracle walks component by
 * component: what the matcher takes for a file below a root must be that, and what is one must be taken. */
#include "../../preload/hook/path.h"

#include <stdlib.h>
#include <string.h>

/* ---- what path.c asks of the others ---- */
static const char *const roots[] = { "/data", "/data/in/ner", "/d" };
static const char *const reals[] = { "/mnt/x", NULL, "/d" };
struct next next;
bool hook_on = true;
pid_t hook_pid;
__thread int opt4_inside;
__thread struct outermost hook_outermost;
uint8_t conf_last_byte[256];
uint64_t session_dev, session_ssd_dev;
unsigned conf_nroots(void) { return 3; }
const char *conf_root(unsigned n, size_t *len) { *len = strlen(roots[n]); return roots[n]; }
const char *conf_root_real(unsigned n, size_t *len) { *len = reals[n] ? strlen(reals[n]) : 0; return reals[n]; }
bool hook_abandoned(const char *frame) { return false; }
static char base[300];
static ssize_t give_base(const char *path, char *buf, size_t n)
{
	size_t len = strlen(base);
	memcpy(buf, base, len < n ? len : n);
	return (ssize_t)len;
}

/* ---- the oracle ---- */
static char abs_path[20000];

/* 1: abs_path is the absolute path; 0: `..` after one of path's own names. */
static int resolve(const char *path)
{
	int own = 0;
	size_t len = *path == '/' ? 0 : strlen(base);
	memcpy(abs_path, base, len);
	while (*path) {
		const char *name = path;
		while (*path && *path != '/')
			path++;
		size_t n = (size_t)(path - name);
		while (*path == '/')
			path++;
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			if (own)
				return 0;
			while (len && abs_path[--len] != '/')
				;
		} else if (n && !(n == 1 && *name == '.')) {
			abs_path[len++] = '/';
			memcpy(abs_path + len, name, n);
			len += n;
			own++;
		}
	}
	abs_path[len] = 0;
	return 1;
}

static bool below(const char *root, const char **rel)
{
	size_t n = root ? strlen(root) : 0;
	if (!n || strncmp(abs_path, root, n) || abs_path[n] != '/' || !abs_path[n + 1])
		return false;
	*rel = abs_path + n + 1;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const bases[] = { "/data", "/data/in", "/mnt/x/sub", "/", "/else/where", "/data/in/ner/deep/er" };
	static struct where w;
	char path[8192];
	if (n < 2 || n > 8000 || memchr(data + 1, 0, n - 1)) /* an empty path is nobody's: the hooks ask for none */
		return 0;
	next.readlink = give_base;
	strcpy(base, bases[data[0] % 6]);
	memcpy(path, data + 1, n - 1);
	path[n - 1] = 0;
	enum path_kind kind = path_where(7, path, &w);
	path_proc_fd(path);
	path_dir_elsewhere(7);
	if (!strcmp(base, "/"))
		*base = 0;
	int how = resolve(path);
	const char *rel = NULL, *best = NULL;
	unsigned root = 0;
	size_t longest = 0;
	for (unsigned r = 0; how == 1 && r < 3; r++)
		if (strlen(roots[r]) > longest && below(roots[r], &rel))
			best = rel, root = r, longest = strlen(roots[r]);
	for (unsigned r = 0; how == 1 && !longest && r < 3; r++)
		if (below(reals[r], &rel))
			best = rel, root = r;
	if (kind == PATH_ROOT) {
		if (how != 1 || !best || w.root != root || w.len != strlen(best) || memcmp(w.rel, best, w.len))
			abort();
	} else if (kind == PATH_ASK) {
		if (how != 0)
			abort();
	} else if (how == 1 && best && strlen(abs_path) < PATH_ROOM - 400 && n < PATH_ROOM - 400 && *path) {
		abort(); /* one of ours was not known (long ones need not be) */
	}
	return 0;
}
