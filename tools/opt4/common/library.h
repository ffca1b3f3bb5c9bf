/* library.h - where the library lies, and how LD_PRELOAD can name it. */
#ifndef OPT4_LIBRARY_H
#define OPT4_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* libopt4.so's path, room for its NUL included: beside this program, or as `make install` lays it out. False: it is not
 * there; path is of no use then. */
bool find_library(char *path, size_t room);

/* The dynamic linker splits LD_PRELOAD at spaces and colons and expands dollars. Where the folders on the way to the
 * library have some, `named` becomes a path to it through a link to its folder, in a new folder that is ours alone; else
 * lib itself. False: no place was found for such a link; then named is lib. library_unname() removes link and folder, unless
 * a process still names them; library_sweep() such ones of earlier jobs. One at a time. */
bool library_name(const char *lib, char *named, size_t room);
void library_unname(void);
void library_sweep(void);

/* First on LD_PRELOAD; what was there stays behind it, but for other copies of the library. */
void library_preload(const char *named);

#endif
