#include "firmware/restore.h"

#include "firmware/base/big_endian.h"
#include "firmware/partition_table.h"
#include "firmware/quorum.h"

#define NUMBER_LEN 4

struct restore {
    uint64_t link;
    Ks__RestoreBegin *request; /* a copy, for the approvals */
    struct backup_series series;
    struct partition *partition; /* in no table yet */
    uint32_t objects_max;        /* the quota of its record */
    uint32_t count, done;
    uint32_t index; /* of the next part */
};

static void free_restore(struct restore *r)
{
    if (r == NULL)
        return;
    if (r->request != NULL)
        ks__restore_begin__free_unpacked(r->request, NULL);
    partition_free(r->partition);
    secret_wipe(r, sizeof *r);
    free(r);
}

uint64_t restore_link(const struct restore *r)
{
    return r->link;
}

void restore_forget(struct keystore *ks)
{
    free_restore(ks->restore);
    ks->restore = NULL;
}

CK_RV restore_drop(struct keystore *ks)
{
    CK_RV rv = ks->restore != NULL ? partition_drop_objects(ks->restore->partition, &ks->storage) : CKR_OK;

    restore_forget(ks);
    return rv;
}

/* --- the first part --- */

static CK_RV copy_request(const Ks__RestoreBegin *m, Ks__RestoreBegin **out)
{
    size_t len = ks__restore_begin__get_packed_size(m);
    uint8_t *packed = malloc(len + 1);

    if (packed == NULL)
        return CKR_HOST_MEMORY;
    ks__restore_begin__pack(m, packed);
    *out = ks__restore_begin__unpack(NULL, len, packed);
    free(packed);
    return *out != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV read_record(struct restore *r, struct span body)
{
    enum status st;

    if (body.len < NUMBER_LEN)
        return CKR_BACKUP_INVALID;
    r->count = (uint32_t)be_get(body.p, NUMBER_LEN);
    st = partition_unpack(r->partition, span_of(body.p + NUMBER_LEN, body.len - NUMBER_LEN));
    return st == ST_OK ? CKR_OK : st == ST_NO_MEMORY ? CKR_HOST_MEMORY : CKR_BACKUP_INVALID;
}

static CK_RV read_first(const struct keystore *ks, struct span part, struct restore *r)
{
    uint8_t *body = malloc(part.len);
    struct backup_header h;
    size_t len = 0;
    bool last;
    CK_RV rv;

    if (body == NULL)
        return CKR_HOST_MEMORY;
    rv = backup_header_read(part, &h) ? backup_series_of(ks->domain.key, ks->domain.id, h.backup_id, &r->series)
                                      : CKR_BACKUP_INVALID;
    if (rv == CKR_OK && (rv = backup_part_open(&r->series, r->index++, part, &last, body, &len)) == CKR_OK)
        rv = last ? CKR_BACKUP_INVALID : read_record(r, span_of(body, len));
    secret_wipe(body, part.len);
    free(body);
    return rv;
}

/* Is it there, as it is in the backup or another generation of it? */
static bool is_there(const struct keystore *ks, const struct partition *p)
{
    for (unsigned i = 0; i < PARTITIONS_MAX; i++)
        if (ks->partitions[i] != NULL && memcmp(ks->partitions[i]->family, p->family, sizeof p->family) == 0)
            return true;
    return false;
}

/* May it be here? Asked again at the end: others work meanwhile. */
static CK_RV check_place(const struct keystore *ks, const struct partition *p)
{
    if (tombstones_forbid(&ks->tombstones, p))
        return CKR_BACKUP_PURGED;
    if (partition_table_has_name(ks, p->terms.name, NULL) || is_there(ks, p))
        return CKR_PARTITION_EXISTS;
    for (unsigned i = 0; i < p->terms.identity_count; i++)
        if (keystore_identity_is_taken(ks, p->terms.identities[i].fingerprint, NULL))
            return CKR_ACTION_PROHIBITED;
    return partition_table_free(ks, 0) < PARTITIONS_MAX ? CKR_OK : CKR_DEVICE_MEMORY;
}

/* In place of the one before; with a number that is never used again, whatever happens now. */
static CK_RV settle(struct keystore *ks, struct restore *r)
{
    enum status st;
    CK_RV rv;

    if ((rv = restore_drop(ks)) != CKR_OK)
        return rv;
    ks->device.next_partition++;
    if (device_store(&ks->device, &ks->storage) != ST_OK)
        return CKR_DEVICE_ERROR;
    if ((st = partition_unlock(r->partition, &ks->domain)) != ST_OK)
        return CKR_HOST_MEMORY;
    r->objects_max = r->partition->terms.objects_max;
    if (r->partition->terms.objects_max < r->count)
        r->partition->terms.objects_max = r->count;
    ks->restore = r;
    return CKR_OK;
}

CK_RV restore_begin(struct call *c, const Ks__RestoreBegin *m, uint32_t *partition)
{
    struct restore *r = calloc(1, sizeof *r);
    struct keystore *ks = c->ks;
    struct quorum_use use;
    CK_RV rv;

    if (r == NULL || (r->partition = partition_new(ks->device.next_partition)) == NULL) {
        free_restore(r);
        return CKR_HOST_MEMORY;
    }
    *partition = r->partition->id;
    r->link = c->who->link;
    if ((rv = read_first(ks, span_of(m->part.data, m->part.len), r)) != CKR_OK ||
        (rv = check_place(ks, r->partition)) != CKR_OK ||
        (rv = quorum_check(c, MESSAGE_RESTORE_BEGIN, &m->base, &use)) != CKR_OK ||
        (rv = copy_request(m, &r->request)) != CKR_OK || (rv = settle(ks, r)) != CKR_OK)
        free_restore(r);
    return rv;
}

/* --- the others --- */

static CK_RV take_object(struct span *in, struct object **out)
{
    struct attributes a = { 0 };
    size_t len;
    CK_RV rv;

    if (in->len < NUMBER_LEN || (len = (size_t)be_get(in->p, NUMBER_LEN)) > in->len - NUMBER_LEN)
        return CKR_BACKUP_INVALID;
    if ((rv = attributes_unpack(&a, span_of(in->p + NUMBER_LEN, len))) != CKR_OK)
        return rv == CKR_DATA_INVALID ? CKR_BACKUP_INVALID : rv;
    *in = span_of(in->p + NUMBER_LEN + len, in->len - NUMBER_LEN - len);
    if ((rv = object_new(&a, out)) != CKR_OK)
        attributes_clear(&a);
    return rv;
}

/* Some of them, in one commit. */
static CK_RV add_some(struct keystore *ks, struct restore *r, struct span *in)
{
    struct object *objects[PARTITION_ADD_MAX];
    unsigned count = 0;
    CK_RV rv = CKR_OK;

    while (rv == CKR_OK && in->len > 0 && count < PARTITION_ADD_MAX)
        if ((rv = take_object(in, &objects[count])) == CKR_OK)
            count++;
    if (rv == CKR_OK)
        rv = partition_add_objects(r->partition, &ks->storage, objects, count);
    if (rv == CKR_OK)
        r->done += count;
    while (count > 0)
        object_unref(objects[--count]);
    return rv;
}

static CK_RV add_all(struct keystore *ks, struct restore *r, struct span in, bool last)
{
    uint32_t up_to_here;
    CK_RV rv = CKR_OK;

    if (in.len < NUMBER_LEN)
        return CKR_BACKUP_INVALID;
    up_to_here = (uint32_t)be_get(in.p, NUMBER_LEN);
    in = span_of(in.p + NUMBER_LEN, in.len - NUMBER_LEN);
    while (rv == CKR_OK && in.len > 0)
        rv = add_some(ks, r, &in);
    if (rv == CKR_OK && (r->done != up_to_here || (last && r->done != r->count)))
        rv = CKR_BACKUP_INVALID;
    return rv;
}

/* All is there but for its record. */
static CK_RV finish(struct call *c, struct restore *r)
{
    struct keystore *ks = c->ks;
    struct partition *p = r->partition;
    struct flash_change change;
    struct quorum_use use;
    CK_RV rv;

    if ((rv = check_place(ks, p)) != CKR_OK ||
        (rv = quorum_check(c, MESSAGE_RESTORE_BEGIN, &r->request->base, &use)) != CKR_OK)
        return rv;
    p->terms.objects_max = r->objects_max;
    if ((rv = partition_store_with(p, &ks->storage, &change, quorum_change(&use, &change))) != CKR_OK)
        return rv;
    quorum_spent(ks, &use);
    ks->partitions[partition_table_free(ks, 0)] = p;
    r->partition = NULL;
    restore_forget(ks);
    return CKR_OK;
}

static CK_RV take_part(struct call *c, struct restore *r, struct span part)
{
    uint8_t *body = malloc(part.len);
    size_t len = 0;
    bool last = false;
    CK_RV rv;

    if (body == NULL)
        return CKR_HOST_MEMORY;
    if ((rv = backup_part_open(&r->series, r->index++, part, &last, body, &len)) == CKR_OK)
        rv = add_all(c->ks, r, span_of(body, len), last);
    secret_wipe(body, part.len);
    free(body);
    return rv == CKR_OK && last ? finish(c, r) : rv;
}

CK_RV restore_next(struct call *c, struct span part, uint32_t *partition)
{
    struct restore *r = c->ks->restore;
    CK_RV rv;

    if (r == NULL || r->link != c->who->link)
        return CKR_OPERATION_NOT_INITIALIZED;
    *partition = r->partition->id;
    if ((rv = take_part(c, r, part)) != CKR_OK && restore_drop(c->ks) != CKR_OK)
        rv = CKR_DEVICE_ERROR;
    return rv;
}
