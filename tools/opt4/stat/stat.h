/* stat.h - the door of `opt4 stat`, `opt4 ls` and `opt4 clean`: the sessions now on this machine, each in its file;
 * what they share: options.c. */
#ifndef OPT4_STAT_H
#define OPT4_STAT_H

int cmd_stat(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_clean(int argc, char **argv);

#endif
