/* tpm_command.h - the inside of tpm.h: how any command is begun and run, and the numbers. For tpm*.c alone; whoever
 * calls tpm_run() holds the lock for as long as it looks at the answer. */
#ifndef STRONGROOM_BOARD_TPM_COMMAND_H
#define STRONGROOM_BOARD_TPM_COMMAND_H

#include <pthread.h>

#include "board/sim/tpm.h"
#include "board/sim/tpm_link.h"

/* Part 2, 6.3, 6.5.2, 6.6 and 6.9: what we use of the numbers. */
enum {
    TAG_PLAIN = 0x8001,
    TAG_SESSIONS = 0x8002,

    CC_EVICT_CONTROL = 0x120,
    CC_NV_DEFINE_SPACE = 0x12A,
    CC_CREATE_PRIMARY = 0x131,
    CC_NV_INCREMENT = 0x134,
    CC_STARTUP = 0x144,
    CC_NV_READ = 0x14E,
    CC_CREATE = 0x153,
    CC_LOAD = 0x157,
    CC_QUOTE = 0x158,
    CC_UNSEAL = 0x15E,
    CC_FLUSH_CONTEXT = 0x165,
    CC_READ_PUBLIC = 0x173,
    CC_START_AUTH_SESSION = 0x176,
    CC_GET_CAPABILITY = 0x17A,
    CC_GET_RANDOM = 0x17B,
    CC_PCR_READ = 0x17E,
    CC_POLICY_PCR = 0x17F,
    CC_PCR_EXTEND = 0x182,

    RC_POLICY_FAIL_SESSION_1 = 0x99D,
    RC_PCR_CHANGED = 0x128,
    RC_NV_UNINITIALIZED = 0x14A,
    RC_NV_DEFINED = 0x14C,
    RC_INITIALIZE = 0x100,
    RC_HANDLE_1 = 0x18B,
    RC_HANDLE_2 = 0x28B,
    RC_YIELDED = 0x908,
    RC_TESTING = 0x90A,
    RC_RETRY = 0x922,

    RH_OWNER = 0x40000001,
    RH_NULL = 0x40000007,
    RS_PW = 0x40000009, /* "session" of a plain authorisation value, which is empty for all we have */

    ALG_AES = 0x06,
    ALG_KEYEDHASH = 0x08,
    ALG_SHA256 = 0x0B,
    ALG_NULL = 0x10,
    ALG_ECDSA = 0x18,
    ALG_ECC = 0x23,
    ALG_CFB = 0x43,
    ECC_NIST_P256 = 0x03,
    SESSION_POLICY = 0x01,
    CAP_HANDLES = 0x01,

    /* fixedTPM, fixedParent, noDA; with sensitiveDataOrigin, userWithAuth, restricted, and decrypt for a storage key or
     * sign for an attestation key, which so signs nothing but what the TPM itself has made. A sealed object has no
     * userWithAuth: only its policy opens it. */
    ATTRIBUTES_SEALED = 0x00000412,
    ATTRIBUTES_STORAGE = 0x00030472,
    ATTRIBUTES_ATTESTATION = 0x00050472,
    /* OWNERWRITE, AUTHWRITE, counter, OWNERREAD, AUTHREAD, NO_DA */
    ATTRIBUTES_COUNTER = 0x02060016,
};

struct tpm {
    pthread_mutex_t lock; /* one command, or one sequence of them, at a time; the answer lies in link.reply */
    struct tpm_link link;
};

/* What a P-256 key of the owner hierarchy is for. */
struct tpm_template {
    uint32_t attributes;
    uint16_t algorithms[4]; /* TPMT_SYM_DEF_OBJECT, then TPMT_ECC_SCHEME: all of their fields are of 16 bits */
    size_t count;
};

/* The header of a command, the handle it works on and, if `session` is not 0, what authorises that: Part 1, 18. */
void tpm_begin(struct tpm_writer *w, uint32_t code, uint32_t handle, uint32_t session);
/* The same with a second handle, which needs no authorisation in any command of ours. */
void tpm_begin_two(struct tpm_writer *w, uint32_t code, uint32_t handle, uint32_t second, uint32_t session);
/* TPML_PCR_SELECTION of one PCR of the SHA-256 bank. */
void tpm_put_selection(struct tpm_writer *w, unsigned pcr);
/* Send the command; the answer's handle when there is a place for it, and its parameters. */
MUST_CHECK enum status tpm_run(struct tpm *t, struct tpm_writer *w, uint32_t *handle, struct tpm_reader *out);
/* Load the primary key that is made from this template: made anew from the hierarchy's seed each time, so always the
 * same one until the TPM is cleared. The answer's parameters begin with its TPM2B_PUBLIC. */
MUST_CHECK enum status tpm_create_primary(struct tpm *t, const struct tpm_template *key, uint32_t *handle,
                                          struct tpm_reader *out);
/* Unload an object or a session; 0 is none. */
void tpm_flush(struct tpm *t, uint32_t handle);

#endif
