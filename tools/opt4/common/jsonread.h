/* jsonread.h - a strict JSON reader (RFC 8259) for the statistics, which opt4 writes itself and people edit. */
#ifndef OPT4_JSONREAD_H
#define OPT4_JSONREAD_H

#include <stddef.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

/* A value. `key` is its name in an object (else NULL). Strings are NUL terminated bytes: \udc80 to \udcff
 * alone (Python's surrogateescape) come back as the byte they stand for; a \u0000 is refused. */
struct json {
	enum json_type type;
	double number;
	const char *text, *key;
	const struct json *child, *next;   /* first member or element; its sibling */
};

/* Parses all of text[0 .. len). Returns the root, or NULL with the reason in err ("line 3: ..").
 * json_free() releases everything at once; strings live as long. */
struct json *json_parse(const char *text, size_t len, char err[128]);
void json_free(struct json *root);

/* Member of an object, the first of that name; NULL if there is none or v is no object (or NULL). */
const struct json *json_get(const struct json *v, const char *key);
/* Its number, or 0; its text, or "". */
double json_number(const struct json *v, const char *key);
const char *json_text(const struct json *v, const char *key);

#endif
