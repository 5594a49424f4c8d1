/* keys.h - the keys of all vaults: finding, making, changing, using. No HTTP, no SQL, no JSON of the wire.
 *
 * What may take time (the token, the disk) is asynchronous: a request struct goes in, its `done` is called once, on
 * another thread or in the call itself, with `fault` saying whether and why it was refused. Everything a request points
 * at stays the caller's and must live until `done`. Authorisation has been decided before anything here is called. */
#ifndef STRONGROOM_VAULT_KEYS_H
#define STRONGROOM_VAULT_KEYS_H

#include "service/vault/fault.h"
#include "service/vault/key.h"

struct keys;

#define KEYS_CACHE_LIMIT 100000 /* versions in memory */
#define KEYS_PAGE_MAX    25
#define KEY_VERSIONS_MAX 2000 /* of one key: so that one commit can purge them all */

/* `store`: vaultd's own. `management`: the store in which purged vaults leave their mark; their keys are removed.
 * Starts a thread that purges what is due. Errors: ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status keys_open(struct store *store, struct token *token, struct store *management, struct keys **out);
/* Waits for what is under way, changes and operations: they need store and token, so close those later. NULL does
 * nothing. */
void keys_close(struct keys *k);

/* Reading. Synchronous: memory, or a few microseconds of the store's page cache. */

/* The version (empty: the newest) of a live key, referenced. Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status keys_find(struct keys *k, const struct vault *vault, struct span name, struct span version,
                                 const struct key_version **out);
/* The newest version of a soft-deleted key, and when it was deleted and will be purged. */
MUST_CHECK enum status keys_find_deleted(struct keys *k, const struct vault *vault, struct span name,
                                         const struct key_version **out, struct key_head *head);
/* Up to `limit` items behind `after` (a name, a version; empty: from the start). head is NULL but for deleted ones.
 * *next: where the following page starts; empty on the last one. A page may have fewer items than `limit`. */
typedef void keys_visitor(const struct key_version *v, const struct key_head *head, void *arg);
MUST_CHECK enum status keys_list(struct keys *k, const struct vault *vault, bool deleted, struct span after,
                                 size_t limit, keys_visitor *visit, void *arg, struct bytes *next);
MUST_CHECK enum status keys_list_versions(struct keys *k, const struct vault *vault, struct span name,
                                          struct span after, size_t limit, keys_visitor *visit, void *arg,
                                          struct bytes *next);

/* Making and changing. One struct for all of them; which fields count is said with each. */
struct key_change {
    const struct vault *vault;
    struct span name;
    struct span version; /* update: empty means the newest */
    /* create */
    struct key_spec spec;
    bool hsm;
    /* create and update */
    bool has_ops, has_enabled, has_not_before, has_expires, has_tags;
    bool clear_not_before, clear_expires; /* update: an explicit null */
    unsigned ops;
    struct key_attributes attributes;
    struct span tags_json;

    void (*done)(struct key_change *c);
    void *owner;

    /* results */
    struct fault fault;
    const struct key_version *key; /* referenced; NULL after a purge */
    struct key_head head;          /* delete: deleted_at, purge_at */

    /* private */
    struct keys *keys;
    struct key_version *made;
    struct token_job job;
    struct store_commit commit;
    struct store_write *writes;
    size_t write_count;
    size_t write_room;
    unsigned tries;
    void (*step)(struct key_change *c); /* what to do again after a conflict */
};
void key_create(struct keys *k, struct key_change *c);
void key_update(struct keys *k, struct key_change *c);
void key_delete(struct keys *k, struct key_change *c);
void key_recover(struct keys *k, struct key_change *c);
void key_purge(struct keys *k, struct key_change *c);
void key_change_clear(struct key_change *c); /* frees results and private parts */

/* Using. What needs only the public half is done in the call itself; the rest by the token. */
struct key_operation {
    const struct key_version *key; /* borrowed */
    enum key_op op;
    struct span alg;          /* JOSE name, as the caller wrote it */
    struct span value;        /* what the operation works on; verify: the signature */
    struct span digest;       /* verify */
    struct span iv, aad, tag; /* p == NULL: not given */

    void (*done)(struct key_operation *o);
    void *owner;

    /* results */
    struct fault fault;
    bool verified;
    struct bytes output;  /* of public-key work; else the job's results: */
    struct token_job job; /* output, secret_output, out_iv, out_tag */

    struct keys *keys; /* private */
};
void key_operation_run(struct keys *k, struct key_operation *o);
/* The bytes that came out, whichever way. */
struct span key_operation_result(const struct key_operation *o);
void key_operation_clear(struct key_operation *o);

/* What the token says of a key, signed. Whether a key may be used just now does not matter for it. */
struct key_attestation {
    const struct key_version *key; /* borrowed */
    struct span nonce;             /* 16 to 64 bytes */

    void (*done)(struct key_attestation *a);
    void *owner;

    /* results */
    struct fault fault;   /* FAULT_BAD_PARAMETER: this token attests nothing */
    struct token_job job; /* output, certificates */

    struct keys *keys; /* private */
};
void key_attest(struct keys *k, struct key_attestation *a);
void key_attestation_clear(struct key_attestation *a);

#endif
