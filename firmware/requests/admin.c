/* Requests of the owner: partitions, the audit, self tests. */
#include "firmware/call.h"
#include "firmware/crypto/entropy.h"
#include "firmware/crypto/self_test.h"
#include "firmware/wire/name.h"
#include "firmware/partition_table.h"
#include "firmware/quorum.h"

static CK_RV take_identities(const struct keystore *ks, const Ks__Partition *m, const struct partition *but,
                             struct partition_terms *out)
{
    for (size_t i = 0; i < m->n_identities; i++) {
        const Ks__Identity *id = m->identities[i];
        struct partition_identity *to = &out->identities[i];

        /* Whoever reads the audit is named by ROLE_SET, with a quorum. */
        if (id->role != PEER_CLIENT || strlen(id->name) > PARTITION_NAME_MAX)
            return CKR_ARGUMENTS_BAD;
        if (keystore_identity_is_taken(ks, id->fingerprint.data, but) ||
            partition_identity(out, id->fingerprint.data) != NULL)
            return CKR_ACTION_PROHIBITED;
        to->role = (uint8_t)id->role;
        memcpy(to->fingerprint, id->fingerprint.data, LINK_FINGERPRINT_LEN);
        memcpy(to->name, id->name, strlen(id->name));
        out->identity_count++;
    }
    return CKR_OK;
}

/* What the owner asks for the partition `p`, new or not. */
static CK_RV read_terms(const struct keystore *ks, const Ks__Partition *m, const struct partition *p,
                        struct partition_terms *out)
{
    *out = (struct partition_terms){ .policy = strcmp(m->policy, "strict") == 0 ? POLICY_STRICT : POLICY_COMPATIBLE };
    if (!name_is_good(m->name) || m->objects_max > 1000000 || m->session_objects_max > 1000000)
        return CKR_ARGUMENTS_BAD;
    if (partition_table_has_name(ks, m->name, p))
        return CKR_ACTION_PROHIBITED;
    memcpy(out->name, m->name, strlen(m->name));
    out->objects_max = m->objects_max > 0 ? (uint32_t)m->objects_max : TOKEN_OBJECTS_DEFAULT;
    out->session_objects_max = m->session_objects_max > 0 ? (uint32_t)m->session_objects_max : SESSION_OBJECTS_MAX;
    return take_identities(ks, m, p, out);
}

static CK_RV create(struct keystore *ks, const Ks__Partition *m, uint32_t *id)
{
    unsigned slot = partition_table_free(ks, ks->restore != NULL);
    struct partition *p;
    CK_RV rv;

    if (slot == PARTITIONS_MAX)
        return CKR_DEVICE_MEMORY;
    if ((p = partition_new(ks->device.next_partition)) == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = read_terms(ks, m, p, &p->terms)) == CKR_OK &&
        (entropy_draw(p->seal_id, sizeof p->seal_id) != ST_OK || entropy_draw(p->serial, sizeof p->serial) != ST_OK))
        rv = CKR_DEVICE_ERROR;
    memcpy(p->family, p->seal_id, sizeof p->family);
    if (rv == CKR_OK && partition_unlock(p, &ks->domain) != ST_OK)
        rv = CKR_HOST_MEMORY;
    /* The number is used up first: after a power cut it may be lost, and is never given out twice. */
    if (rv == CKR_OK) {
        ks->device.next_partition++;
        rv = device_store(&ks->device, &ks->storage) == ST_OK ? partition_store(p, &ks->storage, true)
                                                              : CKR_DEVICE_ERROR;
    }
    if (rv != CKR_OK) {
        partition_free(p);
        return rv;
    }
    *id = p->id;
    ks->partitions[slot] = p;
    return CKR_OK;
}

CK_RV on_partition_create(struct call *c, const ProtobufCMessage *request)
{
    uint32_t id = 0;
    CK_RV rv;

    if ((rv = call_enter(c)) == CKR_OK) {
        rv = create(c->ks, (const Ks__Partition *)request, &id);
        call_leave(c);
    }
    c->entry.detail = id;
    ks__partition_id__init(&c->answer.partition_id);
    c->answer.partition_id.id = id;
    c->reply = &c->answer.partition_id.base;
    return rv;
}

static CK_RV describe_identities(struct call *c, const struct partition_terms *t, Ks__Partition *out)
{
    Ks__Identity *items = call_memory(c, t->identity_count * sizeof *items);
    struct partition_identity *copies = call_memory(c, t->identity_count * sizeof *copies);

    out->identities = call_memory(c, t->identity_count * sizeof *out->identities);
    if (items == NULL || copies == NULL || out->identities == NULL)
        return CKR_HOST_MEMORY;
    for (unsigned i = 0; i < t->identity_count; i++) {
        copies[i] = t->identities[i];
        ks__identity__init(&items[i]);
        items[i].fingerprint = (ProtobufCBinaryData){ .len = LINK_FINGERPRINT_LEN, .data = copies[i].fingerprint };
        items[i].role = copies[i].role;
        items[i].name = copies[i].name;
        out->identities[i] = &items[i];
    }
    out->n_identities = t->identity_count;
    return CKR_OK;
}

static CK_RV describe(struct call *c, struct partition *p, Ks__Partition *out)
{
    const struct partition_terms *t = &p->terms;
    char *name = call_memory(c, sizeof t->name), *label = call_memory(c, LABEL_LEN + 1);
    CK_RV rv;

    if (name == NULL || label == NULL)
        return CKR_HOST_MEMORY;
    pthread_mutex_lock(&p->lock);
    ks__partition__init(out);
    memcpy(name, t->name, sizeof t->name);
    memcpy(label, p->label, LABEL_LEN);
    label[LABEL_LEN] = '\0';
    out->id = p->id;
    out->name = name;
    out->label = label;
    out->policy = (char *)(uintptr_t)(t->policy == POLICY_STRICT ? "strict" : "compatible");
    out->objects_max = t->objects_max;
    out->session_objects_max = t->session_objects_max;
    out->initialised = p->initialised;
    out->objects = p->token_objects;
    rv = describe_identities(c, t, out);
    pthread_mutex_unlock(&p->lock);
    return rv;
}

CK_RV on_partition_list(struct call *c, const ProtobufCMessage *request)
{
    Ks__PartitionList *list = &c->answer.partition_list;
    Ks__Partition *items = call_memory(c, PARTITIONS_MAX * sizeof *items);
    CK_RV rv = CKR_OK;

    (void)request;
    ks__partition_list__init(list);
    list->partitions = call_memory(c, PARTITIONS_MAX * sizeof *list->partitions);
    if (items == NULL || list->partitions == NULL)
        return CKR_HOST_MEMORY;
    pthread_mutex_lock(&c->ks->lock);
    for (unsigned i = 0; i < PARTITIONS_MAX && rv == CKR_OK; i++)
        if (c->ks->partitions[i] != NULL) {
            list->partitions[list->n_partitions] = &items[list->n_partitions];
            rv = describe(c, c->ks->partitions[i], &items[list->n_partitions++]);
        }
    pthread_mutex_unlock(&c->ks->lock);
    c->reply = &list->base;
    return rv;
}

static void end_applications(struct keystore *ks, struct partition *p)
{
    for (struct application *a = p->applications; a != NULL; a = a->next)
        session_close_all(a, &ks->storage);
}

/* The record goes first, irrevocably, and its backups are worth nothing here from then on; what is left of the objects
 * is dropped now or at the next start, and can be decrypted by nobody then. */
static CK_RV delete (struct keystore *ks, unsigned slot)
{
    struct partition *p = ks->partitions[slot];
    bool unused;
    CK_RV rv;

    backup_end_of(ks, p->id); /* it holds the objects' keys */
    pthread_mutex_lock(&p->lock);
    if ((rv = tombstones_bury(&ks->tombstones, p, &ks->storage, true)) == CKR_OK) {
        p->closed = p->deleted = true;
        ks->partitions[slot] = NULL;
        end_applications(ks, p);
        if ((rv = partition_drop_objects(p, &ks->storage)) == CKR_OK)
            rv = storage_forget(&ks->storage);
    }
    unused = p->deleted && p->refs == 0;
    pthread_mutex_unlock(&p->lock);
    if (unused)
        partition_free(p);
    return rv;
}

CK_RV on_partition_delete(struct call *c, const ProtobufCMessage *request)
{
    uint64_t id = ((const Ks__PartitionId *)request)->id;
    unsigned slot;
    CK_RV rv;

    c->entry.detail = id;
    if ((rv = call_enter(c)) == CKR_OK) {
        slot = partition_table_index(c->ks, id);
        rv = slot == PARTITIONS_MAX ? CKR_SLOT_ID_INVALID : delete (c->ks, slot);
        call_leave(c);
    }
    return rv;
}

static bool has_identities_of(const struct partition_terms *t, const struct partition_terms *other)
{
    for (unsigned i = 0; i < other->identity_count; i++) {
        const struct partition_identity *wanted = &other->identities[i],
                                        *found = partition_identity(t, wanted->fingerprint);

        if (found == NULL || found->role != wanted->role)
            return false;
    }
    return true;
}

/* Who may come to the keys, or what may be done with them: once there may be keys, that is not for the owner alone. An
 * interrupted C_InitToken leaves a partition that is not initialised, has an SO, and perhaps objects. */
static bool needs_quorum(const struct partition *p, const struct partition_terms *after)
{
    const struct partition_terms *now = &p->terms;

    return (p->initialised || p->so_pin.set) && (!has_identities_of(now, after) || !has_identities_of(after, now) ||
                                                 (now->policy == POLICY_STRICT && after->policy == POLICY_COMPATIBLE));
}

static CK_RV set_terms(struct call *c, const Ks__Partition *m, struct partition *p, const struct partition_terms *after)
{
    struct partition_terms before = p->terms;
    bool approved = needs_quorum(p, after);
    struct quorum_use use;
    struct flash_change change;
    unsigned count = 0;
    CK_RV rv;

    if (approved) {
        if ((rv = quorum_check(c, MESSAGE_PARTITION_SET, &m->base, &use)) != CKR_OK)
            return rv;
        count = quorum_change(&use, &change);
    }
    p->terms = *after;
    if ((rv = partition_store_with(p, &c->ks->storage, &change, count)) != CKR_OK)
        p->terms = before;
    else if (approved)
        quorum_spent(c->ks, &use);
    return rv;
}

/* Whose identity is taken away finds out with its next request: dispatch.c looks. */
CK_RV on_partition_set(struct call *c, const ProtobufCMessage *request)
{
    const Ks__Partition *m = (const Ks__Partition *)request;
    struct partition_terms after;
    struct partition *p;
    unsigned slot;
    CK_RV rv;

    c->entry.detail = m->id;
    if ((rv = call_enter(c)) == CKR_OK) {
        rv = CKR_SLOT_ID_INVALID;
        if ((slot = partition_table_index(c->ks, m->id)) < PARTITIONS_MAX &&
            (rv = read_terms(c->ks, m, c->ks->partitions[slot], &after)) == CKR_OK) {
            p = c->ks->partitions[slot];
            pthread_mutex_lock(&p->lock);
            rv = set_terms(c, m, p, &after);
            pthread_mutex_unlock(&p->lock);
        }
        call_leave(c);
    }
    return rv;
}

CK_RV on_audit_read(struct call *c, const ProtobufCMessage *request)
{
    const Ks__AuditRead *m = (const Ks__AuditRead *)request;
    Ks__AuditRecords *out = &c->answer.audit_records;
    unsigned max = m->max == 0 || m->max > 1024 ? 1024 : m->max;
    struct bytes records = { 0 };
    uint8_t *copy, *head = call_memory(c, AUDIT_HASH_LEN);
    uint64_t sequence;
    CK_RV rv = CKR_DEVICE_ERROR;

    ks__audit_records__init(out);
    if (audit_read(c->ks->audit, m->from, max, &records, &out->next) == ST_OK &&
        (copy = call_memory(c, records.len)) != NULL && head != NULL) {
        if (records.len > 0)
            memcpy(copy, records.p, records.len);
        audit_head(c->ks->audit, &sequence, head);
        out->records = (ProtobufCBinaryData){ .len = records.len, .data = copy };
        out->head = (ProtobufCBinaryData){ .len = AUDIT_HASH_LEN, .data = head };
        c->reply = &out->base;
        rv = CKR_OK;
    }
    bytes_clear(&records);
    return rv;
}

CK_RV on_self_test(struct call *c, const ProtobufCMessage *request)
{
    const char *failed = NULL;

    (void)request;
    if (self_test_run(NULL, &failed) == ST_OK)
        return CKR_OK;
    keystore_fail(c->ks, failed);
    return CKR_DEVICE_ERROR;
}
