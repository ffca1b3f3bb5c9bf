/* commands.h - opt4's commands. Each parses its own arguments (argv[0] is its name) and returns the exit
 * status: 0 done, 1 what was asked failed, 2 wrong usage. */
#ifndef OPT4_COMMANDS_H
#define OPT4_COMMANDS_H

int cmd_run(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_clean(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* `opt4: what: why; what to do` on stderr; returns 1 (fail) or 2 (usage). */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* run.c: libopt4.so's path: beside this program, or as `make install` lays it out. */
#include <stdbool.h>
#include <stddef.h>
bool find_library(char *path, size_t room);

/* "1.2 GiB" into buf (at least 16 bytes). */
const char *size_text(char *buf, unsigned long long bytes);

/* A name as it can be shown in a line: control characters as `?`. Returns buf. */
const char *name_text(char buf[4096], const char *name);

/* ---- sessions.c: the sessions on this machine ---- */
struct session_info { char dir[4096]; char root[4096]; bool live; bool valid; bool keep; unsigned long long bytes; };
/* Calls `each` for every session of this user (and OPT4_DIR's); returns how many. */
int sessions_each(int (*each)(const struct session_info *, void *), void *arg);
/* The directory that a SESSION argument means: itself if it has a slash, else below this user's. */
void session_path(const char *name, char dir[4096]);
/* SESSION argument (a directory, a name as `opt4 ls` prints it, or NULL: the only one) to its directory. */
int session_named(const char *name, char dir[4096]);

#endif
