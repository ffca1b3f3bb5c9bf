/* common.h - the door of what opt4's commands share. Knows nothing of any of them. */
#ifndef OPT4_COMMON_H
#define OPT4_COMMON_H

#include "jsonread.h"
#include "library.h"
#include "progress.h"
#include "say.h"
#include "sessions.h"
#include "statistics.h"

#endif
