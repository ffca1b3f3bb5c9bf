/* say.h - what a command says: why it ends, sizes, names. */
#ifndef OPT4_SAY_H
#define OPT4_SAY_H

/* `opt4: what: why; what to do` on stderr, in one write; returns the exit status: 1 (fail: what was asked failed) or 2
 * (usage: wrong usage). */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "1.2 GiB" into buf (at least 16 bytes). Returns buf. */
const char *size_text(char *buf, unsigned long long bytes);

/* A name as it can be shown in a line: control characters as `?`. Returns buf. */
const char *name_text(char buf[4096], const char *name);

#endif
