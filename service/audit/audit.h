/* audit.h - the tamper-evident record of every request (THREATS.md C15).
 *
 * A trail is a directory of segments, JSON lines, each line chained to the one before by SHA-256; signed checkpoints by
 * a key of the token stand in the chain at least each second while records come, at each segment's end and at a clean
 * close. `head` beside them names the newest line, so a cut end is seen. docs/audit.md has the format.
 * A record is durable before audit_entry.done is called; records that wait together become durable together. If the
 * trail cannot be written, entries fail and stay failed until it can be again: their operations must be refused.
 * Thread-safe. */
#ifndef STRONGROOM_AUDIT_AUDIT_H
#define STRONGROOM_AUDIT_AUDIT_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"

#define AUDIT_LINE_MAX   (32u * 1024)
#define AUDIT_RECORD_MAX (AUDIT_LINE_MAX - 160)

struct audit;

struct audit_config {
    const char *directory;  /* ours alone, 0700 */
    const char *source;     /* "vaultd" */
    EVP_PKEY *signing_key;  /* EC P-256, in the token; referenced */
    uint64_t segment_bytes; /* 0: 64 MiB */
    unsigned queue_limit;   /* 0: 16384 */
    uint64_t gather_us;     /* how long a record may wait for those of other requests under way; 0: 4000 */
};

/* Open the trail and go on where it ended: an unfinished last line (crash) is set aside and said so in the chain.
 * Errors: ST_CORRUPT the trail is shorter than its head says, or its last lines do not chain: refuse to start;
 * ST_IO; ST_BUSY another process has it; ST_NOT_PERMITTED the directory is not ours alone; ST_BAD_REQUEST the source's
 * name; ST_NO_MEMORY; ST_UNAVAILABLE no thread; ST_INTERNAL. */
MUST_CHECK enum status audit_open(const struct audit_config *config, struct audit **out);
/* Writes what was submitted and a closing checkpoint (when the key signs), then frees. NULL does nothing. */
void audit_close(struct audit *a);

/* One record. `record` is the inside of a JSON object, without braces and without a line end: "\"time\":..,\"x\":1".
 * Its members are not called "source", "seq" or "prev", which the trail adds; the first is not "checkpoint" or "trail".
 * The whole line is shorter than AUDIT_LINE_MAX, so the record at most AUDIT_RECORD_MAX. */
struct audit_entry {
    struct bytes record;                 /* cleared when done */
    void (*done)(struct audit_entry *e); /* on the audit thread, when durable or failed */
    void *owner;
    enum status status; /* ST_OK; ST_IO; ST_TOO_LARGE */
    bool announced;     /* by audit_announce(), until submitted */
    struct audit_entry *next;
};
/* The record of this entry will come: before audit_submit(), which must follow. So the trail knows how many requests
 * are under way, flushes for many of them at once and lets nobody wait who is alone. Optional. */
void audit_announce(struct audit *a, struct audit_entry *e);
/* Errors (then not taken): ST_BUSY; ST_CLOSED. */
MUST_CHECK enum status audit_submit(struct audit *a, struct audit_entry *e);
/* False while records cannot be written: health. */
bool audit_is_up(const struct audit *a);

#endif
