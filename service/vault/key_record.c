/* The records of keys: packing, and unpacking with every field checked. */
#include "keys.pb-c.h"
#include "service/vault/key.h"

#define FORMAT   1
#define TAGS_MAX 16384
#define BLOB_MAX 16384

typedef Strongroom__Vault__KeyRecord head_message;
typedef Strongroom__Vault__KeyVersionRecord version_message;
typedef Strongroom__Vault__DeletedKeyRecord deleted_message;

static enum status pack(const ProtobufCMessage *m, struct bytes *out)
{
    size_t size = protobuf_c_message_get_packed_size(m);

    bytes_reset(out);
    if (bytes_reserve(out, size) != ST_OK)
        return ST_NO_MEMORY;
    out->len = protobuf_c_message_pack(m, out->p);
    return ST_OK;
}

enum status key_version_pack(const struct key_version *v, struct bytes *out)
{
    version_message m = STRONGROOM__VAULT__KEY_VERSION_RECORD__INIT;

    m.format = FORMAT;
    m.name = (char *)v->name;
    m.version = (char *)v->version;
    m.type = v->spec.type;
    m.curve = v->spec.curve;
    m.bits = v->spec.bits;
    m.hsm = v->hsm;
    m.ops = v->ops;
    m.uses = key_ops_uses(v->spec.type, v->ops);
    m.enabled = v->attributes.enabled;
    m.has_not_before = v->attributes.has_not_before;
    m.not_before = v->attributes.not_before;
    m.has_expires = v->attributes.has_expires;
    m.expires = v->attributes.expires;
    m.created = v->created;
    m.updated = v->updated;
    m.tags_json = v->tags_json != NULL ? v->tags_json : (char *)protobuf_c_empty_string;
    m.public_der = (ProtobufCBinaryData){ v->public_der.len, v->public_der.p };
    m.sealed = (ProtobufCBinaryData){ v->blob.len, v->blob.p };
    return pack(&m.base, out);
}

static bool version_message_valid(const version_message *m)
{
    struct key_spec spec = { .type = (enum key_type)m->type, .curve = (enum key_curve)m->curve, .bits = m->bits };

    return m->format == FORMAT && key_name_valid(span_text(m->name)) && key_version_valid(span_text(m->version)) &&
           key_spec_valid(&spec) && m->ops >> KEY_OP_COUNT == 0 && key_ops_fit(spec.type, m->ops) &&
           m->uses == key_ops_uses(spec.type, m->ops) && strlen(m->tags_json) <= TAGS_MAX && m->sealed.len > 0 &&
           m->sealed.len <= BLOB_MAX && m->public_der.len <= BLOB_MAX;
}

static enum status version_fill(struct key_version *v, const version_message *m)
{
    enum status st;

    memcpy(v->name, m->name, strlen(m->name) + 1);
    memcpy(v->version, m->version, strlen(m->version) + 1);
    v->spec = (struct key_spec){ (enum key_type)m->type, (enum key_curve)m->curve, m->bits };
    v->hsm = m->hsm;
    v->ops = m->ops;
    v->attributes = (struct key_attributes){ m->enabled, m->has_not_before, m->has_expires, m->not_before, m->expires };
    v->created = m->created;
    v->updated = m->updated;
    if (m->tags_json[0] != '\0' && (v->tags_json = span_dup_text(span_text(m->tags_json))) == NULL)
        return ST_NO_MEMORY;
    if ((st = bytes_set(&v->public_der, span_of(m->public_der.data, m->public_der.len))) != ST_OK ||
        (st = bytes_set(&v->blob, span_of(m->sealed.data, m->sealed.len))) != ST_OK)
        return st;
    return key_version_bind(v);
}

enum status key_version_unpack(const struct guid *vault_id, struct span record, uint64_t revision,
                               struct key_version **out)
{
    version_message *m = strongroom__vault__key_version_record__unpack(NULL, record.len, record.p);
    struct key_version *v = NULL;
    enum status st = ST_CORRUPT;

    *out = NULL;
    if (m == NULL || !version_message_valid(m))
        goto done;
    st = ST_NO_MEMORY;
    if ((v = key_version_new()) == NULL)
        goto done;
    v->vault_id = *vault_id;
    v->revision = revision;
    if ((st = version_fill(v, m)) == ST_OK) {
        *out = v;
        v = NULL;
    }
done:
    key_version_unref(v);
    strongroom__vault__key_version_record__free_unpacked(m, NULL);
    return st;
}

enum status key_head_pack(const struct key_head *h, struct bytes *out)
{
    head_message m = STRONGROOM__VAULT__KEY_RECORD__INIT;

    m.format = FORMAT;
    m.name = (char *)h->name;
    m.newest = (char *)h->newest;
    m.deleted_at = h->deleted_at;
    m.purge_at = h->purge_at;
    m.versions = h->versions;
    return pack(&m.base, out);
}

enum status key_head_unpack(struct span record, uint64_t revision, struct key_head *out)
{
    head_message *m = strongroom__vault__key_record__unpack(NULL, record.len, record.p);
    enum status st = ST_CORRUPT;

    *out = (struct key_head){ .revision = revision };
    if (m != NULL && m->format == FORMAT && key_name_valid(span_text(m->name)) &&
        key_version_valid(span_text(m->newest)) && m->deleted_at >= 0 && m->purge_at >= m->deleted_at) {
        memcpy(out->name, m->name, strlen(m->name) + 1);
        memcpy(out->newest, m->newest, strlen(m->newest) + 1);
        out->deleted_at = m->deleted_at;
        out->purge_at = m->purge_at;
        out->versions = m->versions;
        st = ST_OK;
    }
    strongroom__vault__key_record__free_unpacked(m, NULL);
    return st;
}

enum status key_deleted_pack(int64_t purge_at, struct bytes *out)
{
    deleted_message m = STRONGROOM__VAULT__DELETED_KEY_RECORD__INIT;

    m.format = FORMAT;
    m.purge_at = purge_at;
    return pack(&m.base, out);
}

enum status key_deleted_unpack(struct span record, int64_t *purge_at)
{
    deleted_message *m = strongroom__vault__deleted_key_record__unpack(NULL, record.len, record.p);
    enum status st = m != NULL && m->format == FORMAT ? ST_OK : ST_CORRUPT;

    if (st == ST_OK)
        *purge_at = m->purge_at;
    strongroom__vault__deleted_key_record__free_unpacked(m, NULL);
    return st;
}
