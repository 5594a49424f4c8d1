#include "firmware/backup.h"

#include "firmware/base/big_endian.h"
#include "firmware/crypto/entropy.h"

#define NUMBER_LEN 4

struct backup {
    uint64_t link;
    struct partition *partition; /* referenced */
    struct backup_series series;
    struct object **objects; /* referenced until their part is made */
    uint32_t count, done;
    uint32_t index; /* of the next part */
};

/* Under the partition's lock. */
static CK_RV take_objects(struct backup *b)
{
    const struct partition *p = b->partition;
    struct object *o;
    size_t at = 0;

    if ((b->objects = calloc(p->token_objects + 1, sizeof b->objects[0])) == NULL)
        return CKR_HOST_MEMORY;
    while ((o = handle_table_next(&p->objects, &at)) != NULL)
        if (o->session == NULL) {
            INVARIANT(b->count < p->token_objects);
            b->objects[b->count++] = object_ref(o);
        }
    return CKR_OK;
}

CK_RV backup_new(const struct security_domain *d, struct partition *p, uint64_t link, struct backup **out)
{
    struct backup *b = calloc(1, sizeof *b);
    uint8_t id[BACKUP_ID_LEN];
    CK_RV rv;

    if (b == NULL)
        return CKR_HOST_MEMORY;
    pthread_mutex_lock(&p->lock);
    p->refs++;
    b->partition = p;
    b->link = link;
    rv = take_objects(b);
    pthread_mutex_unlock(&p->lock);
    if (rv == CKR_OK)
        rv = entropy_draw(id, sizeof id) == ST_OK ? backup_series_of(d->key, d->id, id, &b->series) : CKR_DEVICE_ERROR;
    if (rv != CKR_OK) {
        backup_free(b);
        return rv;
    }
    *out = b;
    return CKR_OK;
}

void backup_free(struct backup *b)
{
    if (b == NULL)
        return;
    while (b->done < b->count)
        object_unref(b->objects[b->done++]);
    free(b->objects);
    partition_unref(b->partition);
    secret_wipe(b, sizeof *b);
    free(b);
}

uint64_t backup_link(const struct backup *b)
{
    return b->link;
}

uint32_t backup_partition(const struct backup *b)
{
    return b->partition->id;
}

static CK_RV put_record(const struct backup *b, uint8_t *body, size_t *len)
{
    uint8_t *record;
    CK_RV rv;

    if ((rv = partition_pack(b->partition, &record, len)) != CKR_OK)
        return rv;
    INVARIANT(*len <= BACKUP_BODY_MAX - NUMBER_LEN);
    be_put(body, b->count, NUMBER_LEN);
    memcpy(body + NUMBER_LEN, record, *len);
    secret_wipe(record, *len);
    free(record);
    *len += NUMBER_LEN;
    return CKR_OK;
}

/* As many as there is room for; a record of the flash always has room. */
static void put_objects(struct backup *b, uint8_t *body, size_t *len)
{
    size_t at = NUMBER_LEN;

    while (b->done < b->count) {
        struct object *o = b->objects[b->done];
        size_t packed = attributes_packed_len(&o->attributes);

        if (packed + NUMBER_LEN > BACKUP_BODY_MAX - at)
            break;
        attributes_pack(&o->attributes, be_put(body + at, packed, NUMBER_LEN));
        at += NUMBER_LEN + packed;
        object_unref(o);
        b->done++;
    }
    INVARIANT(at > NUMBER_LEN || b->done == b->count);
    be_put(body, b->done, NUMBER_LEN);
    *len = at;
}

CK_RV backup_next(struct backup *b, uint8_t *part, size_t *len, bool *last)
{
    uint8_t *body = part + BACKUP_HEADER_LEN;
    struct partition *p = b->partition;
    size_t body_len = 0;
    CK_RV rv;

    pthread_mutex_lock(&p->lock);
    rv = p->closed ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
    if (rv == CKR_OK && b->index == 0)
        rv = put_record(b, body, &body_len);
    else if (rv == CKR_OK)
        put_objects(b, body, &body_len);
    pthread_mutex_unlock(&p->lock);
    *last = b->index > 0 && b->done == b->count;
    return rv == CKR_OK ? backup_part_seal(&b->series, b->index++, *last, part, body_len, len) : rv;
}
