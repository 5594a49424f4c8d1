/* key.h - one version of a key: an immutable snapshot of its record, shared by reference count. */
#ifndef STRONGROOM_VAULT_KEY_H
#define STRONGROOM_VAULT_KEY_H

#include <stdatomic.h>

#include "pkcs11/token/token.h"
#include "service/vault/catalog.h"
#include "service/vault/key_op.h"

#define KEY_NAME_MAX    127
#define KEY_VERSION_LEN 32
#define KEY_TAGS_MAX    15
#define KEY_TAG_MAX     256 /* characters, of a name and of a value */

struct key_attributes {
    bool enabled;
    bool has_not_before, has_expires;
    int64_t not_before, expires; /* unix seconds */
};

struct key_version {
    atomic_uint refs;
    struct guid vault_id;
    char name[KEY_NAME_MAX + 1]; /* as created */
    char version[KEY_VERSION_LEN + 1];
    struct key_spec spec;
    bool hsm;
    unsigned ops;
    struct key_attributes attributes;
    int64_t created, updated;
    char *tags_json; /* NULL: none */
    struct bytes public_der, blob, context;
    struct sealed_key sealed;       /* borrows the three above */
    uint64_t revision;              /* of its record */
    _Atomic(EVP_PKEY *) public_key; /* made when first asked for */
};

/* A fresh one with one reference; the caller fills it. NULL when out of memory. */
struct key_version *key_version_new(void);
void key_version_ref(const struct key_version *v);
void key_version_unref(const struct key_version *v);
/* The public half; lives as long as `v`. Errors: ST_NOT_FOUND oct; ST_CORRUPT; ST_NO_MEMORY. */
MUST_CHECK enum status key_version_public(const struct key_version *v, EVP_PKEY **out);
/* Write what the seal binds (THREATS.md C7) to `out`: whose key this is and what it may do. */
void key_version_context(const struct key_version *v, struct bytes *out);
/* Point v->sealed at the version's own bytes, once blob, public_der and the rest are set. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status key_version_bind(struct key_version *v);

/* Records. */
MUST_CHECK enum status key_version_pack(const struct key_version *v, struct bytes *out);
MUST_CHECK enum status key_version_unpack(const struct guid *vault_id, struct span record, uint64_t revision,
                                          struct key_version **out);
struct key_head {
    char name[KEY_NAME_MAX + 1];
    char newest[KEY_VERSION_LEN + 1];
    int64_t deleted_at, purge_at;
    unsigned versions; /* how many there are */
    uint64_t revision; /* 0: no such record */
};
MUST_CHECK enum status key_head_pack(const struct key_head *h, struct bytes *out);
MUST_CHECK enum status key_head_unpack(struct span record, uint64_t revision, struct key_head *out);
MUST_CHECK enum status key_deleted_pack(int64_t purge_at, struct bytes *out);
MUST_CHECK enum status key_deleted_unpack(struct span record, int64_t *purge_at);

/* Names of the records. `name` in any case. */
void key_head_path(struct bytes *out, const struct guid *vault_id, struct span name);
void key_version_path(struct bytes *out, const struct guid *vault_id, struct span name, struct span version);
void key_deleted_path(struct bytes *out, const struct guid *vault_id, struct span name);

/* 1..127 of [0-9A-Za-z-]; 32 lower-case hexadecimal digits. */
bool key_name_valid(struct span name);
bool key_version_valid(struct span version);

#endif
