/* state.h - the inside of struct token, shared by the files of this folder and by nobody else.
 *
 * Who may touch what: a *worker* has two sessions of its own, because two threads on one session crash SoftHSM: one to
 * work with, and one that never works but owns the session objects this worker creates (closing a session ends its
 * objects). It holds `in_use` while it is inside the module. Whoever changes what workers read without a lock (handles,
 * sessions, the slot) first stops them all: workers_stop(). */
#ifndef STRONGROOM_PKCS11_STATE_H
#define STRONGROOM_PKCS11_STATE_H

#include <stdatomic.h>

#include "pkcs11/token/cache.h"
#include "pkcs11/token/module.h"
#include "pkcs11/token/pin_source.h"
#include "pkcs11/token/queue.h"
#include "pkcs11/token/token.h"

#define KEK_ID_LEN     16
#define KEK_MAX        16
#define PERSISTENT_MAX 16
#define LABEL_MAX      64
#define CALLER_WORKER  0 /* workers[0] has no thread: it serves calls in the callers' threads, one at a time */
#define KEYGEN_WORKER  1
#define FIRST_WORKER   2

struct worker {
    struct token *token;
    struct queue *queue; /* where its jobs come from; NULL for the callers' */
    pthread_t thread;
    bool started;
    pthread_mutex_t in_use;
    CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE while the token is away */
    CK_SESSION_HANDLE owner;
    struct batch *batch; /* jobs that go to the token together; NULL: one by one */
};

/* A key that wraps sealed keys. Blobs name theirs; new blobs get the newest. */
struct kek {
    uint8_t id[KEK_ID_LEN]; /* CKA_ID: time of making (8 bytes, big-endian), then random */
    CK_OBJECT_HANDLE handle;
};

/* A persistent private key, as found by its label. */
struct persistent {
    char label[LABEL_MAX];
    struct token_key key;
};

struct token {
    struct module *module;
    CK_FUNCTION_LIST *f;
    char *label;
    char *pin_file;
    unsigned cache_limit;
    bool offers[TOKEN_ALG_COUNT_];
    const CK_STRONGROOM_ATTESTATION_FUNCTION_LIST *attestation; /* NULL: it attests nothing */
    bool native; /* the token seals by itself and has whole algorithms: our keystore */

    /* Changed only while all workers are stopped. */
    CK_SLOT_ID slot;
    struct libp11_view libp11;      /* also under libp11_lock */
    struct libp11_key *libp11_keys; /* given out as EVP_PKEYs: libp11_key.c */
    struct kek keks[KEK_MAX];       /* oldest first */
    unsigned kek_count;
    CK_OBJECT_HANDLE binding; /* CK_INVALID_HANDLE: not provisioned */

    struct cache *cache;
    struct queue jobs;
    struct queue keygen_jobs;
    struct worker *workers;
    unsigned worker_count;

    pthread_mutex_t persistent_lock;
    struct persistent persistent[PERSISTENT_MAX];
    unsigned persistent_count;

    /* libp11's side: held for reading while one of its keys works, for writing while keys are looked up or the
     * connection is made anew. */
    pthread_rwlock_t libp11_lock;

    atomic_bool up;
    pthread_t reconnector;
    bool reconnector_started;
    pthread_mutex_t reconnect_lock;
    pthread_cond_t reconnect_wake;
    bool closing;
    bool pin_refused; /* by the token: not tried again until it was written anew */
    struct pin_stamp refused_pin;
    bool last_try; /* of the user PIN: left for a person */
};

/* call.c: calls into the module, with results as statuses. */

/* What `rv` means. A sign that the token is away or has forgotten us takes the token down (token_lost).
 * Bad input that the token should have accepted is ST_INTERNAL: lengths were checked before. */
enum status call_result(struct token *t, CK_RV rv);
/* The same where the input is a ciphertext, and a complaint means that it is bad. */
enum status call_cipher_result(struct token *t, CK_RV rv);
/* C_SignInit and C_Sign; *len is the room on entry. */
MUST_CHECK enum status call_sign(struct worker *w, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct span input,
                                 uint8_t *out, size_t *len);
MUST_CHECK enum status call_encrypt(struct worker *w, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct span input,
                                    uint8_t *out, size_t *len);
/* Errors as call_cipher_result. */
MUST_CHECK enum status call_decrypt(struct worker *w, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct span input,
                                    uint8_t *out, size_t *len);
MUST_CHECK enum status call_random(struct worker *w, uint8_t *out, size_t len);
/* HMAC-SHA256 by the binding key. ST_UNSUPPORTED: sealing is not provisioned. */
MUST_CHECK enum status call_binding_mac(struct worker *w, struct span message, uint8_t mac[BLOB_MAC_LEN]);
/* Objects of `w`'s session that match, at most `max`; *count tells how many. */
MUST_CHECK enum status call_find(struct worker *w, CK_ATTRIBUTE *template, CK_ULONG attributes, CK_OBJECT_HANDLE *out,
                                 CK_ULONG max, CK_ULONG *count);
/* One attribute into `room` bytes; *len is what it has. Errors: ST_NOT_FOUND no such attribute, or longer than that. */
MUST_CHECK enum status call_attribute(struct worker *w, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value,
                                      size_t room, size_t *len);

/* reconnect.c */

/* Log in, open all sessions, look up the token's own keys. All workers are stopped. Errors: as token_open(). */
MUST_CHECK enum status connection_open(struct token *t);
/* Forget sessions, handles and cached keys, and close what can be closed. All workers are stopped. */
void connection_drop(struct token *t);
/* The token did not answer: from now on jobs end with ST_UNAVAILABLE, until the reconnect succeeds. */
void token_lost(struct token *t);
MUST_CHECK enum status reconnect_start(struct token *t);
void reconnect_stop(struct token *t);

/* libp11_key.c */

/* Give back what the EVP_PKEYs of this token hold of libp11. The caller holds libp11_lock for writing. With `for_good`,
 * they fail from now on. */
void libp11_keys_drop(struct token *t, bool for_good);
/* Fetch it again, from a connection just made: a token that is back signs for every handshake at once, and none finds
 * the lock taken because another's key is being looked up. The caller holds libp11_lock for writing. */
void libp11_keys_renew(struct token *t);

/* worker.c */

MUST_CHECK enum status workers_start(struct token *t);
void workers_join(struct token *t);
void workers_stop(struct token *t); /* returns once none is inside the module; they wait before their next call */
void workers_resume(struct token *t);

#endif
