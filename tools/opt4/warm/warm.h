/* warm.h - the door of `opt4 warm`: the tiers are filled before a job, or without one. The parts: warm.c (arguments, progress),
 * list.c (what, in the cheapest order), fill.c (the threads that read); what they share: list.h. */
#ifndef OPT4_WARM_H
#define OPT4_WARM_H

int cmd_warm(int argc, char **argv);

#endif
