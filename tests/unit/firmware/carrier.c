#include "tests/unit/firmware/carrier.h"

#include "firmware/changes.h"
#include "firmware/crypto/pin.h"

unsigned approvers;

static void connect(struct rig *r, struct rig_client *owner)
{
    INVARIANT(rig_connect(r, &r->owner, owner) == ST_OK);
}

/* As if it had been restored there from the domain's file. */
static void give_domain(struct rig *r, const struct security_domain *d)
{
    struct changes changes = { 0 };

    changes_domain(&changes, d);
    INVARIANT(changes_commit(&changes, r->ks, NULL) == CKR_OK);
    rig_restart(r);
}

static void renew_b(struct carrier *k, size_t bank, const struct security_domain *domain)
{
    keystore_close(k->b.ks);
    memory_hal_free(k->b.hal);
    k->b.hal = memory_hal_new(bank, 256 * 1024);
    k->b.hal->root_key[0] ^= 1; /* nothing that is carried follows from it */
    rig_reopen(&k->b);
    give_domain(&k->b, domain != NULL ? domain : &k->a.ks->domain);
    connect(&k->b, &k->b_owner);
}

void carrier_open(struct carrier *k)
{
    pin_cost = 2;
    approvers = BIT(0) | BIT(2);
    rig_open(&k->a);
    rig_provision(&k->a, "strict");
    connect(&k->a, &k->a_owner);
    rig_attach(&k->a, &k->a.user, &k->a_user);
    k->session = rig_ready_session(&k->a_user);
    rig_open(&k->b);
    renew_b(k, 512 * 1024, NULL);
}

void carrier_close(struct carrier *k)
{
    rig_disconnect(&k->a_user);
    rig_disconnect(&k->a_owner);
    rig_disconnect(&k->b_owner);
    rig_close(&k->a);
    rig_close(&k->b);
}

void carrier_exchange_b(struct carrier *k, size_t bank, const struct security_domain *domain)
{
    rig_disconnect(&k->b_owner);
    renew_b(k, bank, domain);
}

void carrier_restart_b(struct carrier *k)
{
    rig_disconnect(&k->b_owner);
    rig_restart(&k->b);
    connect(&k->b, &k->b_owner);
}

CK_RV carrier_put(struct carrier *k, const char *label, const void *value, size_t len)
{
    Ks__CreateObject m = KS__CREATE_OBJECT__INIT;
    struct rig_template t;

    rig_template_init(&t);
    rig_ulong(&t, CKA_CLASS, CKO_DATA);
    rig_bool(&t, CKA_TOKEN, true);
    rig_bool(&t, CKA_PRIVATE, true);
    rig_bytes(&t, CKA_LABEL, label, strlen(label));
    rig_bytes(&t, CKA_VALUE, value, len);
    m.session = k->session;
    m.template_ = &t.t;
    return rig_call(&k->a_user, MESSAGE_CREATE_OBJECT, &m.base, NULL);
}

uint64_t carrier_key(struct carrier *k)
{
    struct rig_template t;
    uint64_t key = 0;

    rig_template_init(&t);
    rig_bool(&t, CKA_TOKEN, true);
    rig_bool(&t, CKA_SIGN, true);
    INVARIANT(rig_generate_aes(&k->a_user, k->session, 32, &t, &key) == CKR_OK);
    return key;
}

static CK_RV take_part(struct rig_client *owner, uint16_t kind, const ProtobufCMessage *m, struct bytes *part,
                       bool *last)
{
    Ks__BackupPart *answer;
    CK_RV rv = rig_call(owner, kind, m, &answer);

    bytes_reset(part);
    if (rv != CKR_OK)
        return rv;
    INVARIANT(bytes_set(part, span_of(answer->part.data, answer->part.len)) == ST_OK);
    *last = answer->last;
    return CKR_OK;
}

CK_RV backup_begin(struct rig_client *owner, uint64_t partition, struct bytes *part)
{
    Ks__BackupBegin m = KS__BACKUP_BEGIN__INIT;
    bool last;
    CK_RV rv;

    m.partition = partition;
    rv = take_part(owner, MESSAGE_BACKUP_BEGIN, &m.base, part, &last);
    INVARIANT(rv != CKR_OK || !last);
    return rv;
}

CK_RV backup_part(struct rig_client *owner, struct bytes *part, bool *last)
{
    Ks__Empty m = KS__EMPTY__INIT;

    return take_part(owner, MESSAGE_BACKUP_NEXT, &m.base, part, last);
}

CK_RV backup_all(struct rig_client *owner, uint64_t partition, struct parts *out)
{
    bool last = false;
    CK_RV rv;

    *out = (struct parts){ 0 };
    rv = backup_begin(owner, partition, &out->part[out->count++]);
    while (rv == CKR_OK && !last) {
        INVARIANT(out->count < PARTS_MAX);
        rv = backup_part(owner, &out->part[out->count++], &last);
    }
    return rv;
}

void parts_clear(struct parts *p)
{
    while (p->count > 0)
        bytes_clear(&p->part[--p->count]);
}

CK_RV restore_first(struct rig_client *owner, const struct bytes *part)
{
    Ks__RestoreBegin m = KS__RESTORE_BEGIN__INIT;
    struct ceremony_approvals approvals;

    m.part = (ProtobufCBinaryData){ part->len, part->p };
    ceremony_approve(rig_link(owner), MESSAGE_RESTORE_BEGIN, &m.base, approvers, &approvals);
    return rig_call(owner, MESSAGE_RESTORE_BEGIN, &m.base, NULL);
}

CK_RV restore_part(struct rig_client *owner, const struct bytes *part)
{
    Ks__RestorePart m = KS__RESTORE_PART__INIT;

    m.part = (ProtobufCBinaryData){ part->len, part->p };
    return rig_call(owner, MESSAGE_RESTORE_NEXT, &m.base, NULL);
}

CK_RV restore_all(struct rig_client *owner, const struct parts *p)
{
    CK_RV rv = restore_first(owner, &p->part[0]);

    for (unsigned i = 1; rv == CKR_OK && i < p->count; i++)
        rv = restore_part(owner, &p->part[i]);
    return rv;
}

unsigned partition_count(const struct rig *r)
{
    unsigned count = 0;

    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        count += r->ks->partitions[i] != NULL;
    return count;
}

static enum status count_object(void *arg, const struct flash_key *key, struct span value)
{
    (void)value;
    *(unsigned *)arg += key->kind == RECORD_OBJECT;
    return ST_OK;
}

unsigned objects_in_flash(const struct rig *r)
{
    struct memory_hal *copy = memory_hal_copy(r->hal);
    unsigned count = 0;
    struct flash *f;
    const char *why;

    INVARIANT(flash_open(&copy->hal, copy->root_key, count_object, &count, &f, &why) == ST_OK);
    flash_close(f);
    memory_hal_free(copy);
    return count;
}
