/* cell_filter.c - the system calls of a child that is locked in.
 *
 * What only computes, or reads what is there, passes. Three kinds are looked at by a handler of ours, which makes the call itself
 * from an address that the filter knows: opening (of regular files and folders, to read), making memory writable (not what is still
 * shared), and who am I (the answer is the parent's). Everything else ends the process before the call. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include "cell.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define RESULT(uc) ((uc)->uc_mcontext.gregs[REG_RAX])
#define ARG(uc, n) ((uint64_t)(uc)->uc_mcontext.gregs[(const int[]){ REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8 }[n]])
__asm__(".text\n.type cell_call,@function\n.hidden cell_call\n.hidden cell_called\n.globl cell_call\n.globl cell_called\n"
	"cell_call: mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n mov %r8, %r10\n syscall\n"
	"cell_called: ret\n.size cell_call, .-cell_call\n");
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#define RESULT(uc) ((uc)->uc_mcontext.regs[0])
#define ARG(uc, n) ((uint64_t)(uc)->uc_mcontext.regs[n])
__asm__(".text\n.type cell_call,%function\n.hidden cell_call\n.hidden cell_called\n.globl cell_call\n.globl cell_called\n"
	"cell_call: mov x8, x0\n mov x0, x1\n mov x1, x2\n mov x2, x3\n mov x3, x4\n svc #0\n"
	"cell_called: ret\n.size cell_call, .-cell_call\n");
#endif

#ifdef ARCH
long cell_call(long nr, long a, long b, long c, long d);   /* the kernel's answer as it is: -errno */
extern const char cell_called[];

static struct { struct cell_words *w; const struct range *shared; size_t nshared; uint32_t ids[3]; } cell;

static _Noreturn void end(int nr)
{
	cell.w->call = (uint32_t)nr + 1;
	atomic_store(&cell.w->state, CELL_ENDED);
	for (;;)
		cell_call(SYS_exit_group, 0, 0, 0, 0);
}

/* Opened only to read: a FIFO or a device would notice that, too. */
static long open_file(int nr, long dirfd, long path, long flags, long mode)
{
	struct stat st;
	if (flags & (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY)))
		end(nr);
	long rc = cell_call(SYS_newfstatat, dirfd, path, (long)&st, 0);
	if (rc < 0)
		return rc;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !(S_ISCHR(st.st_mode) && major(st.st_rdev) == 1))
		end(nr);                   /* /dev/null, /dev/urandom are character devices of major number 1 */
	return cell_call(SYS_openat, dirfd, path, flags, mode);
}

static long protect(int nr, uint64_t at, uint64_t bytes, long prot)
{
	for (size_t i = 0; i < cell.nshared; i++)
		if (prot & PROT_WRITE && at < cell.shared[i].to && at + bytes > cell.shared[i].from)
			end(nr);
	return cell_call(SYS_mprotect, (long)at, (long)bytes, prot, 0);
}

static void look(__attribute__((unused)) int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	long rc;
	switch (si->si_syscall) {
	case SYS_openat: rc = open_file(SYS_openat, (int)ARG(uc, 0), (long)ARG(uc, 1), (long)ARG(uc, 2), (long)ARG(uc, 3)); break;
#ifdef SYS_open
	case SYS_open:   rc = open_file(SYS_open, AT_FDCWD, (long)ARG(uc, 0), (long)ARG(uc, 1), (long)ARG(uc, 2)); break;
#endif
	case SYS_mprotect: rc = protect(SYS_mprotect, ARG(uc, 0), ARG(uc, 1), (long)ARG(uc, 2)); break;
	case SYS_getpid:   rc = cell.ids[0]; break;
	case SYS_getppid:  rc = cell.ids[1]; break;
	case SYS_gettid:   rc = cell.ids[2]; break;
	default:           end(si->si_syscall);
	}
	RESULT(uc) = (__typeof__(RESULT(uc)))rc;
}

/* ---- the filter ---- */

#define LD(field)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ARG_LO(n)      LD(args[n])     /* both architectures are little-endian */
#define ARG_HI(n)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#define EQ(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), yes, no)
#define HAS(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), yes, no)
#define PASS           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOOK           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define KILL           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL)
#define CALL(name)     EQ(SYS_##name, 0, 1), PASS

static struct sock_filter filter[] = {
	LD(arch), EQ(ARCH, 1, 0), KILL,
	LD(instruction_pointer), EQ(0, 0, 3),                                 /* [4], [6]: where cell_call() calls */
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4), EQ(0, 0, 1), PASS,
	LD(nr),
	CALL(read), CALL(pread64), CALL(readv), CALL(preadv), CALL(preadv2), CALL(lseek), CALL(close), CALL(dup),
	CALL(fstat), CALL(newfstatat), CALL(statx), CALL(faccessat), CALL(readlinkat), CALL(getdents64),
	CALL(getcwd), CALL(statfs), CALL(fstatfs), CALL(fadvise64),
#ifdef SYS_faccessat2
	CALL(faccessat2),
#endif
#ifdef __x86_64__
	CALL(stat), CALL(lstat), CALL(access), CALL(readlink), CALL(time), CALL(select), CALL(poll),
#endif
	CALL(munmap), CALL(mremap), CALL(brk), CALL(mincore),
	CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(nanosleep), CALL(clock_nanosleep), CALL(getrandom),
	CALL(pselect6), CALL(ppoll), CALL(sched_yield), CALL(sched_getaffinity), CALL(getcpu), CALL(times), CALL(getrusage),
	CALL(getrlimit), CALL(uname), CALL(sysinfo), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getgroups),
	CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigaltstack), CALL(restart_syscall), CALL(exit), CALL(exit_group),
	/* memory of one's own, or shared but not writable */
	EQ(SYS_mmap, 0, 6), ARG_LO(3), HAS(MAP_SHARED, 0, 2), ARG_LO(2), HAS(PROT_WRITE, 1, 0), PASS, LOOK,
	/* advice that the file behind it does not notice */
	EQ(SYS_madvise, 0, 8), ARG_LO(2), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, MADV_DONTNEED, 0, 5), EQ(MADV_FREE, 4, 0),
		EQ(MADV_HUGEPAGE, 3, 0), EQ(MADV_NOHUGEPAGE, 2, 0), EQ(MADV_DONTDUMP, 1, 0), LOOK, PASS,
	/* no futex that others might wait for */
	EQ(SYS_futex, 0, 4), ARG_LO(1), HAS(FUTEX_PRIVATE_FLAG, 0, 1), PASS, LOOK,
	EQ(SYS_fcntl, 0, 6), ARG_LO(1), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, F_GETFL, 1, 0), PASS, EQ(F_DUPFD_CLOEXEC, 0, 1), PASS, LOOK,
	/* is it a terminal? */
	EQ(SYS_ioctl, 0, 4), ARG_LO(1), EQ(0x5401, 0, 1), PASS, LOOK,
	/* 1 and 2 are /dev/null, or what it has opened to read */
	EQ(SYS_write, 0, 5), ARG_LO(0), EQ(1, 1, 0), EQ(2, 0, 1), PASS, LOOK,
	EQ(SYS_prlimit64, 0, 8), ARG_LO(0), EQ(0, 0, 5), ARG_LO(2), EQ(0, 0, 3), ARG_HI(2), EQ(0, 0, 1), PASS, LOOK,
	LOOK,
};

bool cell_filter(struct cell_words *w, const struct range *shared, size_t nshared, const uint32_t ids[3])
{
	struct sock_fprog prog = { .len = sizeof(filter) / sizeof(*filter), .filter = filter };
	struct sigaction act = { .sa_sigaction = look, .sa_flags = SA_SIGINFO };
	uint64_t at = (uint64_t)(uintptr_t)cell_called;
	cell.w = w;
	cell.shared = shared;
	cell.nshared = nshared;
	for (int i = 0; i < 3; i++)
		cell.ids[i] = ids[i];
	filter[4].k = (uint32_t)at;
	filter[6].k = (uint32_t)(at >> 32);
	return sigaction(SIGSYS, &act, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0;
}

#else
bool cell_filter(__attribute__((unused)) struct cell_words *w, __attribute__((unused)) const struct range *shared,
		 __attribute__((unused)) size_t nshared, __attribute__((unused)) const uint32_t ids[3])
{
	return false;
}
#endif
