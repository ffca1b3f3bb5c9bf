/* jsondump.c - reads JSON on stdin with opt4's reader and prints what it understood, each value a line with
 * its path, strings in hexadecimal: to be compared with another reader's. Exit 1: it refused, why on stderr. */
#include "../../tools/opt4/common/jsonread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hex(const char *s)
{
	for (; *s; s++)
		printf("%02x", (unsigned char)*s);
}

static void dump(const struct json *v, int depth)
{
	static const char *const words[] = { "null", "false", "true" };

	printf("%*s", depth, "");
	if (v->key) {
		hex(v->key);
		putchar(':');
	}
	switch (v->type) {
	case JSON_NUMBER: printf("%.17g\n", v->number); return;
	case JSON_TEXT: putchar('"'); hex(v->text); putchar('\n'); return;
	case JSON_ARRAY: puts("["); break;
	case JSON_OBJECT: puts("{"); break;
	default: puts(words[v->type]); return;
	}
	for (const struct json *m = v->child; m; m = m->next)
		dump(m, depth + 1);
}

int main(void)
{
	size_t room = 1 << 22, len;
	char *text = malloc(room), err[128];

	len = text ? fread(text, 1, room, stdin) : 0;
	/* of the exact size, so that a sanitizer sees a read beyond the end */
	char *exact = malloc(len ? len : 1);
	memcpy(exact, text, len);
	struct json *v = json_parse(exact, len, err);
	if (!v) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	dump(v, 0);
	json_free(v);
	free(exact);
	free(text);
	return 0;
}
