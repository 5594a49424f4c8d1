#include "board/sim/filter.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware/base/status.h"

#define ALLOW(name)                                                                                                    \
    {                                                                                                                  \
        SCMP_SYS(name), #name, -1                                                                                      \
    }
#define ALLOW_NO_EXECUTE(name, prot_argument)                                                                          \
    {                                                                                                                  \
        SCMP_SYS(name), #name, prot_argument                                                                           \
    }

/* Nothing here opens, creates, connects, starts or signals anything: all descriptors and threads are there before. */
static const struct {
    int number;
    const char *name;
    int prot_argument; /* the argument that must not ask for executable memory; -1: none */
} allowed[] = {
/* the loops */
#ifdef SYS_epoll_wait
    ALLOW(epoll_wait),
#else
    ALLOW(epoll_pwait),
#endif
    ALLOW(epoll_ctl), ALLOW(accept4), ALLOW(read), /* sockets, event counters, the TPM */
    ALLOW(write), ALLOW(close),
    /* the flash */
    ALLOW(pread64), ALLOW(pwrite64), ALLOW(fdatasync),
    /* memory */
    ALLOW_NO_EXECUTE(mmap, 2), ALLOW_NO_EXECUTE(mprotect, 2), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(brk),
    /* threads and time */
    ALLOW(futex), ALLOW(rt_sigprocmask),                    /* a thread that ends */
    ALLOW(exit), ALLOW(exit_group), ALLOW(restart_syscall), /* a wait that a stop and continue interrupted */
    ALLOW(clock_gettime),                                   /* where the kernel's page for it is missing */
    /* libcrypto's generator */
    ALLOW(getrandom), ALLOW(getpid), /* it looks for a fork at each draw */
};

_Static_assert(ARRAY_LEN(allowed) <= FILTER_MAX, "the filter has grown beyond its limit");

size_t filter_count(void)
{
    return ARRAY_LEN(allowed);
}

const char *filter_name(size_t at)
{
    INVARIANT(at < ARRAY_LEN(allowed));
    return allowed[at].name;
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
        struct scmp_arg_cmp no_execute = SCMP_CMP((unsigned)allowed[i].prot_argument, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

        if (allowed[i].prot_argument < 0)
            ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i].number, 0) == 0;
        else
            ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i].number, 1, no_execute) == 0;
    }
    ok = ok && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}
