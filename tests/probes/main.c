#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/probes/probe.h"

#define PROBE_SECONDS 60

/* What a child says of its probe. */
struct report {
    enum outcome_kind kind;
    CK_RV rv;
    char where[160];
};

static int answer_fd;

struct outcome succeeded(void)
{
    return (struct outcome){ .kind = PROBE_SUCCEEDED };
}

struct outcome refused(CK_RV rv, const char *where)
{
    bool absent = rv == CKR_MECHANISM_INVALID || rv == CKR_FUNCTION_NOT_SUPPORTED;

    return (struct outcome){ .kind = absent ? PROBE_NOT_OFFERED : PROBE_REFUSED, .rv = rv, .where = where };
}

struct outcome in_vain(const char *what)
{
    return (struct outcome){ .kind = PROBE_REFUSED, .rv = CKR_OK, .where = what };
}

static void answer(struct outcome o)
{
    struct report r = { .kind = o.kind, .rv = o.rv };

    snprintf(r.where, sizeof r.where, "%s", o.where != NULL ? o.where : "");
    if (write(answer_fd, &r, sizeof r) != (ssize_t)sizeof r)
        _exit(3);
}

/* keys.h says what it needs by check.h; here a need that is not met means that the probe cannot be made. */
bool check_that(bool good, const char *text, const char *file, unsigned line, bool fatal)
{
    (void)file;
    (void)line;
    if (!good && fatal) {
        answer((struct outcome){ .kind = PROBE_BROKEN, .where = text });
        _exit(0);
    }
    return good;
}

bool check_rv(CK_RV rv, CK_RV want, const char *text, const char *file, unsigned line, bool fatal)
{
    (void)file;
    (void)line;
    if (rv != want && fatal) {
        answer((struct outcome){ .kind = PROBE_BROKEN, .rv = rv, .where = text });
        _exit(0);
    }
    return rv == want;
}

static void run_in_child(const struct probe *p)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    if (!client_load() || !client_reach(LEVEL_USER, true))
        _exit(2);
    answer(p->run());
    if (client_reach(LEVEL_USER, true))
        client_clean(S);
    client.f->C_Finalize(NULL);
    _exit(0);
}

static struct report run_probe(const struct probe *p)
{
    struct report r = { .kind = PROBE_BROKEN };
    int fds[2], status = 0;
    bool told = false;
    pid_t pid;

    fflush(stdout);
    if (pipe(fds) != 0 || (pid = fork()) < 0) {
        perror("probes");
        exit(2);
    }
    if (pid == 0) {
        close(fds[0]);
        answer_fd = fds[1];
        run_in_child(p);
    }
    close(fds[1]);
    if (poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, PROBE_SECONDS * 1000) > 0)
        told = read(fds[0], &r, sizeof r) == (ssize_t)sizeof r;
    if (!told)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(fds[0]);
    if (!told) {
        r = (struct report){ .kind = PROBE_BROKEN };
        snprintf(r.where, sizeof r.where, "the module crashed or hung (%s %d)", WIFSIGNALED(status) ? "signal" : "code",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    return r;
}

static void print(const char *name, const struct report *r)
{
    static const char *const words[] = { [PROBE_SUCCEEDED] = "SUCCEEDED",
                                         [PROBE_REFUSED] = "refused",
                                         [PROBE_NOT_OFFERED] = "not offered",
                                         [PROBE_BROKEN] = "BROKEN" };

    printf("%-11s %s", words[r->kind], name);
    if (r->kind == PROBE_REFUSED || r->kind == PROBE_BROKEN)
        printf(": %s%s%.80s", r->rv != CKR_OK ? ckr_name(r->rv) : "", r->rv != CKR_OK ? " from " : "", r->where);
    putchar('\n');
}

int main(int argc, char **argv)
{
    const struct {
        const struct probe *probes;
        size_t count;
    } groups[] = { { probes_read, probes_read_count },     { probes_wrap, probes_wrap_count },
                   { probes_unwrap, probes_unwrap_count }, { probes_derive, probes_derive_count },
                   { probes_rsa, probes_rsa_count },       { probes_use, probes_use_count } };
    unsigned totals[PROBE_BROKEN + 1] = { 0 };

    signal(SIGPIPE, SIG_IGN);
    for (size_t g = 0; g < COUNT_OF(groups); g++)
        for (size_t i = 0; i < groups[g].count; i++) {
            const struct probe *p = &groups[g].probes[i];
            struct report r;

            if (argc > 1 && strstr(p->name, argv[1]) == NULL)
                continue;
            r = run_probe(p);
            print(p->name, &r);
            totals[r.kind]++;
        }
    printf("%u succeeded, %u refused, %u not offered, %u broken\n", totals[PROBE_SUCCEEDED], totals[PROBE_REFUSED],
           totals[PROBE_NOT_OFFERED], totals[PROBE_BROKEN]);
    return totals[PROBE_BROKEN] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
