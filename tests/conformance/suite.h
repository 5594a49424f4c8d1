/* suite.h - suites of cases, each suite run by CUnit in a child process of its own: a module that crashes or hangs
 * costs the case it did it in, and no other. Cases are sentences; a table's rows are cases of their own. */
#ifndef STRONGROOM_CONFORMANCE_SUITE_H
#define STRONGROOM_CONFORMANCE_SUITE_H

#include "tests/conformance/check.h"

#define CASE_NAME_MAX 120

struct test_case {
    const char *name;
    enum level level;
    void (*run)(const void *row);
    unsigned seconds; /* 0: CASE_SECONDS */
};

struct suite;
void suite_cases(struct suite *s, const struct test_case *cases, size_t count);
void suite_row(struct suite *s, enum level level, void (*run)(const void *row), const void *row, const char *format,
               ...) __attribute__((format(printf, 5, 6)));

struct suite_entry {
    const char *name;
    void (*fill)(struct suite *s);
    bool apart; /* not among those that run when none is named */
};

struct totals {
    unsigned passed, failed, absent;
};
/* Run one suite, print its failures and its line, add to the totals. */
void suite_run(const struct suite_entry *entry, struct totals *totals, bool verbose);
void suite_list(const struct suite_entry *entry);

#endif
