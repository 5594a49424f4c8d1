#include "board/sim/sandbox.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "board/sim/filter.h"
#include "board/sim/landlock.h"
#include "board/sim/namespaces.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static void lacks(struct sandbox *s, const char *what)
{
    size_t len = strlen(s->isolation);

    snprintf(s->isolation + len, sizeof s->isolation - len, "%s%s", len == 0 ? "lacks " : ", ", what);
}

/* Nothing of ours on a swap device. Only without a limit: a limit would let a later allocation fail, and the secret
 * heap is locked in any case. */
static bool lock_memory(void)
{
    struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return false;
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

/* Whatever the process starts as, it can never have a capability again; first this, since it takes one. */
static bool empty_bounding_set(void)
{
    for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++)
        if (prctl(PR_CAPBSET_DROP, c) != 0)
            return false;
    return true;
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool hide(void)
{
    struct rlimit none = { 0, 0 };

    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
}

enum status sandbox_enter(struct sandbox *s, const struct user *user, const char *folder)
{
    bool bounded;

    s->isolation[0] = '\0';
    if (SANITIZED)
        lacks(s, "everything but namespaces (a build with sanitizers)");
    else if (!lock_memory())
        lacks(s, "locked memory beyond the secret heap");
    if (user == NULL && !namespaces_enter_user())
        lacks(s, "a user of its own");
    if (!namespaces_enter())
        lacks(s, "namespaces");
    else if (!SANITIZED && !namespaces_empty_root(folder))
        lacks(s, "an empty root");
    bounded = empty_bounding_set();
    if (user != NULL && user_become(user) != ST_OK)
        return ST_NOT_PERMITTED;
    if (!drop_capabilities() || !bounded)
        lacks(s, "dropped privileges");
    if (!SANITIZED && !landlock_enter())
        lacks(s, "Landlock");
    if (!SANITIZED && !hide())
        lacks(s, "no core dumps");
    if (!SANITIZED && !filter_is_available())
        lacks(s, "a system call filter");
    if (s->isolation[0] == '\0')
        memcpy(s->isolation, "full", sizeof "full");
    return ST_OK;
}

enum status sandbox_close(void)
{
    if (SANITIZED || !filter_is_available())
        return ST_OK;
    return filter_enter() ? ST_OK : ST_UNAVAILABLE;
}
