/* report.h - the table: for each file its cases, those run, passed, failed, and left out with the reason. */
#ifndef STRONGROOM_TESTS_VECTORS_REPORT_H
#define STRONGROOM_TESTS_VECTORS_REPORT_H

#include <stdbool.h>

#define REASONS_MAX 64

struct reason {
    char text[160];
    unsigned file, all;
};

struct counts {
    unsigned cases, passed, acceptable, failed, left_out;
};

struct report {
    struct counts file, all;
    struct reason reasons[REASONS_MAX];
    unsigned reason_count;
    unsigned files;
};

void report_head(void);
void report_file(struct report *r); /* a file begins */
void report_passed(struct report *r, bool acceptable);
void report_failed(struct report *r, long id, char verdict, const char *what, const char *comment);
void report_left_out(struct report *r, const char *why);
void report_row(struct report *r, const char *name); /* and ends: its line, and its reasons */
/* The totals, all reasons, and the closing line. */
void report_end(const struct report *r, const char *what);

#endif
