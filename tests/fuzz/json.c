/* json.c - libFuzzer: any text to the JSON reader; and any bytes as a string, written and read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../preload/base/json.h"
#include "../../tools/opt4/common/jsonread.h"

static void walk(const struct json *v, int depth)
{
	if (depth > 2000)
		return;
	json_number(v, "a");
	json_text(v, "epochs");
	for (const struct json *c = v->child; c; c = c->next)
		walk(c, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char *text, *copy;
	static size_t len;
	static FILE *f;              /* one for all executions: it keeps its buffer */
	char err[128] = "";
	if (n > 20000)
		return 0;
	if (!f && (!(f = open_memstream(&text, &len)) || !(copy = malloc(20001))))
		abort();
	memcpy(copy, data, n);
	copy[n] = 0;
	struct json *v = json_parse(copy, n, err);
	if (v) {
		walk(v, 0);
		json_free(v);
	} else if (!*err || !memchr(err, 0, sizeof err)) {
		abort();
	}
	/* what we write of these bytes must be a string that it reads; no path has a NUL, and the reader refuses one */
	for (size_t i = 0; i < n; i++)
		copy[i] = copy[i] ? copy[i] : 'x';
	rewind(f);
	fputs("{\"a\": ", f);
	json_string(f, copy, n);
	fputc('}', f);
	fflush(f);
	v = json_parse(text, len, err);
	if (!v || !json_get(v, "a"))
		abort();
	json_free(v);
	return 0;
}
