#include "firmware/base/big_endian.h"
#include "firmware/partition.h"

#define CONTEXT     "object"
#define CONTEXT_LEN (sizeof CONTEXT - 1 + 4 + 8)

struct sealed_object {
    struct sealed_object *next;
    uint64_t flash_id;
    size_t len;
    uint8_t bytes[];
};

static struct flash_key key_of(const struct partition *p, uint64_t flash_id)
{
    return (struct flash_key){ .kind = RECORD_OBJECT, .partition = p->id, .id = flash_id };
}

static struct span context_of(const struct partition *p, uint64_t flash_id, uint8_t out[CONTEXT_LEN])
{
    memcpy(out, CONTEXT, sizeof CONTEXT - 1);
    be_put(be_put(out + sizeof CONTEXT - 1, p->id, 4), flash_id, 8);
    return span_of(out, CONTEXT_LEN);
}

static CK_RV seal_object(const struct partition *p, const struct object *o, uint8_t *out, struct flash_change *change)
{
    struct output sealed = { .p = out, .room = attributes_packed_len(&o->attributes) + SEAL_OVERHEAD };
    uint8_t context[CONTEXT_LEN];
    CK_RV rv = seal_close(p->seal, &o->attributes, context_of(p, o->flash_id, context), &sealed);

    *change = (struct flash_change){ .key = key_of(p, o->flash_id), .value = span_of(out, sealed.len) };
    return rv;
}

/* Those that are token objects, in one commit. */
static CK_RV store_objects(const struct partition *p, struct storage *s, struct object *const *objects, unsigned count,
                           bool irrevocable)
{
    struct flash_change changes[PARTITION_ADD_MAX];
    unsigned stored = 0;
    size_t len = 0, at = 0;
    uint8_t *sealed;
    CK_RV rv = CKR_OK;

    for (unsigned i = 0; i < count; i++)
        len += objects[i]->session == NULL ? attributes_packed_len(&objects[i]->attributes) + SEAL_OVERHEAD : 0;
    if (len == 0)
        return CKR_OK;
    if (p->seal == NULL)
        return CKR_TOKEN_NOT_PRESENT;
    if ((sealed = malloc(len)) == NULL)
        return CKR_HOST_MEMORY;
    for (unsigned i = 0; i < count && rv == CKR_OK; i++)
        if (objects[i]->session == NULL) {
            rv = seal_object(p, objects[i], sealed + at, &changes[stored]);
            at += changes[stored++].value.len;
        }
    if (rv == CKR_OK)
        rv = storage_commit(s, changes, stored, irrevocable);
    free(sealed);
    return rv;
}

/* Into the table, and out of it. */
static CK_RV enter(struct partition *p, struct storage *s, struct object *o)
{
    uint32_t *count = o->session != NULL ? &p->session_objects : &p->token_objects;

    if (*count >= (o->session != NULL ? p->terms.session_objects_max : p->terms.objects_max) ||
        o->size > PARTITION_BYTES_MAX - p->bytes)
        return CKR_DEVICE_MEMORY;
    if (o->session == NULL) {
        pthread_mutex_lock(&s->lock);
        o->flash_id = s->next_object++;
        pthread_mutex_unlock(&s->lock);
    }
    if (handle_table_put(&p->objects, o->id, o) != ST_OK)
        return CKR_HOST_MEMORY;
    object_ref(o);
    (*count)++;
    p->bytes += o->size;
    return CKR_OK;
}

static void leave(struct partition *p, struct object *o)
{
    if (o->session != NULL)
        p->session_objects--;
    else
        p->token_objects--;
    p->bytes -= o->size;
    handle_table_take(&p->objects, o->id);
    object_unref(o);
}

CK_RV partition_add_objects(struct partition *p, struct storage *s, struct object *const *objects, unsigned count)
{
    CK_RV rv = p->closed ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
    unsigned entered = 0;

    INVARIANT(count <= PARTITION_ADD_MAX);
    while (rv == CKR_OK && entered < count && (rv = enter(p, s, objects[entered])) == CKR_OK)
        entered++;
    if (rv == CKR_OK && (rv = store_objects(p, s, objects, count, false)) == CKR_OK)
        return CKR_OK;
    while (entered > 0)
        leave(p, objects[--entered]);
    return rv;
}

static bool changes_rights(const struct attributes *changes)
{
    for (unsigned i = 0; i < changes->count; i++)
        if (template_is_right(changes->items[i].type))
            return true;
    return false;
}

CK_RV partition_change_object(struct partition *p, struct storage *s, struct object *o,
                              const struct attributes *changes)
{
    struct attributes made = { 0 }, old;
    CK_RV rv;

    if ((rv = attributes_merge(&made, &o->attributes)) != CKR_OK || (rv = attributes_merge(&made, changes)) != CKR_OK) {
        attributes_clear(&made);
        return rv;
    }
    attributes_move(&old, &o->attributes);
    attributes_move(&o->attributes, &made);
    if (attributes_packed_len(&o->attributes) > PARTITION_BYTES_MAX - (p->bytes - o->size))
        rv = CKR_DEVICE_MEMORY;
    if (rv != CKR_OK || (rv = store_objects(p, s, &o, 1, changes_rights(changes))) != CKR_OK) {
        attributes_clear(&o->attributes);
        attributes_move(&o->attributes, &old);
        return rv;
    }
    attributes_clear(&old);
    p->bytes -= o->size;
    object_refresh(o);
    p->bytes += o->size;
    return CKR_OK;
}

static struct flash_change removal_of(const struct partition *p, uint64_t flash_id)
{
    return (struct flash_change){ .key = key_of(p, flash_id), .remove = true };
}

CK_RV partition_remove_object(struct partition *p, struct storage *s, struct object *o)
{
    struct flash_change change = removal_of(p, o->flash_id);
    CK_RV rv;

    if (o->session == NULL && (rv = storage_commit(s, &change, 1, true)) != CKR_OK)
        return rv;
    leave(p, o);
    return CKR_OK;
}

enum status partition_load_object(struct partition *p, uint64_t flash_id, struct span record)
{
    struct sealed_object *kept = malloc(sizeof *kept + record.len);

    if (kept == NULL)
        return ST_NO_MEMORY;
    *kept = (struct sealed_object){ .next = p->sealed, .flash_id = flash_id, .len = record.len };
    if (record.len > 0)
        memcpy(kept->bytes, record.p, record.len);
    p->sealed = kept;
    p->token_objects++;
    return ST_OK;
}

static struct sealed_object *take_sealed(struct partition *p)
{
    struct sealed_object *first = p->sealed;

    if (first != NULL)
        p->sealed = first->next;
    return first;
}

void partition_forget_sealed(struct partition *p)
{
    struct sealed_object *kept;

    while ((kept = take_sealed(p)) != NULL)
        free(kept);
}

static enum status open_sealed(struct partition *p, const struct sealed_object *kept)
{
    uint8_t context[CONTEXT_LEN];
    struct attributes a = { 0 };
    struct object *o = NULL;
    CK_RV rv;

    rv = seal_open(p->seal, span_of(kept->bytes, kept->len), context_of(p, kept->flash_id, context), &a);
    if (rv != CKR_OK)
        return rv == CKR_HOST_MEMORY ? ST_NO_MEMORY : ST_CORRUPT;
    if (object_new(&a, &o) != CKR_OK) {
        attributes_clear(&a);
        return ST_NO_MEMORY;
    }
    o->flash_id = kept->flash_id;
    if (handle_table_put(&p->objects, o->id, o) != ST_OK) {
        object_unref(o);
        return ST_NO_MEMORY;
    }
    p->bytes += o->size;
    return ST_OK;
}

enum status partition_unlock(struct partition *p, const struct security_domain *d)
{
    enum status st = ST_OK;

    if (p->seal == NULL)
        st = seal_new(d->key, d->id, span_of(p->seal_id, sizeof p->seal_id), &p->seal);
    while (st == ST_OK && p->sealed != NULL)
        if ((st = open_sealed(p, p->sealed)) == ST_OK)
            free(take_sealed(p)); /* one after the other: never all of them twice in memory */
    return st;
}

static unsigned some_token_objects(const struct partition *p, struct object *out[FLASH_CHANGES_MAX])
{
    unsigned count = 0;
    struct object *o;
    size_t at = 0;

    while (count < FLASH_CHANGES_MAX && (o = handle_table_next(&p->objects, &at)) != NULL)
        if (o->session == NULL)
            out[count++] = o;
    return count;
}

static CK_RV drop_sealed(struct partition *p, struct storage *s)
{
    struct flash_change changes[FLASH_CHANGES_MAX];
    CK_RV rv;

    while (p->sealed != NULL) {
        unsigned count = 0;

        for (const struct sealed_object *o = p->sealed; o != NULL && count < FLASH_CHANGES_MAX; o = o->next)
            changes[count++] = removal_of(p, o->flash_id);
        if ((rv = storage_commit(s, changes, count, false)) != CKR_OK)
            return rv;
        for (p->token_objects -= count; count > 0; count--)
            free(take_sealed(p));
    }
    return CKR_OK;
}

/* The board's counter does not move for each of a thousand objects: it has for the commit that came before. */
CK_RV partition_drop_objects(struct partition *p, struct storage *s)
{
    struct flash_change changes[FLASH_CHANGES_MAX];
    struct object *objects[FLASH_CHANGES_MAX];
    unsigned count;
    CK_RV rv;

    while ((count = some_token_objects(p, objects)) > 0) {
        for (unsigned i = 0; i < count; i++)
            changes[i] = removal_of(p, objects[i]->flash_id);
        if ((rv = storage_commit(s, changes, count, false)) != CKR_OK)
            return rv;
        while (count > 0)
            leave(p, objects[--count]);
    }
    return drop_sealed(p, s);
}
