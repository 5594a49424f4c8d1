/* audit_record.h - the keystore's audit records as firmware/flash/audit.h lays them out: taken apart, checked as a
 * chain, and in words. */
#ifndef STRONGROOM_PROVISIONING_AUDIT_RECORD_H
#define STRONGROOM_PROVISIONING_AUDIT_RECORD_H

#include "firmware/flash/audit.h"

struct audit_record {
    uint64_t sequence, time_ms, mechanism, detail;
    uint32_t partition, result;
    uint16_t kind;
    uint8_t role;
    uint8_t object[16], peer[8];
};

void audit_record_read(const uint8_t in[AUDIT_RECORD_LEN], struct audit_record *out);
/* What was done: "domain-create"; "?" for a kind of a later keystore. */
const char *audit_record_what(const struct audit_record *r);

/* Of an approval's record: what it approves, as audit_record_what() says it, and the act's number. */
const char *audit_record_act(const struct audit_record *r);
int64_t audit_record_act_number(const struct audit_record *r);

/* Reading from the oldest record on. A zeroed struct is the beginning. */
struct audit_chain {
    bool begun;
    uint64_t first, last; /* numbers */
    unsigned breaks;      /* new chains begun by the keystore itself, each said by a record of its own */
    uint8_t hash[AUDIT_HASH_LEN];
};

/* The next record. Errors: ST_CORRUPT it does not follow the one before, or was changed. */
MUST_CHECK enum status audit_chain_add(struct audit_chain *c, const uint8_t record[AUDIT_RECORD_LEN]);

#endif
