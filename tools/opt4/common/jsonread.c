/* jsonread.c - see jsonread.h. Nodes and strings lie in one block: there is at most one value more than
 * there are of , : [ { in the text, and no string grows when it is decoded. */
#include "jsonread.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct reader {
	const char *at, *end, *start;
	struct json *node;               /* the next free one */
	char *string;                    /* where the next string goes */
	const char *error;
};

static void *bad(struct reader *r, const char *why)
{
	if (!r->error)
		r->error = why;
	return NULL;
}

static void space(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

static int take(struct reader *r, char c)
{
	space(r);
	if (r->at == r->end || *r->at != c)
		return 0;
	r->at++;
	return 1;
}

/* Four hexadecimal digits; -1 if they are not. */
static int32_t hex4(struct reader *r)
{
	int32_t v = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *r->at++;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xC0 | c >> 6);
		*to++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*to++ = (char)(0xE0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	} else {
		*to++ = (char)(0xF0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 63));
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	}
	return to;
}

/* After \u: appends what it stands for. NULL when it is wrong. */
static char *escape_u(struct reader *r, char *to)
{
	int32_t c = hex4(r);

	if (c <= 0)
		return bad(r, "a \\u escape that cannot be");
	if (c >= 0xDC80 && c <= 0xDCFF) {          /* a byte of a file name that is no UTF-8 */
		*to++ = (char)(c & 0xFF);
		return to;
	}
	if (c >= 0xD800 && c <= 0xDBFF) {
		if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
			return bad(r, "half a surrogate pair");
		r->at += 2;
		int32_t low = hex4(r);
		if (low < 0xDC00 || low > 0xDFFF)
			return bad(r, "half a surrogate pair");
		return put_utf8(to, 0x10000 + ((uint32_t)(c - 0xD800) << 10) + (uint32_t)(low - 0xDC00));
	}
	if (c >= 0xDC00 && c <= 0xDFFF)
		return bad(r, "half a surrogate pair");
	return put_utf8(to, (uint32_t)c);
}

static const char *string(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
	char *to = r->string;

	if (!take(r, '"'))
		return bad(r, "a string is wanted");
	while (r->at < r->end && *r->at != '"') {
		unsigned char c = (unsigned char)*r->at++;

		if (c < 0x20)
			return bad(r, "a control character in a string");
		if (c != '\\') {
			*to++ = (char)c;
			continue;
		}
		if (r->at == r->end)
			break;
		c = (unsigned char)*r->at++;
		const char *p = strchr(from, c);
		if (c == 'u') {
			if (!(to = escape_u(r, to)))
				return NULL;
		} else if (c && p) {
			*to++ = is[p - from];
		} else {
			return bad(r, "an escape that is none");
		}
	}
	if (r->at == r->end)
		return bad(r, "a string without end");
	r->at++;
	const char *begin = r->string;
	*to++ = 0;
	r->string = to;
	return begin;
}

static size_t digits(struct reader *r)
{
	const char *from = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return (size_t)(r->at - from);
}

static struct json *number(struct reader *r, struct json *v)
{
	const char *from = r->at;
	char buf[64];

	if (r->at < r->end && *r->at == '-')
		r->at++;
	const char *first = r->at;
	size_t n = digits(r);
	if (!n || (n > 1 && *first == '0'))
		return bad(r, "not a value");
	if (r->at < r->end && *r->at == '.') {
		r->at++;
		if (!digits(r))
			return bad(r, "a number that stops at its point");
	}
	if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
		r->at++;
		if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
			r->at++;
		if (!digits(r))
			return bad(r, "a number that stops at its exponent");
	}
	n = (size_t)(r->at - from);
	if (n >= sizeof(buf))
		return bad(r, "a number of too many digits");
	memcpy(buf, from, n);
	buf[n] = 0;
	v->type = JSON_NUMBER;
	v->number = strtod(buf, NULL);
	return isfinite(v->number) ? v : bad(r, "a number too large");
}

static struct json *word(struct reader *r, struct json *v, const char *name, enum json_type type)
{
	size_t n = strlen(name);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, name, n))
		return bad(r, "not a value");
	r->at += n;
	v->type = type;
	return v;
}

static struct json *value(struct reader *r, int depth);

static struct json *members(struct reader *r, struct json *v, int depth)
{
	char close = v->type == JSON_OBJECT ? '}' : ']';
	const struct json **link = &v->child;

	if (take(r, close))
		return v;
	do {
		const char *key = NULL;

		if (v->type == JSON_OBJECT && (!(key = string(r)) || !take(r, ':')))
			return bad(r, "a name and a colon are wanted");
		struct json *m = value(r, depth + 1);
		if (!m)
			return NULL;
		m->key = key;
		*link = m;
		link = &m->next;
	} while (take(r, ','));
	return take(r, close) ? v : bad(r, "a comma or the end of a list is wanted");
}

static struct json *value(struct reader *r, int depth)
{
	space(r);
	if (depth > DEPTH_MAX)
		return bad(r, "nested too deep");
	if (r->at == r->end)
		return bad(r, "it ends too soon");
	struct json *v = r->node++;
	switch (*r->at) {
	case '{':
	case '[':
		v->type = *r->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
		return members(r, v, depth);
	case '"':
		v->type = JSON_TEXT;
		return (v->text = string(r)) ? v : NULL;
	case 't': return word(r, v, "true", JSON_TRUE);
	case 'f': return word(r, v, "false", JSON_FALSE);
	case 'n': return word(r, v, "null", JSON_NULL);
	default:  return number(r, v);
	}
}

struct json *json_parse(const char *text, size_t len, char err[128])
{
	size_t nodes = 2;
	unsigned line = 1;

	for (size_t i = 0; i < len; i++)
		nodes += text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{';
	struct json *block = calloc(1, nodes * sizeof(*block) + len + 1);
	if (!block) {
		snprintf(err, 128, "no memory for it");
		return NULL;
	}
	struct reader r = { text, text + len, text, block, (char *)(block + nodes), NULL };
	struct json *root = value(&r, 0);
	space(&r);
	if (root && r.at == r.end)
		return root;
	bad(&r, "more after its end");
	for (const char *p = r.start; p < r.at; p++)
		line += *p == '\n';
	snprintf(err, 128, "line %u: %s", line, r.error);
	free(block);
	return NULL;
}

void json_free(struct json *root)
{
	free(root);                /* the block begins with it */
}

const struct json *json_get(const struct json *v, const char *key)
{
	if (!v || v->type != JSON_OBJECT)
		return NULL;
	for (v = v->child; v && strcmp(v->key, key); v = v->next)
		;
	return v;
}

double json_number(const struct json *v, const char *key)
{
	v = json_get(v, key);
	return v && v->type == JSON_NUMBER ? v->number : 0;
}

const char *json_text(const struct json *v, const char *key)
{
	v = json_get(v, key);
	return v && v->type == JSON_TEXT ? v->text : "";
}
