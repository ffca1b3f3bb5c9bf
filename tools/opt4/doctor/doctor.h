/* doctor.h - the door of `opt4 doctor`: looks at what opt4 needs, one line each, with the mend. The parts: doctor.c
 * (arguments, the list of checks), environment.c, memory.c, python.c (library, interpreter), trace.c (trace, dataset),
 * sessions.c, ssd.c, pool.c; what they share: check.c. */
#ifndef OPT4_DOCTOR_H
#define OPT4_DOCTOR_H

int cmd_doctor(int argc, char **argv);

#endif
