/* library.h - where the library lies. */
#ifndef OPT4_LIBRARY_H
#define OPT4_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* libopt4.so's path, room for its NUL included: beside this program, or as `make install` lays it out. False: it is not
 * there; path is of no use then. */
bool find_library(char *path, size_t room);

#endif
