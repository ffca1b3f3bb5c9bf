/* lock.c - the lock of all that is the keeper's own: see opt4d.h. Below every other part, since all take it. */
#include "opt4d.h"

pthread_mutex_t keeper_lock = PTHREAD_MUTEX_INITIALIZER;
