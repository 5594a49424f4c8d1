#include "tests/vectors/report.h"

#include <stdio.h>
#include <string.h>

#include "firmware/base/status.h"

#define FAILURES_SHOWN 8 /* of a file */

void report_head(void)
{
    printf("%-52s %7s %7s %7s %7s %8s\n", "file", "cases", "run", "passed", "failed", "left out");
}

void report_file(struct report *r)
{
    r->file = (struct counts){ 0 };
    for (unsigned i = 0; i < r->reason_count; i++)
        r->reasons[i].file = 0;
    r->files++;
}

void report_passed(struct report *r, bool acceptable)
{
    r->file.cases++;
    r->file.passed++;
    r->file.acceptable += acceptable;
}

void report_failed(struct report *r, long id, char verdict, const char *what, const char *comment)
{
    const char *should = verdict == 'v' ? "valid" : verdict == 'i' ? "invalid" : "acceptable";

    r->file.cases++;
    if (r->file.failed++ < FAILURES_SHOWN)
        printf("  FAILED case %ld (%s): %s %s\n", id, should, what, comment);
}

void report_left_out(struct report *r, const char *why)
{
    unsigned i = 0;

    r->file.cases++;
    r->file.left_out++;
    while (i < r->reason_count && strncmp(r->reasons[i].text, why, sizeof r->reasons[i].text - 1) != 0)
        i++;
    INVARIANT(i < REASONS_MAX);
    if (i == r->reason_count) {
        snprintf(r->reasons[i].text, sizeof r->reasons[i].text, "%s", why);
        r->reason_count++;
    }
    r->reasons[i].file++;
    r->reasons[i].all++;
}

static void row(const char *name, const struct counts *c)
{
    printf("%-52s %7u %7u %7u %7u %8u\n", name, c->cases, c->passed + c->failed, c->passed, c->failed, c->left_out);
}

void report_row(struct report *r, const char *name)
{
    row(name, &r->file);
    for (unsigned i = 0; i < r->reason_count; i++)
        if (r->reasons[i].file > 0)
            printf("      %u left out: %s\n", r->reasons[i].file, r->reasons[i].text);
    r->all.cases += r->file.cases;
    r->all.passed += r->file.passed;
    r->all.acceptable += r->file.acceptable;
    r->all.failed += r->file.failed;
    r->all.left_out += r->file.left_out;
}

void report_end(const struct report *r, const char *what)
{
    printf("\nleft out, and why:\n");
    for (unsigned i = 0; i < r->reason_count; i++)
        printf("  %6u  %s\n", r->reasons[i].all, r->reasons[i].text);
    printf("\n");
    report_head();
    row(what, &r->all);
    printf("%u of those passed are acceptable to the vectors either way\n", r->all.acceptable);
}
