/* Requests about a security domain that comes from another keystore: the key under which its shares travel, and the
 * restore itself. The domain's own holders approve it, whose certificates lie in the file with the domain key. */
#include "firmware/changes.h"
#include "firmware/crypto/entropy.h"
#include "firmware/domain/domain_file.h"
#include "firmware/wire/name.h"

static CK_RV make_transfer(struct keystore *ks)
{
    struct transfer_key fresh;
    struct changes changes = { 0 };
    CK_RV rv;

    if ((rv = transfer_key_make(&fresh, ks->device.key)) != CKR_OK)
        return rv;
    changes_transfer(&changes, &fresh);
    if ((rv = changes_commit(&changes, ks, NULL)) == CKR_OK)
        ks->transfer = fresh;
    else
        transfer_key_clear(&fresh);
    return rv;
}

static CK_RV transfer(struct call *c, Ks__Certificate *out)
{
    unsigned char *der = NULL;
    CK_RV rv = CKR_OK;
    int len;

    if (c->ks->transfer.key == NULL && (rv = make_transfer(c->ks)) != CKR_OK)
        return rv;
    len = i2d_X509(c->ks->transfer.certificate, &der);
    if (len <= 0 || (out->der.data = call_memory(c, (size_t)len)) == NULL) {
        rv = CKR_HOST_MEMORY;
    } else {
        memcpy(out->der.data, der, (size_t)len);
        out->der.len = (size_t)len;
    }
    OPENSSL_free(der);
    return rv;
}

/* The same key until a restore has used it. */
CK_RV on_domain_transfer(struct call *c, const ProtobufCMessage *request)
{
    Ks__Certificate *out = &c->answer.certificate;
    CK_RV rv;

    (void)request;
    ks__certificate__init(out);
    if ((rv = call_enter(c)) == CKR_OK) {
        rv = security_domain_in_force(&c->ks->domain) && c->ks->domain.open ? CKR_DOMAIN_EXISTS : transfer(c, out);
        call_leave(c);
    }
    c->reply = &out->base;
    return rv;
}

static CK_RV verdict(enum status st)
{
    switch (st) {
    case ST_OK:
        return CKR_OK;
    case ST_NO_MEMORY:
        return CKR_HOST_MEMORY;
    case ST_NOT_PERMITTED:
    case ST_BAD_CIPHERTEXT:
        return CKR_DOMAIN_SHARES;
    default:
        return CKR_DOMAIN_FILE_INVALID;
    }
}

static CK_RV open_shares(const struct keystore *ks, const Ks__DomainRestore *m, struct payload *out)
{
    struct secret shares[HOLDERS_MAX] = { 0 };
    enum status st = ST_OK;
    unsigned distinct;

    for (size_t i = 0; i < m->n_shares && st == ST_OK; i++)
        st = domain_share_open(span_text(m->shares[i]->compact_jwe), ks->transfer.key, &shares[i]);
    if (st == ST_OK)
        st = domain_file_open(m->required, m->n_items, m->items, shares, m->n_shares, out, &distinct);
    for (size_t i = 0; i < m->n_shares; i++)
        secret_clear(&shares[i]);
    return verdict(st);
}

static CK_RV open_wrapped(const struct keystore *ks, const Ks__DomainRestore *m, struct payload *out)
{
    struct secret master = { 0 };
    enum status st = domain_master_open(span_text(m->wrapped_key), ks->transfer.key, &master);

    if (st == ST_OK)
        st = domain_file_open_master(m->n_items, m->items, &master, out);
    secret_clear(&master);
    return verdict(st);
}

static CK_RV take_payload(const struct payload *p, struct security_domain *d)
{
    CK_RV rv;

    memcpy(d->id, p->domain_id, sizeof d->id);
    memcpy(d->name, p->name.p, p->name.len);
    /* a generation is followed by another one */
    if (!name_is_good(d->name) || p->generation == 0 || p->generation == UINT32_MAX)
        return CKR_HOLDERS_INVALID;
    if ((rv = security_domain_set_key(d, p->domain_key)) != CKR_OK)
        return rv;
    d->exists = true;
    d->current.generation = p->generation;
    d->current.required = p->required;
    for (size_t i = 0; i < p->holder_count && rv == CKR_OK; i++) {
        char name[PARTITION_NAME_MAX + 1] = { 0 };

        memcpy(name, p->holders[i].name.p, p->holders[i].name.len);
        rv = holder_set_add(&d->current, name, p->holders[i].certificate);
    }
    return rv == CKR_OK ? holder_set_check(&d->current) : rv;
}

static CK_RV open_file(const struct keystore *ks, const Ks__DomainRestore *m, struct security_domain *out)
{
    struct payload payload = { 0 };
    CK_RV rv = m->wrapped_key[0] != '\0' ? open_wrapped(ks, m, &payload) : open_shares(ks, m, &payload);

    if (rv == CKR_OK && (rv = take_payload(&payload, out)) == CKR_HOLDERS_INVALID)
        rv = CKR_DOMAIN_FILE_INVALID;
    payload_clear(&payload);
    return rv;
}

/* A locked keystore has partitions already, and holders in force: only its own domain opens those, and nobody else may
 * approve it, least of all holders who were replaced and still have their old file. */
static bool is_other_domain(const struct keystore *ks, const struct security_domain *found)
{
    return security_domain_in_force(&ks->domain) && !security_domain_same(&ks->domain, found);
}

static CK_RV restore(struct call *c, const Ks__DomainRestore *m)
{
    struct security_domain next = { 0 };
    struct changes changes = { 0 };
    struct keystore *ks = c->ks;
    struct quorum_use use;
    CK_RV rv;

    if (security_domain_in_force(&ks->domain) && ks->domain.open)
        return CKR_DOMAIN_EXISTS;
    if (ks->transfer.key == NULL)
        return CKR_DOMAIN_SHARES; /* nothing can be meant for this keystore */
    if ((rv = open_file(ks, m, &next)) == CKR_OK && is_other_domain(ks, &next))
        rv = CKR_DOMAIN_EXISTS;
    if (rv == CKR_OK &&
        (rv = quorum_check_holders(c, MESSAGE_DOMAIN_RESTORE, &m->base, &next.current, &use)) == CKR_OK) {
        changes_domain(&changes, &next);
        changes_remove(&changes, RECORD_TRANSFER);
        changes.forget = true; /* the shares that were sent open with the transfer key */
        rv = changes_commit(&changes, ks, &use);
    }
    if (rv == CKR_OK) {
        security_domain_clear(&ks->domain);
        ks->domain = next;
        transfer_key_clear(&ks->transfer);
        secret_wipe(&ks->unlocking, sizeof ks->unlocking);
        secret_wipe(&next, sizeof next);
        return keystore_open_domain(ks) == ST_OK ? CKR_OK : CKR_DEVICE_ERROR;
    }
    security_domain_clear(&next);
    return rv;
}

CK_RV on_domain_restore(struct call *c, const ProtobufCMessage *request)
{
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = restore(c, (const Ks__DomainRestore *)request);
        c->entry.detail = c->ks->domain.current.generation;
        call_leave(c);
    }
    if (rv == CKR_OK)
        keystore_enter(c->ks, KEYSTORE_OPERATIONAL);
    return rv;
}
