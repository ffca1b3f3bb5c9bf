/* order.h - `opt4 run --order LIST`: the list becomes a trace, as long as the job runs. */
#ifndef OPT4_RUN_ORDER_H
#define OPT4_RUN_ORDER_H

/* Before the job: makes the trace; its name, or NULL after a message. root: --root's, or NULL. */
const char *order_begin(const char *list, const char *root);

/* Removes it. Nothing where none was made. */
void order_end(void);

#endif
