/* act_file.h - the two files by which holders approve a dangerous act away from the keystore (firmware/wire/act.h says
 * what is signed).
 *
 * An act, written by the owner's side with --prepare and carried to each holder:
 *   version 1; kind "domain-change"; device, domainId hexadecimal; generation, sequence; expires, RFC 3339;
 *   request: the packed request in base64url, without authorisation, shares and passphrases;
 *   required, holders: who may approve, for people and for `act verify`; words: what it is, for people.
 * Only what stands before "required" is signed; what is shown to a holder is made from that alone.
 *
 * An approval, carried back: version 1; kind "approval"; name; holder: SHA-256 of the certificate; act: SHA-256 of the
 * statement that is signed; signature, certificate in base64url. */
#ifndef STRONGROOM_PROVISIONING_ACT_FILE_H
#define STRONGROOM_PROVISIONING_ACT_FILE_H

#include "firmware/wire/act.h"
#include "provisioning/cli/command.h"

#define ACT_FILE_MAX           (512u * 1024)
#define APPROVAL_FILE_MAX      (16u * 1024)
#define APPROVAL_SIGNATURE_MAX (HOLDER_KEY_BITS_MAX / 8)
#define HOLDER_ID_LEN          32 /* SHA-256 of the certificate's DER */

struct act_holder {
    uint8_t id[HOLDER_ID_LEN];
    char name[PARTITION_NAME_MAX + 1]; /* "" where the act's maker did not know it */
};

/* A zeroed one is empty and valid. */
struct act_file {
    struct act act; /* its digest is that of `request` */
    struct bytes request;
    uint32_t required;
    struct act_holder holders[HOLDERS_MAX];
    size_t holder_count;
};

struct approval {
    char name[PARTITION_NAME_MAX + 1];
    uint8_t holder[HOLDER_ID_LEN];
    uint8_t act[32];
    struct bytes signature, certificate; /* DER */
};

/* "domain-change"; NULL: no kind that holders approve. */
const char *act_kind_name(uint16_t kind);

/* All of these: EXIT_DONE, or EXIT_REFUSED after saying why. A file that is written was not there before. */
int act_file_read(const struct invocation *in, const char *path, struct act_file *out);
int act_file_write(const struct invocation *in, const char *path, const struct act_file *a, struct span words);
void act_file_clear(struct act_file *a);
/* Parts of the file: what the act is, without the request; who approves it. */
struct json_writer;
void act_put(struct json_writer *w, const struct act_file *a);
void act_put_holders(struct json_writer *w, const struct act_file *a);
/* Say why act_words() could not make words of the act of --act. Returns EXIT_REFUSED. */
int act_not_shown(const struct invocation *in, enum status st);
/* SHA-256 of what is signed: the name of an act. */
void act_name(const struct act *a, uint8_t out[32]);

int approval_read(const struct invocation *in, const char *path, struct approval *out);
int approval_write(const struct invocation *in, const char *path, const struct approval *a);
void approval_clear(struct approval *a);

/* Parts of both, for files that carry an approval within (release_file.h). */
struct json_t;
void approval_put(struct json_writer *w, const struct approval *a);
enum status approval_get(const struct json_t *object, struct approval *out);

#endif
