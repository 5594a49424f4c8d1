#include "service/daemon/lifecycle.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"
#include "firmware/base/secret.h"
#include "service/daemon/sandbox.h"

static void taken_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

/* A thread of ours that wakes up need not push the running one off its core: they feed each other (I/O, token, audit),
 * and under load each such switch costs what caches held. With a core to spare it makes no difference. SCHED_BATCH of
 * sched(7); inherited by every thread made later, and no right is needed for it. */
static void schedule_in_batches(void)
{
    struct sched_param param = { 0 };

    if (sched_setscheduler(0, SCHED_BATCH, &param) != 0)
        log_info("the scheduling policy stays as it is: %s", strerror(errno));
}

enum status lifecycle_begin(void)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    enum status st;
    sigset_t set;

    taken_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by every thread made later */
    sigaction(SIGPIPE, &ignore, NULL);
    umask(077);
    schedule_in_batches();
    if ((st = sandbox_enter()) != ST_OK) {
        log_error("the system call filter cannot be set; the kernel must have seccomp");
        return st;
    }
    if ((st = secret_init_process()) != ST_OK)
        log_error("the memory for secrets cannot be locked; raise the limit (ulimit -l) to at least %u KiB",
                  SECRET_HEAP_SIZE / 1024 + 64);
    return st;
}

void lifecycle_wait(const char *status_line, const struct lifecycle_hooks *hooks)
{
    uint64_t watchdog_us = 0;
    struct timespec wait;
    sigset_t set;

    taken_signals(&set);
    if (sd_watchdog_enabled(0, &watchdog_us) <= 0)
        watchdog_us = 0;
    wait.tv_sec = watchdog_us > 0 ? (time_t)(watchdog_us / 2000000) : 3600;
    wait.tv_nsec = watchdog_us > 0 ? (long)(watchdog_us / 2 % 1000000) * 1000 : 0;
    sd_notifyf(0, "READY=1\nSTATUS=%s", status_line);
    log_notice("%s", status_line);
    for (;;) {
        int sig = sigtimedwait(&set, NULL, &wait);

        if (sig == SIGTERM || sig == SIGINT)
            break;
        if (sig == SIGHUP) {
            sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_monotonic_us());
            log_notice("reloading");
            if (hooks->reload != NULL)
                hooks->reload(hooks->arg);
            sd_notify(0, "READY=1");
        }
        if (watchdog_us > 0)
            sd_notify(0, "WATCHDOG=1");
    }
    sd_notify(0, "STOPPING=1");
    log_notice("stopping");
}

bool lifecycle_arguments(int argc, char **argv, const char *summary, const char **config_path, int *exit_code)
{
    static const struct option long_options[] = {
        { "config", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 },
    };
    const char *name = program_invocation_short_name;
    int c;

    *config_path = NULL;
    *exit_code = 2;
    while ((c = getopt_long(argc, argv, "c:hV", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            *config_path = optarg;
            break;
        case 'h':
            printf("%s - %s\n\nUsage: %s --config FILE\n\n"
                   "  -c, --config FILE  the configuration (docs/configuration.md)\n"
                   "  -h, --help         this text\n"
                   "  -V, --version      the version\n\n"
                   "SIGHUP reads the TLS certificate again, SIGTERM ends the daemon once running requests are done.\n"
                   "Log lines go to standard error with the journal's priority prefixes.\n",
                   name, summary, name);
            *exit_code = 0;
            return false;
        case 'V':
            printf("%s %s\n", name, STRONGROOM_VERSION);
            *exit_code = 0;
            return false;
        default:
            return false;
        }
    }
    if (*config_path == NULL || optind != argc) {
        fprintf(stderr, "usage: %s --config FILE (see %s --help)\n", name, name);
        return false;
    }
    return true;
}
