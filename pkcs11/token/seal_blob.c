#include "pkcs11/token/seal_blob.h"

#define DOMAIN "strongroom sealed key"

enum status seal_blob_parse(struct span blob, struct seal_blob *out)
{
    /* The shortest is a wrapped AES-128 key: RFC 5649 adds a block of 8. */
    if (blob.len < SEAL_HEADER_LEN + 24 + BLOB_MAC_LEN || blob.len > TOKEN_SEALED_MAX || blob.p[0] != SEAL_VERSION)
        return ST_CORRUPT;
    out->kek_id = span_of(blob.p + 1, KEK_ID_LEN);
    out->wrapped = span_of(blob.p + SEAL_HEADER_LEN, blob.len - SEAL_HEADER_LEN - BLOB_MAC_LEN);
    out->mac = span_of(blob.p + blob.len - BLOB_MAC_LEN, BLOB_MAC_LEN);
    return out->wrapped.len % 8 == 0 ? ST_OK : ST_CORRUPT;
}

void seal_blob_start(struct bytes *out, struct span kek_id, struct span wrapped)
{
    INVARIANT(kek_id.len == KEK_ID_LEN);
    bytes_append_char(out, SEAL_VERSION);
    bytes_append_span(out, kek_id);
    bytes_append_span(out, wrapped);
}

static void append_part(struct bytes *out, struct span part)
{
    bytes_append_u32(out, (uint32_t)part.len);
    bytes_append_span(out, part);
}

void seal_blob_mac_input(struct bytes *out, struct span body, const struct seal_binding *binding)
{
    /* One reservation; if it fails, so does every append, and bytes_status() tells. */
    (void)!bytes_reserve(out, 64 + sizeof DOMAIN + body.len + binding->public_der.len + binding->context.len);
    append_part(out, span_of(DOMAIN, sizeof DOMAIN)); /* its NUL: no label of another use continues it */
    bytes_append_u32(out, (uint32_t)binding->spec.type);
    bytes_append_u32(out, (uint32_t)binding->spec.curve);
    bytes_append_u32(out, binding->spec.bits);
    bytes_append_u32(out, binding->uses);
    append_part(out, binding->public_der);
    append_part(out, binding->context);
    append_part(out, body);
}
