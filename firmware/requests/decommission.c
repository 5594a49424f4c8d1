/* The end of what a keystore held: factory reset, which leaves a board for somebody else, and zeroisation, which leaves
 * none. Both give out a signed statement of what was destroyed, and by whose approval. */
#include "firmware/base/big_endian.h"
#include "firmware/base/log.h"
#include "firmware/changes.h"
#include "firmware/statement.h"
#include "firmware/wire/act.h"

static void count_losses(struct keystore *ks, Ks__Destruction *out)
{
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        if (ks->partitions[i] != NULL) {
            pthread_mutex_lock(&ks->partitions[i]->lock);
            out->objects += ks->partitions[i]->token_objects;
            pthread_mutex_unlock(&ks->partitions[i]->lock);
            out->partitions++;
        }
}

/* In state error the owner alone is enough: who cannot trust the box's arithmetic must be able to end it. */
static CK_RV approve(struct call *c, uint16_t kind, const ProtobufCMessage *request, struct quorum_use *use,
                     Ks__Destruction *d)
{
    struct keystore *ks = c->ks;
    CK_RV rv;

    *use = (struct quorum_use){ 0 };
    if ((rv = call_enter(c)) != CKR_OK)
        return rv;
    if (atomic_load(&ks->state) != KEYSTORE_ERROR)
        rv = quorum_check(c, kind, request, use);
    count_losses(ks, d);
    call_leave(c);
    d->act = kind;
    if (rv != CKR_OK || use->count == 0)
        return rv;
    if ((d->approved_by = call_memory(c, use->count * sizeof *d->approved_by)) == NULL)
        return CKR_HOST_MEMORY;
    for (; d->n_approved_by < use->count; d->n_approved_by++)
        d->approved_by[d->n_approved_by] = (ProtobufCBinaryData){ HOLDER_ID_LEN, use->holders[d->n_approved_by] };
    return CKR_OK;
}

/* The statement is made while its key is still there, and kept by the board before anything is destroyed: an answer can
 * get lost. One whose act did not come about is taken back at the next start. */
static CK_RV state(struct call *c, Ks__Destruction *d, struct bytes *packed)
{
    Ks__Statement s = KS__STATEMENT__INIT;
    Ks__SignedStatement *out = &c->answer.signed_statement;
    CK_RV rv;

    s.purpose = STATEMENT_DESTRUCTION;
    s.destruction = d;
    if ((rv = statement_make(c, &s, out)) != CKR_OK)
        return rv;
    if (bytes_reserve(packed, protobuf_c_message_get_packed_size(&out->base)) != ST_OK)
        return CKR_HOST_MEMORY;
    packed->len = protobuf_c_message_pack(&out->base, packed->p);
    c->reply = &out->base;
    return CKR_OK;
}

/* Was another act done, or the domain another one, while the lock was let go for the statement? */
static bool is_overtaken(const struct keystore *ks, const struct quorum_use *use)
{
    return use->needed ? be_get(use->record, sizeof use->record) != ks->act_sequence + 1
                       : security_domain_in_force(&ks->domain) && atomic_load(&ks->state) != KEYSTORE_ERROR;
}

/* All keys of a partition, and what works with them. */
static void forget(struct keystore *ks, struct partition *p)
{
    pthread_mutex_lock(&p->lock);
    for (struct application *a = p->applications; a != NULL; a = a->next)
        session_close_all(a, &ks->storage);
    partition_forget(p);
    pthread_mutex_unlock(&p->lock);
}

static void forget_all(struct keystore *ks)
{
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        if (ks->partitions[i] != NULL)
            forget(ks, ks->partitions[i]);
    backup_forget_all(ks);
    security_domain_clear(&ks->domain);
    transfer_key_clear(&ks->transfer);
    secret_wipe(&ks->unlocking, sizeof ks->unlocking);
    secret_wipe(ks->pepper, sizeof ks->pepper);
}

/* Root key, flash, memory: in the order in which they make the rest worthless. The board's word of it holds as soon as
 * the root key is gone, whatever the flash still has; it is taken back when that is not so. */
static CK_RV zeroise(struct keystore *ks)
{
    enum status root, flash;

    keystore_enter(ks, KEYSTORE_ZEROISED);
    root = ks->hal->root_destroy(ks->hal->self);
    pthread_mutex_lock(&ks->storage.lock);
    flash = flash_zeroise(ks->storage.flash);
    pthread_mutex_unlock(&ks->storage.lock);
    forget_all(ks);
    secret_wipe(ks->operator_pepper, sizeof ks->operator_pepper);
    if (root != ST_OK && ks->hal->publish_destruction(ks->hal->self, span_of(NULL, 0)) != ST_OK)
        log_error("the board says that all is destroyed, which it is not: the next start takes that back");
    return root == ST_OK && flash == ST_OK ? CKR_OK : CKR_DEVICE_ERROR;
}

CK_RV on_zeroise(struct call *c, const ProtobufCMessage *request)
{
    Ks__Destruction d = KS__DESTRUCTION__INIT;
    struct bytes statement = { 0 };
    struct keystore *ks = c->ks;
    struct quorum_use use;
    CK_RV rv;

    if ((rv = approve(c, MESSAGE_ZEROISE, request, &use, &d)) == CKR_OK && (rv = state(c, &d, &statement)) == CKR_OK &&
        (rv = call_enter(c)) == CKR_OK) {
        if (is_overtaken(ks, &use))
            rv = CKR_APPROVAL_USED;
        else if (ks->hal->publish_destruction(ks->hal->self, bytes_span(&statement)) != ST_OK)
            rv = CKR_DEVICE_ERROR; /* nothing is destroyed without a word of it */
        else
            rv = zeroise(ks);
        call_leave(c);
    }
    bytes_clear(&statement);
    return rv;
}

/* The device's record with the statement in it takes the place of the old one, and the domain goes, in one commit; what
 * is left of partitions is then worth nothing, and dropped now or at the next start. A tombstone stays of each: the
 * statement says that they are destroyed, so they are not restored here, when the domain is. */
static CK_RV reset(struct keystore *ks, struct bytes *statement, const struct quorum_use *use)
{
    struct device next = ks->device;
    struct changes changes = { 0 };
    CK_RV rv;

    device_reset(&next);
    next.destruction = *statement;
    changes_device(&changes, &next);
    changes_remove(&changes, RECORD_DOMAIN);
    changes_remove(&changes, RECORD_TRANSFER);
    changes.forget = true;
    if ((rv = changes_commit(&changes, ks, use)) != CKR_OK)
        return rv;
    bytes_clear(&ks->device.destruction);
    ks->device = next;
    *statement = (struct bytes){ 0 };
    keystore_enter(ks, KEYSTORE_FACTORY);
    forget_all(ks);
    return CKR_OK;
}

static CK_RV drop_partitions(struct keystore *ks)
{
    CK_RV rv = CKR_OK;

    for (unsigned i = 0; i < PARTITIONS_MAX && rv == CKR_OK; i++) {
        struct partition *p = ks->partitions[i];
        bool unused;

        if (p == NULL)
            continue;
        pthread_mutex_lock(&p->lock);
        if ((rv = tombstones_bury(&ks->tombstones, p, &ks->storage, false)) == CKR_OK &&
            (rv = partition_drop_objects(p, &ks->storage)) == CKR_OK) {
            p->deleted = true;
            ks->partitions[i] = NULL;
        }
        unused = p->deleted && p->refs == 0;
        pthread_mutex_unlock(&p->lock);
        if (unused)
            partition_free(p);
    }
    return rv == CKR_OK ? storage_forget(&ks->storage) : rv;
}

CK_RV on_factory_reset(struct call *c, const ProtobufCMessage *request)
{
    Ks__Destruction d = KS__DESTRUCTION__INIT;
    struct bytes statement = { 0 };
    struct keystore *ks = c->ks;
    struct quorum_use use;
    CK_RV rv;

    if ((rv = approve(c, MESSAGE_FACTORY_RESET, request, &use, &d)) == CKR_OK &&
        (rv = state(c, &d, &statement)) == CKR_OK && (rv = call_enter(c)) == CKR_OK) {
        rv = is_overtaken(ks, &use) ? CKR_APPROVAL_USED : reset(ks, &statement, &use);
        if (rv == CKR_OK) {
            /* The act is done; what fails from here on is made good at the next start. */
            if (ks->hal->publish_destruction(ks->hal->self, bytes_span(&ks->device.destruction)) != ST_OK ||
                drop_partitions(ks) != CKR_OK)
                log_error("the factory reset is not tidied up: the next start does it");
        }
        call_leave(c);
    }
    bytes_clear(&statement);
    return rv;
}
