#include "service/vault/key.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

struct key_version *key_version_new(void)
{
    struct key_version *v = calloc(1, sizeof *v);

    if (v != NULL)
        atomic_init(&v->refs, 1);
    return v;
}

void key_version_ref(const struct key_version *v)
{
    atomic_fetch_add_explicit(&((struct key_version *)v)->refs, 1, memory_order_relaxed);
}

void key_version_unref(const struct key_version *shared)
{
    struct key_version *v = (struct key_version *)shared;

    if (v == NULL || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(atomic_load(&v->public_key));
    bytes_clear(&v->public_der);
    bytes_clear(&v->blob);
    bytes_clear(&v->context);
    free(v->tags_json);
    free(v);
}

enum status key_version_public(const struct key_version *shared, EVP_PKEY **out)
{
    struct key_version *v = (struct key_version *)shared; /* only the cached public key changes */
    const uint8_t *p = v->public_der.p;
    EVP_PKEY *made, *none = NULL;

    if ((*out = atomic_load_explicit(&v->public_key, memory_order_acquire)) != NULL)
        return ST_OK;
    if (v->public_der.len == 0)
        return ST_NOT_FOUND;
    if ((made = d2i_PUBKEY(NULL, &p, (long)v->public_der.len)) == NULL) {
        ERR_clear_error();
        return ST_CORRUPT;
    }
    if (!atomic_compare_exchange_strong(&v->public_key, &none, made)) {
        EVP_PKEY_free(made); /* another thread was first */
        made = none;
    }
    *out = made;
    return ST_OK;
}

static void append_counted(struct bytes *out, struct span s)
{
    bytes_append_u32(out, (uint32_t)s.len);
    bytes_append_span(out, s);
}

static void append_lower(struct bytes *out, struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        bytes_append_char(out, (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]));
}

void key_version_context(const struct key_version *v, struct bytes *out)
{
    bytes_append_text(out, "strongroom-key-1");
    append_counted(out, span_of(v->vault_id.text, GUID_LEN));
    bytes_append_u32(out, (uint32_t)strlen(v->name));
    append_lower(out, span_text(v->name));
    append_counted(out, span_text(v->version));
    bytes_append_u32(out, v->spec.type);
    bytes_append_u32(out, v->spec.curve);
    bytes_append_u32(out, v->spec.bits);
    bytes_append_u32(out, v->hsm);
    bytes_append_u32(out, v->ops);
    bytes_append_u32(out, v->attributes.enabled);
    bytes_append_u32(out, v->attributes.has_not_before);
    bytes_append_u64(out, (uint64_t)v->attributes.not_before);
    bytes_append_u32(out, v->attributes.has_expires);
    bytes_append_u64(out, (uint64_t)v->attributes.expires);
}

enum status key_version_bind(struct key_version *v)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];

    bytes_reset(&v->context);
    key_version_context(v, &v->context);
    if (bytes_status(&v->context) != ST_OK)
        return ST_NO_MEMORY;
    /* The blob ends in a MAC over blob and context, so its digest names both. */
    if (EVP_Digest(v->blob.p, v->blob.len, digest, NULL, EVP_sha256(), NULL) != 1)
        return ST_INTERNAL;
    v->sealed = (struct sealed_key){
        .spec = v->spec,
        .uses = key_ops_uses(v->spec.type, v->ops),
        .blob = bytes_span(&v->blob),
        .context = bytes_span(&v->context),
        .public_der = bytes_span(&v->public_der),
    };
    memcpy(v->sealed.cache_id, digest, sizeof v->sealed.cache_id);
    return ST_OK;
}

void key_head_path(struct bytes *out, const struct guid *vault_id, struct span name)
{
    bytes_append_text(out, "key/");
    bytes_append(out, vault_id->text, GUID_LEN);
    bytes_append_char(out, '/');
    append_lower(out, name);
}

void key_version_path(struct bytes *out, const struct guid *vault_id, struct span name, struct span version)
{
    bytes_append_text(out, "keyversion/");
    bytes_append(out, vault_id->text, GUID_LEN);
    bytes_append_char(out, '/');
    append_lower(out, name);
    bytes_append_char(out, '/');
    bytes_append_span(out, version);
}

void key_deleted_path(struct bytes *out, const struct guid *vault_id, struct span name)
{
    bytes_append_text(out, "deletedkey/");
    bytes_append(out, vault_id->text, GUID_LEN);
    bytes_append_char(out, '/');
    append_lower(out, name);
}

bool key_name_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
            return false;
    }
    return name.len >= 1 && name.len <= KEY_NAME_MAX;
}

bool key_version_valid(struct span version)
{
    for (size_t i = 0; i < version.len; i++)
        if (!((version.p[i] >= '0' && version.p[i] <= '9') || (version.p[i] >= 'a' && version.p[i] <= 'f')))
            return false;
    return version.len == KEY_VERSION_LEN;
}
