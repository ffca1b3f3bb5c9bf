/* faults.h - the interposer below the library: one call of the library's, chosen by name and number, fails.
 *
 * It is preloaded after libopt4.so, so it sees what the library asks of the C library and nothing of what the
 * program asks for itself: calls from elsewhere pass. (What the library hands down for the program after having looked
 * at it counts as the library's, but concerns an original: such a failure may be seen by the program.) */
#ifndef FAULTS_H
#define FAULTS_H

enum { FAULT_SHORT = -1, FAULT_NOTHING = -2 };   /* instead of an errno: half of what was asked; 0 bytes */

/* X(call): every call that can be made to fail. */
#define FAULT_CALLS(X) \
	X(open) X(openat) X(close) X(read) X(pread) X(pread64) X(preadv2) X(write) X(pwrite) X(fstat) X(fstatat) X(stat) X(lstat) \
	X(statfs) X(statvfs) X(access) X(lseek) X(mmap) X(madvise) X(mkdir) X(mkdirat) X(rmdir) X(unlink) X(unlinkat) X(rename) \
	X(renameat) X(link) X(linkat) X(fallocate) X(posix_fallocate) X(ftruncate) X(fchmod) X(chmod) X(futimens) X(posix_fadvise) \
	X(flock) X(fcntl) X(dup) X(dup3) X(readlink) X(realpath) X(getrlimit) X(fopen) X(clone) X(pthread_create) \
	X(futex) X(getdents64) X(getcwd) X(cachestat)

#define X(name) FAULT_##name,
enum fault_call { FAULT_CALLS(X) FAULT_CALL_COUNT };
#undef X

struct fault_plan {
	int call;                 /* enum fault_call; -1: none */
	int error;                /* an errno, or FAULT_* */
	int when;                 /* the nth, from 1; 0: every one */
	int only;                 /* 1: only those that concern the library's own files, 2: only the originals'; 0: all */
	/* what came of it */
	int fired, original;      /* it failed; and it concerned an original */
	int count[FAULT_CALL_COUNT][2]; /* the library's calls so far: own, original's */
};
extern struct fault_plan fault_plan;   /* by dlsym; in a process without a driver from FAULT=call:error:when */

#endif
