/* tool.h - opt4-trace, which lies beside this program. */
#ifndef OPT4_RUN_TOOL_H
#define OPT4_RUN_TOOL_H

#include <stdbool.h>

/* Runs it with these arguments (the first is its command; NULL ends them) and waits for it. False: it failed, and has said
 * why, or could not be started, which is said here; what: the option that asked for it. */
bool trace_tool(const char *what, const char *const args[]);

#endif
