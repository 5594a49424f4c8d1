/* Requests about the security domain's holders and their file. What is made is pending until the owner says that the
 * file is safe (DOMAIN_CONFIRM); until then those before it are in force. */
#include "firmware/changes.h"
#include "firmware/crypto/entropy.h"
#include "firmware/domain/domain_file.h"
#include "firmware/wire/name.h"

static ProtobufCBinaryData data_of(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)(uintptr_t)p };
}

/* A copy that lives as long as the answer. */
static CK_RV copy_data(struct call *c, struct span from, ProtobufCBinaryData *out)
{
    uint8_t *p = call_memory(c, from.len + 1);

    if (p == NULL)
        return CKR_HOST_MEMORY;
    if (from.len > 0)
        memcpy(p, from.p, from.len);
    *out = data_of(p, from.len);
    return CKR_OK;
}

static CK_RV copy_text(struct call *c, const char *from, char **out)
{
    size_t len = strlen(from);

    if ((*out = call_memory(c, len + 1)) == NULL)
        return CKR_HOST_MEMORY;
    memcpy(*out, from, len + 1);
    return CKR_OK;
}

static CK_RV describe_set(struct call *c, const struct holder_set *s, Ks__HolderSet **out)
{
    Ks__HolderSet *set;
    Ks__Holder *items;
    CK_RV rv = CKR_OK;

    if (s->count == 0)
        return CKR_OK;
    if ((set = call_memory(c, sizeof *set)) == NULL || (items = call_memory(c, s->count * sizeof *items)) == NULL)
        return CKR_HOST_MEMORY;
    ks__holder_set__init(set);
    if ((set->holders = call_memory(c, s->count * sizeof *set->holders)) == NULL)
        return CKR_HOST_MEMORY;
    set->generation = s->generation;
    set->required = s->required;
    for (unsigned i = 0; i < s->count && rv == CKR_OK; i++) {
        ks__holder__init(&items[i]);
        set->holders[set->n_holders++] = &items[i];
        if ((rv = copy_text(c, s->holders[i].name, &items[i].name)) == CKR_OK)
            rv = copy_data(c, bytes_span(&s->holders[i].certificate), &items[i].certificate);
    }
    *out = set;
    return rv;
}

static CK_RV describe(struct call *c, Ks__DomainInfo *out)
{
    struct keystore *ks = c->ks;
    const struct security_domain *d = &ks->domain;
    const struct device *device = &ks->device;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    CK_RV rv;

    out->act_sequence = ks->act_sequence;
    out->time_ms = keystore_time_ms(ks);
    if ((rv = copy_data(c, span_of(device->fingerprint, sizeof device->fingerprint), &out->device)) != CKR_OK)
        return rv;
    if (d->exists && ((rv = copy_text(c, d->name, &out->name)) != CKR_OK ||
                      (rv = copy_data(c, span_of(d->id, sizeof d->id), &out->id)) != CKR_OK ||
                      (rv = describe_set(c, &d->current, &out->current)) != CKR_OK ||
                      (rv = describe_set(c, &d->pending, &out->pending)) != CKR_OK))
        return rv;
    if (device->firmware_key.len > 0) {
        if (device_firmware_key_print(device, fingerprint) != ST_OK)
            return CKR_HOST_MEMORY;
        if ((rv = copy_data(c, span_of(fingerprint, sizeof fingerprint), &out->firmware_key)) != CKR_OK)
            return rv;
    }
    if (device->sink.address[0] == '\0')
        return CKR_OK;
    if ((rv = copy_text(c, device->sink.address, &out->audit_sink)) != CKR_OK)
        return rv;
    return copy_data(c, span_of(device->sink.fingerprint, LINK_FINGERPRINT_LEN), &out->audit_sink_peer);
}

CK_RV on_domain_info(struct call *c, const ProtobufCMessage *request)
{
    Ks__DomainInfo *out = &c->answer.domain_info;
    CK_RV rv;

    (void)request;
    ks__domain_info__init(out);
    pthread_mutex_lock(&c->ks->lock);
    rv = describe(c, out);
    pthread_mutex_unlock(&c->ks->lock);
    c->reply = &out->base;
    return rv;
}

/* A domain whose first holders never confirmed has sealed nothing: it is made anew. */
static CK_RV create(struct keystore *ks, const Ks__DomainCreate *m)
{
    struct security_domain next = { 0 };
    struct changes changes = { 0 };
    CK_RV rv;

    if (security_domain_in_force(&ks->domain))
        return CKR_DOMAIN_EXISTS;
    if (!name_is_good(m->name))
        return CKR_ARGUMENTS_BAD;
    if ((rv = security_domain_make(&next, m->name)) == CKR_OK &&
        (rv = holder_set_read(&next.pending, m->n_holders, m->holders, m->required)) == CKR_OK) {
        next.pending.generation = 1;
        changes_domain(&changes, &next);
        rv = changes_commit(&changes, ks, NULL);
    }
    if (rv == CKR_OK) {
        security_domain_clear(&ks->domain);
        ks->domain = next;
        secret_wipe(&next, sizeof next);
    } else {
        security_domain_clear(&next);
    }
    return rv;
}

CK_RV on_domain_create(struct call *c, const ProtobufCMessage *request)
{
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = create(c->ks, (const Ks__DomainCreate *)request);
        call_leave(c);
    }
    return rv;
}

static CK_RV change(struct call *c, const Ks__DomainChange *m)
{
    struct keystore *ks = c->ks;
    struct changes changes = { 0 };
    struct security_domain next;
    struct holder_set pending;
    struct quorum_use use;
    CK_RV rv;

    if (!security_domain_in_force(&ks->domain))
        return CKR_DOMAIN_NOT_CONFIRMED;
    next = ks->domain; /* its parts are still the old one's; wiped below, for it has the key */
    if ((rv = holder_set_read(&pending, m->n_holders, m->holders, m->required)) == CKR_OK &&
        (rv = quorum_check(c, MESSAGE_DOMAIN_CHANGE, &m->base, &use)) == CKR_OK) {
        pending.generation = ks->domain.current.generation + 1;
        next.pending = pending;
        next.exported = false;
        changes_domain(&changes, &next);
        rv = changes_commit(&changes, ks, &use);
    }
    secret_wipe(&next, sizeof next);
    if (rv == CKR_OK) {
        holder_set_move(&ks->domain.pending, &pending);
        ks->domain.exported = false;
    } else {
        holder_set_clear(&pending);
    }
    return rv;
}

CK_RV on_domain_change(struct call *c, const ProtobufCMessage *request)
{
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = change(c, (const Ks__DomainChange *)request);
        call_leave(c);
    }
    return rv;
}

static void fill_payload(const struct security_domain *d, const struct holder_set *holders, struct payload *out)
{
    *out = (struct payload){ .generation = holders->generation,
                             .required = holders->required,
                             .name = span_text(d->name),
                             .holder_count = holders->count };
    memcpy(out->domain_id, d->id, sizeof out->domain_id);
    memcpy(out->domain_key, d->key, sizeof out->domain_key);
    for (unsigned i = 0; i < holders->count; i++) {
        out->holders[i].name = span_text(holders->holders[i].name);
        out->holders[i].certificate = bytes_span(&holders->holders[i].certificate);
    }
}

static CK_RV make_file(struct call *c, const struct holder_set *holders, Ks__DomainFile **out)
{
    struct payload payload;
    enum status st;

    fill_payload(&c->ks->domain, holders, &payload);
    st = domain_file_make(&payload, entropy_draw, c->budget, out);
    payload_clear(&payload);
    return st == ST_OK ? CKR_OK : st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_DEVICE_ERROR;
}

/* While holders are pending, each export is a new file for them, and the last one is the one to be confirmed. */
static CK_RV export(struct call *c, const ProtobufCMessage *request, Ks__DomainFile **out)
{
    struct keystore *ks = c->ks;
    bool pending = ks->domain.pending.count > 0;
    struct security_domain next = ks->domain; /* its holders are still the old one's */
    struct changes changes = { 0 };
    struct quorum_use use = { 0 };
    CK_RV rv = CKR_OK;

    if (!ks->domain.exists)
        rv = CKR_DOMAIN_NOT_CONFIRMED;
    else if (!ks->domain.open)
        rv = CKR_LOCKED;
    else if (!pending)
        rv = quorum_check(c, MESSAGE_DOMAIN_EXPORT, request, &use);
    if (rv == CKR_OK)
        rv = make_file(c, pending ? &ks->domain.pending : &ks->domain.current, out);
    if (rv == CKR_OK) {
        memcpy(next.digest, (*out)->digest.data, sizeof next.digest);
        next.exported = true;
        changes_domain(&changes, &next);
        rv = changes_commit(&changes, ks, &use);
    }
    if (rv == CKR_OK) {
        memcpy(ks->domain.digest, next.digest, sizeof next.digest);
        ks->domain.exported = true;
    }
    secret_wipe(&next, sizeof next);
    return rv;
}

CK_RV on_domain_export(struct call *c, const ProtobufCMessage *request)
{
    Ks__DomainFile *file = NULL;
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = export(c, request, &file);
        call_leave(c);
    }
    if (rv == CKR_OK)
        c->reply = &file->base;
    return rv;
}

static CK_RV confirm(struct keystore *ks, const Ks__DomainConfirm *m)
{
    struct changes changes = { 0 };
    struct security_domain next;
    CK_RV rv;

    if (ks->domain.exists && !ks->domain.open)
        return CKR_LOCKED;
    if (ks->domain.pending.count == 0 || !ks->domain.exported ||
        !span_equal(span_of(m->digest.data, m->digest.len), span_of(ks->domain.digest, DOMAIN_DIGEST_LEN)))
        return CKR_DOMAIN_NOT_CONFIRMED;
    next = ks->domain;
    next.current = ks->domain.pending;
    next.pending = (struct holder_set){ 0 };
    changes_domain(&changes, &next);
    rv = changes_commit(&changes, ks, NULL);
    secret_wipe(&next, sizeof next);
    if (rv == CKR_OK)
        holder_set_move(&ks->domain.current, &ks->domain.pending);
    return rv;
}

CK_RV on_domain_confirm(struct call *c, const ProtobufCMessage *request)
{
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        if ((rv = confirm(c->ks, (const Ks__DomainConfirm *)request)) == CKR_OK && keystore_open_domain(c->ks) != ST_OK)
            rv = CKR_HOST_MEMORY; /* also where it was open already, which changes nothing */
        c->entry.detail = c->ks->domain.current.generation;
        call_leave(c);
    }
    if (rv == CKR_OK)
        keystore_enter(c->ks, KEYSTORE_OPERATIONAL);
    return rv;
}
