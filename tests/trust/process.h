/* process.h - the cases of process.c that live in process_meta.c: each prints what it saw. */
#ifndef TRUST_PROCESS_H
#define TRUST_PROCESS_H

#include "../hook/common.h"

/* a.jpg .. h.jpg */
static inline char *name(int i)
{
	static char buf[8] = "a.jpg";
	buf[0] = (char)('a' + i % 8);
	return buf;
}

void file_size(void);
void temporary(void);
void metas(void);
void quiet(void);

#endif
