/* trails.h - what the tests of the audit trail share: keys, trails to write, directories to spoil. No CUnit in here, as
 * another process uses it too: what must not fail is an INVARIANT. */
#ifndef STRONGROOM_TESTS_AUDIT_TRAILS_H
#define STRONGROOM_TESTS_AUDIT_TRAILS_H

#include "service/audit/audit.h"
#include "service/audit/verify.h"
#include "tests/unit/harness.h"

/* The key that signs, and one that does not belong here; made once, never freed. */
EVP_PKEY *trail_key(void);
EVP_PKEY *other_key(void);
/* The signing key as a token's: it signs by a call that can be made to fail, or to wait until it is let go. */
EVP_PKEY *token_key(void);
void token_key_fail(bool fail);
void token_key_hold(bool hold);
/* How often it was asked to sign, whatever came of it. */
unsigned token_key_asked(void);

/* A directory not there yet. The text is the caller's for ever. */
const char *new_trail_path(void);
struct audit *open_trail(const char *directory, EVP_PKEY *key, uint64_t segment_bytes);
/* Submit one record and wait. */
enum status record_text(struct audit *a, const char *text);
/* Submit `count` records of about 60 bytes, one after the other. */
void record_many(struct audit *a, unsigned count);

/* What the verifier says; prints the problem when it differs from `want` in kind. */
enum status verify_trail(const char *directory, struct audit_report *report);
/* Is the trail whole, with that many records? */
bool is_whole(const char *directory, uint64_t records);

/* A trail's directory in memory, to be spoiled and put back. */
#define FILES_MAX 512 /* on a busy machine a writer gets far before its kill comes */
struct file_image {
    char name[256];
    struct bytes content;
};
struct trail_image {
    struct file_image files[FILES_MAX]; /* the segments as they rise, then all others */
    size_t count, segments;
};
void image_read(const char *directory, struct trail_image *out);
void image_clear(struct trail_image *image);
void image_write(const char *directory, const struct trail_image *image); /* the directory then holds just that */
void write_content(const char *directory, const char *name, struct span content);
void remove_content(const char *directory, const char *name);
struct file_image *image_file(struct trail_image *image, const char *name);
/* How many files of the directory have `part` in their name. */
unsigned count_files(const char *directory, const char *part);
/* The lines of a file, without their ends. Returns how many. */
size_t split_lines(struct span content, struct span *lines, size_t max);

#endif
