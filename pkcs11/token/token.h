/* token.h - how our daemons drive a PKCS#11 token, whichever it is: SoftHSM in tests, the keystore in a rack.
 *
 * Two kinds of key. A *persistent* key is a token object with a label (TLS server key, authority signing key, audit
 * key, domain key); there are few. A *sealed* key is a blob that the token made: generated inside, wrapped by the
 * domain key, authenticated together with the caller's `context` (who the key is and what it may do) by a MAC key of
 * the token. Its blob lies in the store; on use the token unwraps it into a session object, whose handle stays in a
 * bounded LRU. The private part is never outside the token.
 *
 * One asynchronous interface: fill a job, submit it, and its `done` is called once, on a worker thread of the token.
 * Thread-safe. The caller owns the job and everything its spans point at until `done` is called. */
#ifndef STRONGROOM_PKCS11_TOKEN_H
#define STRONGROOM_PKCS11_TOKEN_H

#include <openssl/evp.h>

#include "firmware/base/bytes.h"
#include "firmware/base/secret.h"
#include "pkcs11/token/key_spec.h"

struct token;

#define TOKEN_QUEUE_LIMIT        4096 /* jobs that wait for a worker */
#define TOKEN_KEYGEN_QUEUE_LIMIT 128  /* of which key generations: an RSA-4096 key takes a second */
#define TOKEN_CACHE_LIMIT        4096 /* open sealed keys; SoftHSM: 8 to 11 kB each */
#define TOKEN_CONTEXT_MAX        (16u * 1024)
#define TOKEN_INPUT_MAX          (60u * 1024) /* data to encrypt, decrypt or MAC */
#define TOKEN_KEYWRAP_MAX        1024u        /* the caller's bytes under AES-KW */
#define TOKEN_SEALED_MAX         4096u

struct token_config {
    const char *module;        /* path of the PKCS#11 module */
    const char *label;         /* the token's label */
    const char *pin_file;      /* where the user PIN is (pin_source.h); read at each login, never kept */
    const char *module_config; /* value for the module's own configuration variable (SoftHSM: the path that
                                  SOFTHSM2_CONF gets before the module is loaded); NULL: leave the environment */
    unsigned workers;          /* threads, one session each; 0: as many as cores */
    unsigned queue_limit;      /* jobs that may wait; 0: TOKEN_QUEUE_LIMIT */
    unsigned cache_limit;      /* sealed keys kept open; 0: TOKEN_CACHE_LIMIT */
    bool *pin_refused; /* set by token_open(), if not NULL: the token refuses the PIN, or one more wrong one would
                          lock it; opening it again would not help */
};

/* Labels of the persistent objects. */
#define TOKEN_LABEL_DOMAIN    "strongroom-domain"    /* AES-256, wraps sealed keys */
#define TOKEN_LABEL_BINDING   "strongroom-binding"   /* HMAC, binds a blob to its context */
#define TOKEN_LABEL_TLS       "strongroom-tls"       /* EC P-256, the server's TLS key */
#define TOKEN_LABEL_AUDIT     "strongroom-audit"     /* EC P-256, signs audit checkpoints */
#define TOKEN_LABEL_AUTHORITY "strongroom-authority" /* RSA-2048, signs access tokens (managementd only) */

/* Load the module, find the token, log in, start the workers. The module stays loaded until the process ends.
 * SoftHSM: takes a lock on the token directory, because one process may own a token.
 * Errors: ST_NOT_FOUND no such module or token; ST_NOT_PERMITTED the PIN is wrong, not there, or readable by others;
 * ST_UNSUPPORTED the token lacks what sealing needs; ST_BUSY another process owns the token; ST_UNAVAILABLE. */
MUST_CHECK enum status token_open(const struct token_config *config, struct token **out);
/* Waits for submitted jobs, ends the workers, logs out. EVP_PKEYs of this token that are left fail from then on, and
 * can still be freed. token_close(NULL) does nothing. */
void token_close(struct token *t);

/* Does the token (with our work-arounds) offer `alg`? */
bool token_offers(const struct token *t, enum token_alg alg);
/* Is the token answering at the moment? False from the first device error until the reconnect has succeeded. */
bool token_is_up(const struct token *t);

/* Persistent objects, for provisioning. All run in the caller's thread.
 * token_provision_*: make the object unless it is there. Errors: ST_UNAVAILABLE; ST_INTERNAL. */
MUST_CHECK enum status token_provision_sealing(struct token *t); /* domain key and binding key */
MUST_CHECK enum status token_provision_key_pair(struct token *t, const char *label, const struct key_spec *spec);
/* The private key of `label` as an EVP_PKEY that works inside the token, by libp11: for TLS, CSRs, audit signatures.
 * It signs from any thread, fails while the token is away, and works again when that is back.
 * Caller frees. Errors: ST_NOT_FOUND; ST_UNAVAILABLE; ST_NO_MEMORY. */
MUST_CHECK enum status token_private_key(struct token *t, const char *label, EVP_PKEY **out);
/* Only its public half, as an ordinary key of libcrypto. Caller frees. */
MUST_CHECK enum status token_public_key(struct token *t, const char *label, EVP_PKEY **out);

/* A sealed key as the store gives it back. All spans are borrowed. */
struct sealed_key {
    uint8_t cache_id[16]; /* unique for this blob and context, chosen by the caller; the LRU's key. The context is
                             verified when the key is opened, and not looked at while it stays open under this id */
    struct key_spec spec;
    unsigned uses;          /* KEY_USE_*; part of the context too, so a wrong value fails the MAC */
    struct span blob;       /* what token_job.sealed was; holds the wrapped key and its MAC */
    struct span context;    /* what the blob was bound to; see TOKEN_GENERATE */
    struct span public_der; /* token_job.public_key as it came from TOKEN_GENERATE, which the blob is bound to as well;
                               empty for oct */
};

enum token_op {
    TOKEN_GENERATE, /* spec, uses, context -> sealed, public_key */
    TOKEN_RESEAL,   /* key (with its present context), context (the new one), uses (0: as they are) -> sealed: same key
                       bytes, new binding. The old blob with its old context still verifies: which one is current, the
                       store's versions say. An oct key stays a MAC key or a cipher key */
    TOKEN_SIGN,     /* key or label, alg, input = digest (HMAC: data) -> output; ECDSA as raw r || s, RSA k bytes */
    TOKEN_VERIFY,   /* key, alg (HMAC only), input, tag -> status ST_OK or ST_BAD_CIPHERTEXT, in constant time */
    TOKEN_ENCRYPT, /* key, alg (AES), input, iv (CBC: 16 bytes, or empty for a random one), aad (GCM) -> output, out_iv,
                      out_tag. GCM: 12-byte IV by the token's RNG, never the caller's; 16-byte tag */
    TOKEN_DECRYPT, /* key, alg, input, iv, aad, tag -> secret_output */
    TOKEN_WRAP,    /* key, alg (AES-KW), input = caller's bytes -> output */
    TOKEN_UNWRAP,  /* key, alg (AES-KW), input -> secret_output */
    TOKEN_RANDOM,  /* length -> secret_output */
    TOKEN_ATTEST,  /* key, input = nonce of 16 to 64 bytes -> output (a packed ks.SignedStatement), certificates.
                      ST_UNSUPPORTED: the token does not say what its keys are */
};

struct token_job {
    enum token_op op;
    enum token_alg alg;
    const struct sealed_key *key; /* NULL with `label` */
    const char *label;            /* TOKEN_SIGN by a persistent key */
    struct key_spec spec;         /* TOKEN_GENERATE */
    unsigned uses;                /* TOKEN_GENERATE, TOKEN_RESEAL */
    struct span context;          /* TOKEN_GENERATE, TOKEN_RESEAL; any length up to TOKEN_CONTEXT_MAX */
    struct span input, iv, aad, tag;
    size_t length; /* TOKEN_RANDOM */

    void (*done)(struct token_job *job); /* on a worker thread; may free the job, may submit another; does not wait, and
                                            calls neither token_provision_* nor token_close() */
    void *owner;                         /* the caller's */

    /* Results; cleared by token_job_clear(). */
    enum status status;
    struct bytes output;
    struct secret secret_output; /* plaintext: wiped when cleared */
    uint8_t out_iv[16];
    uint8_t out_tag[16];
    size_t out_iv_len;
    struct bytes sealed;
    struct bytes public_key;   /* SubjectPublicKeyInfo, DER */
    struct bytes certificates; /* PEM, of who signed the attestation, leaf first */

    struct token_job *next; /* the queue's */
};

/* Results' statuses: ST_BAD_CIPHERTEXT whatever is wrong with a ciphertext, tag, padding or wrapped key;
 * ST_CORRUPT the blob does not belong to the context, or was edited; ST_UNSUPPORTED alg and key do not fit, or the
 * token lacks it; ST_BAD_REQUEST an input's length is wrong for alg; ST_UNAVAILABLE the token is away (retry later);
 * ST_NOT_PERMITTED `uses` does not cover the operation; ST_NOT_FOUND no key with `label`; ST_NO_MEMORY; ST_INTERNAL.
 * With any but ST_OK there are no results.
 * RSA1_5 decryption never fails for its padding: it yields a pseudo-random plaintext (THREATS.md C9). */

/* Queue a job. Key generation runs apart so that it never holds up the others.
 * Errors (the job is then not taken, `done` not called): ST_BUSY the queue is full; ST_CLOSED. */
MUST_CHECK enum status token_submit(struct token *t, struct token_job *job);
/* For a thread that has several jobs to submit: what it submits between the two may wait until the release, so that it
 * goes to the token together. Never waits for a job in between. */
void token_hold(void);
void token_release(struct token *t);
/* Queue a job and wait for it, in a caller's thread that may block; `done` and `owner` are not used.
 * Returns the job's status, or why it was not taken. */
MUST_CHECK enum status token_run(struct token *t, struct token_job *job);
/* Free (and wipe) the results. The job can be filled again. */
void token_job_clear(struct token_job *job);

#endif
