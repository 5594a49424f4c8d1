/* ATTEST: what the keystore says of itself, and of a key that the asker may see. */
#include "firmware/statement.h"
#include "firmware/wire/act.h"

/* Everything but the values that make the key, whether this key's may be read or not. */
static CK_RV describe(struct call *c, const struct object *o, Ks__AttestedKey *out)
{
    const struct attributes *a = &o->attributes;
    Ks__Attribute *items = call_memory(c, a->count * sizeof *items);
    CK_RV rv = CKR_OK;

    out->attributes = call_memory(c, a->count * sizeof *out->attributes);
    if (items == NULL || out->attributes == NULL)
        return CKR_HOST_MEMORY;
    for (unsigned i = 0; i < a->count && rv == CKR_OK; i++) {
        Ks__Attribute *item = &items[out->n_attributes];

        if (template_is_secret(a->items[i].type, o->class))
            continue;
        rv = call_read_attribute(c, o, a->items[i].type, item);
        out->attributes[out->n_attributes++] = item;
    }
    return out->n_attributes <= TEMPLATE_ATTRIBUTES_MAX ? rv : CKR_DEVICE_MEMORY;
}

/* The public half, which every key pair made inside has with it; otherwise it follows from the key. */
static CK_RV take_public_key(struct call *c, const struct object *o, Ks__AttestedKey *out)
{
    struct attributes copy = { 0 };
    struct span info;
    CK_RV rv;

    if (o->class == CKO_SECRET_KEY)
        return CKR_OK;
    if ((rv = attributes_merge(&copy, &o->attributes)) == CKR_OK && (rv = key_add_public_info(&copy)) == CKR_OK) {
        info = attributes_get(&copy, CKA_PUBLIC_KEY_INFO);
        if ((out->public_key.data = call_memory(c, info.len)) == NULL) {
            rv = CKR_HOST_MEMORY;
        } else {
            memcpy(out->public_key.data, info.p, info.len);
            out->public_key.len = info.len;
        }
    }
    attributes_clear(&copy);
    return rv;
}

static CK_RV take_partition(struct call *c, Ks__AttestedKey *out)
{
    const struct partition *p = c->who->partition;
    char *name = call_memory(c, sizeof p->terms.name);
    uint8_t *serial = call_memory(c, sizeof p->serial);

    if (name == NULL || serial == NULL)
        return CKR_HOST_MEMORY;
    memcpy(name, p->terms.name, sizeof p->terms.name);
    memcpy(serial, p->serial, sizeof p->serial);
    out->partition = name;
    out->partition_serial = (ProtobufCBinaryData){ .len = sizeof p->serial, .data = serial };
    return CKR_OK;
}

/* All that is said of the key is taken at one moment, under the partition's lock. */
static CK_RV take_key(struct call *c, const Ks__Attest *m, Ks__AttestedKey *out)
{
    struct session *s;
    struct object *o;
    CK_RV rv;

    ks__attested_key__init(out);
    if ((rv = call_session(c, m->session, &s)) != CKR_OK)
        return rv;
    o = application_object(s->application, m->key);
    if (o == NULL || (o->class != CKO_PUBLIC_KEY && o->class != CKO_PRIVATE_KEY && o->class != CKO_SECRET_KEY))
        return CKR_KEY_HANDLE_INVALID;
    call_note_object(c, o->unique);
    if ((rv = take_partition(c, out)) != CKR_OK || (rv = describe(c, o, out)) != CKR_OK)
        return rv;
    return take_public_key(c, o, out);
}

static CK_RV take_key_locked(struct call *c, const Ks__Attest *m, Ks__AttestedKey *out)
{
    CK_RV rv;

    if (c->who->application == NULL)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    call_lock(c);
    rv = take_key(c, m, out);
    call_unlock(c);
    return rv;
}

CK_RV on_attest(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Attest *m = (const Ks__Attest *)request;
    Ks__Statement s = KS__STATEMENT__INIT;
    Ks__AttestedKey key;
    CK_RV rv;

    if (c->who->role == PEER_CLIENT) {
        if ((rv = take_key_locked(c, m, &key)) != CKR_OK)
            return rv;
        s.key = &key;
    } else if (m->session != 0 || m->key != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    s.purpose = STATEMENT_ATTESTATION;
    s.nonce = m->nonce;
    rv = statement_make(c, &s, &c->answer.signed_statement);
    c->reply = &c->answer.signed_statement.base;
    return rv;
}
