#include "service/daemon/sandbox.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/prctl.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LEAK_CHECK_NEEDS_PTRACE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEAK_CHECK_NEEDS_PTRACE 1
#endif
#endif

static const int refused[] = {
    /* other programs and processes */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
#ifndef LEAK_CHECK_NEEDS_PTRACE
    SCMP_SYS(ptrace),
#endif
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    /* the kernel and the machine */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(syslog),
    SCMP_SYS(acct),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(personality),
    /* the view of the file system */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    /* clocks, keyrings, identity */
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
};

/* A PIN may lie in the kernel's keyring (pkcs11/token/pin_keyring.h): keys are looked for, described and read, and that
 * is all. The kernel looks at 32 bits of the operation and these rules at 64, so what they do not know they refuse. */
static bool limit_keyrings(scmp_filter_ctx filter)
{
    /* Each is a comparison of argument 0; libseccomp's own macros leave fields out, which clang minds. */
    const struct scmp_arg_cmp refused_operations[] = {
        { 0, SCMP_CMP_LT, KEYCTL_DESCRIBE, 0 }, { 0, SCMP_CMP_EQ, KEYCTL_CLEAR, 0 }, { 0, SCMP_CMP_EQ, KEYCTL_LINK, 0 },
        { 0, SCMP_CMP_EQ, KEYCTL_UNLINK, 0 },   { 0, SCMP_CMP_GT, KEYCTL_READ, 0 },
    };
    bool ok = true;

    _Static_assert(KEYCTL_DESCRIBE == 6 && KEYCTL_CLEAR == 7 && KEYCTL_LINK == 8 && KEYCTL_UNLINK == 9 &&
                       KEYCTL_SEARCH == 10 && KEYCTL_READ == 11,
                   "the rules name every operation from DESCRIBE to READ");
    for (size_t i = 0; ok && i < ARRAY_LEN(refused_operations); i++)
        ok = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(keyctl), 1, &refused_operations[i]) == 0;
    return ok;
}

enum status sandbox_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool ok = filter != NULL && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;

    for (size_t i = 0; ok && i < ARRAY_LEN(refused); i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0) == 0;
    ok = ok && limit_keyrings(filter);
    ok = ok && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok ? ST_OK : ST_UNAVAILABLE;
}
