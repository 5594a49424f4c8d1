#include "tests/conformance/suite.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX    2000
#define CASE_SECONDS 40

struct entry {
    char name[CASE_NAME_MAX];
    enum level level;
    void (*run)(const void *row);
    const void *row;
    unsigned seconds;
};

struct suite {
    unsigned count;
    struct entry cases[CASES_MAX];
};

enum verdict_kind { CASE_BEGINS = 1, CASE_PASSED, CASE_FAILED, CASE_ABSENT };

/* What a child says of a case; short enough for one atomic write to the pipe. */
struct verdict {
    unsigned index;
    enum verdict_kind kind;
    char text[600];
};

static struct suite filled;

static struct {
    int pipe;
    unsigned next, current;
    bool absent, failed;
    char why[128];
} child;

void suite_row(struct suite *s, enum level level, void (*run)(const void *row), const void *row, const char *format,
               ...)
{
    struct entry *e;
    va_list ap;

    if (s->count == CASES_MAX)
        abort();
    e = &s->cases[s->count++];
    *e = (struct entry){ .level = level, .run = run, .row = row };
    va_start(ap, format);
    vsnprintf(e->name, sizeof e->name, format, ap);
    va_end(ap);
}

void suite_cases(struct suite *s, const struct test_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        suite_row(s, cases[i].level, cases[i].run, NULL, "%s", cases[i].name);
        s->cases[s->count - 1].seconds = cases[i].seconds;
    }
}

bool check_that(bool good, const char *text, const char *file, unsigned line, bool fatal)
{
    child.failed |= !good;
    CU_assertImplementation(good, line, text, file, "", fatal);
    return good;
}

bool check_rv(CK_RV rv, CK_RV want, const char *text, const char *file, unsigned line, bool fatal)
{
    char said[400];

    if (rv == want)
        return check_that(true, text, file, line, fatal);
    snprintf(said, sizeof said, "%s, not %s: %s", ckr_name(rv), ckr_name(want), text);
    return check_that(false, said, file, line, fatal);
}

bool check_one_of(CK_RV rv, const CK_RV *wanted, const char *text, const char *file, unsigned line)
{
    char said[400];
    size_t len;

    len = (size_t)snprintf(said, sizeof said, "%s, not", ckr_name(rv));
    for (const CK_RV *w = wanted; *w != ANY_RV; w++) {
        if (rv == *w)
            return check_that(true, text, file, line, false);
        if (len < sizeof said)
            len += (size_t)snprintf(said + len, sizeof said - len, "%s %s", w == wanted ? "" : " or", ckr_name(*w));
    }
    if (len < sizeof said)
        snprintf(said + len, sizeof said - len, ": %.200s", text);
    return check_that(false, said, file, line, false);
}

bool check_absent(const char *what)
{
    child.absent = true;
    snprintf(child.why, sizeof child.why, "%s", what);
    return false;
}

static void tell(enum verdict_kind kind, const char *text)
{
    struct verdict v = { .index = child.current, .kind = kind };

    snprintf(v.text, sizeof v.text, "%s", text);
    if (write(child.pipe, &v, sizeof v) != (ssize_t)sizeof v)
        _exit(3);
}

/* CUnit's test function has no argument; the cases run in their order, so a counter finds them. */
static void run_next(void)
{
    struct entry *e = &filled.cases[child.next];
    bool afresh = child.failed || e->level == LEVEL_RAW;

    child.current = child.next++;
    child.absent = child.failed = false;
    tell(CASE_BEGINS, "");
    REQUIRE(client_reach(e->level, afresh));
    e->run(e->row);
}

static void on_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
    char said[560];
    size_t len = 0;

    (void)test;
    (void)suite;
    if (failures == NULL) {
        tell(child.absent ? CASE_ABSENT : CASE_PASSED, child.absent ? child.why : "");
        return;
    }
    for (CU_pFailureRecord r = failures; r != NULL && len < sizeof said; r = r->pNext) {
        const char *slash = strrchr(r->strFileName, '/');

        len += (size_t)snprintf(said + len, sizeof said - len, "%s%s:%u: %s", r == failures ? "" : "\n         ",
                                slash != NULL ? slash + 1 : r->strFileName, r->uiLineNumber, r->strCondition);
    }
    tell(CASE_FAILED, said);
}

static void run_in_child(const char *name, unsigned first)
{
    CU_pSuite s;

    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    if (!client_load() || CU_initialize_registry() != CUE_SUCCESS || (s = CU_add_suite(name, NULL, NULL)) == NULL)
        _exit(2);
    child.next = child.current = first;
    for (unsigned i = first; i < filled.count; i++)
        if (CU_add_test(s, filled.cases[i].name, run_next) == NULL)
            _exit(2);
    CU_set_test_complete_handler(on_complete);
    CU_set_error_action(CUEA_IGNORE);
    CU_run_all_tests();
    client.f->C_Finalize(NULL);
    _exit(0);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void account(const struct verdict *v, struct totals *t, bool verbose)
{
    const char *name = filled.cases[v->index].name;

    if (v->kind == CASE_PASSED)
        t->passed++;
    else if (v->kind == CASE_ABSENT)
        t->absent++;
    else
        t->failed++;
    if (v->kind == CASE_FAILED)
        printf("  FAILED %s\n         %s\n", name, v->text);
    else if (verbose)
        printf("  %s %s%s%s\n", v->kind == CASE_PASSED ? "passed" : "not offered", name, v->text[0] != '\0' ? ": " : "",
               v->text);
    fflush(stdout);
}

/* Take verdicts until the child ends or a case takes too long. Gives the number of cases it has done with; *begun says
 * that one more was under way. */
static unsigned follow(int fd, unsigned done, struct totals *t, bool verbose, bool *begun, bool *late)
{
    struct verdict v;
    ssize_t n;

    *begun = *late = false;
    for (;;) {
        unsigned seconds =
            done < filled.count && filled.cases[done].seconds > 0 ? filled.cases[done].seconds : CASE_SECONDS;
        int64_t end = now_ms() + (int64_t)seconds * 1000, left;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int ready = 0;

        while ((left = end - now_ms()) > 0 && (ready = poll(&p, 1, (int)left)) < 0 && errno == EINTR)
            ;
        if (ready <= 0) {
            *late = true;
            return done;
        }
        if ((n = read(fd, &v, sizeof v)) != (ssize_t)sizeof v)
            return done;
        *begun = v.kind == CASE_BEGINS;
        if (v.kind == CASE_BEGINS)
            continue;
        account(&v, t, verbose);
        done = v.index + 1;
    }
}

static void describe_end(int status, bool late, char *text, size_t room)
{
    if (late)
        snprintf(text, room, "no end in time");
    else if (WIFSIGNALED(status))
        snprintf(text, room, "the process ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, room, "the process ended with code %d", WEXITSTATUS(status));
}

/* Run from case `first` on in a child; gives how many cases are done with in all. */
static unsigned run_from(const char *name, unsigned first, struct totals *t, bool verbose)
{
    struct verdict broken = { .kind = CASE_FAILED };
    bool begun, late;
    int fds[2], status = 0;
    unsigned done;
    pid_t pid;

    fflush(stdout);
    if (pipe(fds) != 0 || (pid = fork()) < 0) {
        perror("conformance");
        exit(2);
    }
    if (pid == 0) {
        close(fds[0]);
        child.pipe = fds[1];
        run_in_child(name, first);
    }
    close(fds[1]);
    done = follow(fds[0], first, t, verbose, &begun, &late);
    close(fds[0]);
    if (late)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (done < filled.count) {
        broken.index = done;
        describe_end(status, late, broken.text, sizeof broken.text);
        account(&broken, t, verbose);
        done++;
    } else if (late || status != 0) {
        describe_end(status, late, broken.text, sizeof broken.text);
        printf("  FAILED %s: after its last case: %s\n", name, broken.text);
        t->failed++;
    }
    return done;
}

void suite_run(const struct suite_entry *entry, struct totals *totals, bool verbose)
{
    struct totals t = { 0 };
    unsigned done = 0;
    int64_t began = now_ms();

    filled.count = 0;
    entry->fill(&filled);
    while (done < filled.count)
        done = run_from(entry->name, done, &t, verbose);
    printf("%-12s %4u passed, %3u failed, %3u not offered, %.1f s\n", entry->name, t.passed, t.failed, t.absent,
           (double)(now_ms() - began) / 1000);
    fflush(stdout);
    totals->passed += t.passed;
    totals->failed += t.failed;
    totals->absent += t.absent;
}

void suite_list(const struct suite_entry *entry)
{
    filled.count = 0;
    entry->fill(&filled);
    for (unsigned i = 0; i < filled.count; i++)
        printf("%s: %s\n", entry->name, filled.cases[i].name);
}
