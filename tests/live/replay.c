/* replay.c - orders as tools/opt4d/replay.c makes them: struct replay in, its result and take indices out. */
#include <stdio.h>
#include <stdlib.h>
#include "../../tools/opt4d/replay.h"

int main(void)
{
	struct replay r;
	while (fread(&r, sizeof(r), 1, stdin) == 1) {
		uint32_t *out = calloc((size_t)r.take + 1, sizeof(*out));
		int rc = out ? replay_order(&r, out) : -1;
		fwrite(&rc, sizeof(rc), 1, stdout);
		fwrite(out, sizeof(*out), r.take, stdout);
		free(out);
	}
	return 0;
}
