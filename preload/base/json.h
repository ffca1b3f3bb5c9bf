/* json.h - a JSON string with surrogateescape: bytes that are no UTF-8 become \udc80 .. \udcff, as Python's
 * json and os.fsdecode agree on. */
#ifndef OPT4_JSON_H
#define OPT4_JSON_H
#include <stdio.h>
void json_string(FILE *f, const char *s, size_t len);
#endif
