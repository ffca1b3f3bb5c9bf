/* top.h - the door of `opt4 top`: a session as it runs. The parts: top.c (arguments), look.c (a look at the session),
 * text.c (a frame as text), curses.c (the live view), prometheus.c (for a monitor); what they share: frame.h. */
#ifndef OPT4_TOP_H
#define OPT4_TOP_H

int cmd_top(int argc, char **argv);

#endif
