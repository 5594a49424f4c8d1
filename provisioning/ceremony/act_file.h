/* act_file.h - the file by which holders are told of a dangerous act, away from the keystore (firmware/wire/act.h says
 * what is signed); approval.h has what they answer.
 *
 * An act, written by the owner's side with --prepare and carried to each holder:
 *   version 1; kind "domain-change"; device, domainId hexadecimal; generation, sequence; expires, RFC 3339;
 *   request: the packed request in base64url, without authorisation, shares and passphrases;
 *   required, holders: who may approve, for people and for `act verify`; words: what it is, for people.
 * Only what stands before "required" is signed; what is shown to a holder is made from that alone. */
#ifndef STRONGROOM_PROVISIONING_ACT_FILE_H
#define STRONGROOM_PROVISIONING_ACT_FILE_H

#include "firmware/wire/act.h"
#include "provisioning/ceremony/approval.h"
#include "provisioning/cli/command.h"

#define ACT_FILE_MAX (512u * 1024)

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

#endif
