#include "board/sim/filter.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware/base/status.h"

#define ANY (-1)

/* Nothing here opens, creates, connects, starts or signals anything: all descriptors and threads are there before. */
static const struct {
    int number;
    int protection; /* the argument that must not ask for executable memory, or ANY */
} allowed[] = {
/* the loops; read and write also for the TPM and the event counters */
#ifdef SYS_epoll_wait
    { SCMP_SYS(epoll_wait), ANY },
#else
    { SCMP_SYS(epoll_pwait), ANY },
#endif
    { SCMP_SYS(epoll_ctl), ANY },
    { SCMP_SYS(accept4), ANY },
    { SCMP_SYS(read), ANY },
    { SCMP_SYS(write), ANY },
    { SCMP_SYS(close), ANY },
    /* the flash */
    { SCMP_SYS(pread64), ANY },
    { SCMP_SYS(pwrite64), ANY },
    { SCMP_SYS(fdatasync), ANY },
    /* memory */
    { SCMP_SYS(mmap), 2 },
    { SCMP_SYS(mprotect), 2 },
    { SCMP_SYS(munmap), ANY },
    { SCMP_SYS(mremap), ANY },
    { SCMP_SYS(madvise), ANY },
    { SCMP_SYS(brk), ANY },
    /* threads: rseq and set_robust_list for one that was started and has not come to our code yet, rt_sigprocmask for
     * one that ends */
    { SCMP_SYS(futex), ANY },
    { SCMP_SYS(rseq), ANY },
    { SCMP_SYS(set_robust_list), ANY },
    { SCMP_SYS(rt_sigprocmask), ANY },
    { SCMP_SYS(exit), ANY },
    { SCMP_SYS(exit_group), ANY },
    /* a wait that a stop and continue interrupted; clocks where the kernel's page for them is missing */
    { SCMP_SYS(restart_syscall), ANY },
    { SCMP_SYS(clock_gettime), ANY },
    /* libcrypto's generator, which looks for a fork at each draw */
    { SCMP_SYS(getrandom), ANY },
    { SCMP_SYS(getpid), ANY },
};

_Static_assert(ARRAY_LEN(allowed) <= FILTER_MAX, "the filter has grown beyond its limit");

size_t filter_count(void)
{
    return ARRAY_LEN(allowed);
}

int filter_call(size_t at)
{
    INVARIANT(at < ARRAY_LEN(allowed));
    return allowed[at].number;
}

bool filter_is_available(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool filter_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool ok = filter != NULL && seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;

    for (size_t i = 0; ok && i < ARRAY_LEN(allowed); i++) {
        unsigned checks = allowed[i].protection == ANY ? 0 : 1;
        struct scmp_arg_cmp no_execute = SCMP_CMP((unsigned)allowed[i].protection, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i].number, checks, no_execute) == 0;
    }
    ok = ok && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}
