/* verify.h - checks a trail offline: every line chained, every checkpoint signed, no segment missing, nothing cut. */
#ifndef STRONGROOM_AUDIT_VERIFY_H
#define STRONGROOM_AUDIT_VERIFY_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"

struct audit_report {
    uint64_t records, checkpoints, segments;
    uint64_t unsigned_tail; /* records no checkpoint speaks for: chained, but not yet under a signature */
    bool closed;            /* the last line is a closing checkpoint */
    struct bytes problem;   /* the first fault: segment, line, what is wrong; empty when all is well */
};
/* Overwrites *report, which is the caller's to clear, also after an error. The counts say how far it got. A trail that
 * a daemon is writing may be verified too: what it adds meanwhile is left out. A large unsigned_tail is no fault by
 * itself (the token may be away), but nothing vouches for those lines: of a live trail it is what came in the last
 * second or two. Errors: ST_CORRUPT (see report->problem); ST_NOT_FOUND no trail there; ST_IO; ST_NO_MEMORY;
 * ST_INTERNAL. */
MUST_CHECK enum status audit_verify(const char *directory, EVP_PKEY *public_key, struct audit_report *report);
void audit_report_clear(struct audit_report *r);

#endif
