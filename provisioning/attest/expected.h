/* expected.h - what a verifier expects of a statement: a JSON file (docs/attestation.md has all members). */
#ifndef STRONGROOM_PROVISIONING_EXPECTED_H
#define STRONGROOM_PROVISIONING_EXPECTED_H

#include "firmware/wire/limits.h"
#include "firmware/wire/message.h"
#include "provisioning/attest/device_certificate.h"
#include "provisioning/cli/command.h"
#include "service/json/json.h"

#define EXPECTED_HASHES_MAX 16

struct expected {
    json_t *root;        /* what the texts below are borrowed from */
    uint32_t purpose;    /* statement_purpose: an attestation unless the file says "destruction" */
    unsigned hash_count; /* firmware hashes, at least one */
    uint8_t hashes[EXPECTED_HASHES_MAX][32];
    const json_t *versions, *boards, *roots; /* arrays of texts; NULL: any */
    uint64_t counter_min;
    unsigned states; /* BIT(keystore_state) */
    int64_t max_age_s;
    bool has_hardware, hardware;
    bool has_quoted, quoted; /* a TPM's word beside the device's */
    bool has_domain;
    uint8_t domain_id[8];
    const char *serial; /* of the device's certificate; NULL: any */
    bool has_key;       /* the statement is about a key */
    bool restored;      /* it may have been made in another device */
    const json_t *attributes;
    const char *partition;
    bool has_public_key;
    uint8_t public_key[32]; /* SHA-256 of SubjectPublicKeyInfo */
};

/* EXIT_DONE, or EXIT_REFUSED after saying why. *out is for expected_clear(), in every case. */
int expected_read(const struct invocation *in, const char *path, struct expected *out);
void expected_clear(struct expected *e);
/* Is `text` in a list of expected texts? */
bool expected_lists(const json_t *list, const char *text);

#endif
