#include "firmware/partition.h"

/* A partition's record is a set of attributes, too: one packing for all that lies in the flash. Never renumbered. */
enum field {
    FIELD_NAME = 1,
    FIELD_POLICY,
    FIELD_OBJECTS_MAX,
    FIELD_SESSION_OBJECTS_MAX,
    FIELD_SEAL_ID,
    FIELD_SERIAL,
    FIELD_LABEL,
    FIELD_INITIALISED,
    FIELD_SO_PIN,
    FIELD_USER_PIN,
    FIELD_IDENTITY = 100, /* and on: one each */
};

struct partition *partition_new(uint32_t id)
{
    struct partition *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->id = id;
    memset(p->label, ' ', sizeof p->label);
    return p;
}

void partition_free(struct partition *p)
{
    struct object *o;
    size_t at = 0;

    if (p == NULL)
        return;
    while ((o = handle_table_next(&p->objects, &at)) != NULL)
        object_unref(o);
    handle_table_clear(&p->objects);
    seal_free(p->seal);
    pthread_mutex_destroy(&p->lock);
    secret_wipe(p, sizeof *p);
    free(p);
}

static CK_RV pack_pins(const struct partition *p, struct attributes *a)
{
    uint8_t record[PIN_RECORD_LEN];
    CK_RV rv;

    pin_pack(&p->so_pin, record);
    if ((rv = attributes_set(a, FIELD_SO_PIN, span_of(record, sizeof record))) == CKR_OK) {
        pin_pack(&p->user_pin, record);
        rv = attributes_set(a, FIELD_USER_PIN, span_of(record, sizeof record));
    }
    secret_wipe(record, sizeof record);
    return rv;
}

static CK_RV pack_record(const struct partition *p, struct attributes *a)
{
    const struct partition_terms *t = &p->terms;
    CK_RV rv;

    if ((rv = attributes_set(a, FIELD_NAME, span_text(t->name))) != CKR_OK ||
        (rv = attributes_set_ulong(a, FIELD_POLICY, t->policy)) != CKR_OK ||
        (rv = attributes_set_ulong(a, FIELD_OBJECTS_MAX, t->objects_max)) != CKR_OK ||
        (rv = attributes_set_ulong(a, FIELD_SESSION_OBJECTS_MAX, t->session_objects_max)) != CKR_OK ||
        (rv = attributes_set(a, FIELD_SEAL_ID, span_of(p->seal_id, sizeof p->seal_id))) != CKR_OK ||
        (rv = attributes_set(a, FIELD_SERIAL, span_of(p->serial, sizeof p->serial))) != CKR_OK ||
        (rv = attributes_set(a, FIELD_LABEL, span_of(p->label, sizeof p->label))) != CKR_OK ||
        (rv = attributes_set_bool(a, FIELD_INITIALISED, p->initialised)) != CKR_OK || (rv = pack_pins(p, a)) != CKR_OK)
        return rv;
    for (unsigned i = 0; i < t->identity_count && rv == CKR_OK; i++)
        rv = attributes_set(a, FIELD_IDENTITY + i, span_of(&t->identities[i], sizeof t->identities[i]));
    return rv;
}

static bool take_pin(const struct attributes *a, enum field field, struct pin *out)
{
    struct span v = attributes_get(a, field);

    return v.len == PIN_RECORD_LEN && pin_unpack(out, v.p) == ST_OK;
}

static bool unpack_record(struct partition *p, const struct attributes *a)
{
    struct span name = attributes_get(a, FIELD_NAME);
    struct partition_terms *t = &p->terms;

    if (name.len == 0 || name.len > PARTITION_NAME_MAX)
        return false;
    memcpy(t->name, name.p, name.len);
    t->policy =
        attributes_ulong(a, FIELD_POLICY, POLICY_STRICT) == POLICY_COMPATIBLE ? POLICY_COMPATIBLE : POLICY_STRICT;
    t->objects_max = (uint32_t)attributes_ulong(a, FIELD_OBJECTS_MAX, TOKEN_OBJECTS_DEFAULT);
    t->session_objects_max = (uint32_t)attributes_ulong(a, FIELD_SESSION_OBJECTS_MAX, SESSION_OBJECTS_MAX);
    p->initialised = attributes_bool(a, FIELD_INITIALISED);
    while (t->identity_count < PARTITION_IDENTITIES_MAX && attributes_has(a, FIELD_IDENTITY + t->identity_count)) {
        if (!attributes_take(a, FIELD_IDENTITY + t->identity_count, &t->identities[t->identity_count],
                             sizeof t->identities[0]))
            return false;
        t->identity_count++;
    }
    return attributes_take(a, FIELD_SEAL_ID, p->seal_id, sizeof p->seal_id) &&
           attributes_take(a, FIELD_SERIAL, p->serial, sizeof p->serial) &&
           attributes_take(a, FIELD_LABEL, p->label, sizeof p->label) && take_pin(a, FIELD_SO_PIN, &p->so_pin) &&
           take_pin(a, FIELD_USER_PIN, &p->user_pin);
}

enum status partition_unpack(struct partition *p, struct span record)
{
    struct attributes a;
    bool ok;

    if (attributes_unpack(&a, record) != CKR_OK)
        return ST_CORRUPT;
    ok = unpack_record(p, &a);
    attributes_clear(&a);
    return ok ? ST_OK : ST_CORRUPT;
}

/* Packed attributes as changes of one commit, up to FLASH_CHANGES_MAX. */
static CK_RV commit_packed(struct storage *s, const struct flash_key *keys, const struct attributes *const *a,
                           unsigned count, bool irrevocable)
{
    struct flash_change changes[FLASH_CHANGES_MAX];
    size_t len = 0, at = 0;
    uint8_t *packed;
    CK_RV rv;

    for (unsigned i = 0; i < count; i++)
        len += attributes_packed_len(a[i]);
    if ((packed = malloc(len)) == NULL)
        return CKR_HOST_MEMORY;
    for (unsigned i = 0; i < count; i++) {
        attributes_pack(a[i], packed + at);
        changes[i] =
            (struct flash_change){ .key = keys[i], .value = span_of(packed + at, attributes_packed_len(a[i])) };
        at += changes[i].value.len;
    }
    rv = storage_commit(s, changes, count, irrevocable);
    secret_wipe(packed, len);
    free(packed);
    return rv;
}

CK_RV partition_store(const struct partition *p, struct storage *s, bool irrevocable)
{
    struct flash_key key = { .kind = RECORD_PARTITION, .partition = p->id };
    struct attributes a = { 0 };
    const struct attributes *all = &a;
    CK_RV rv;

    if (p->closed) /* while its lock was let go: it must not come back into the flash */
        return CKR_TOKEN_NOT_PRESENT;
    if ((rv = pack_record(p, &a)) == CKR_OK)
        rv = commit_packed(s, &key, &all, 1, irrevocable);
    attributes_clear(&a);
    return rv;
}

static CK_RV store_objects(const struct partition *p, struct storage *s, struct object *const *objects, unsigned count)
{
    const struct attributes *attributes[PARTITION_ADD_MAX];
    struct flash_key keys[PARTITION_ADD_MAX];
    unsigned stored = 0;

    for (unsigned i = 0; i < count; i++)
        if (objects[i]->session == NULL) {
            keys[stored] = (struct flash_key){ .kind = RECORD_OBJECT, .partition = p->id, .id = objects[i]->flash_id };
            attributes[stored++] = &objects[i]->attributes;
        }
    return stored > 0 ? commit_packed(s, keys, attributes, stored, false) : CKR_OK;
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
    if (rv == CKR_OK && (rv = store_objects(p, s, objects, count)) == CKR_OK)
        return CKR_OK;
    while (entered > 0)
        leave(p, objects[--entered]);
    return rv;
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
    if (rv != CKR_OK || (rv = store_objects(p, s, &o, 1)) != CKR_OK) {
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

static struct flash_change removal_of(const struct partition *p, const struct object *o)
{
    return (struct flash_change){ .key = { .kind = RECORD_OBJECT, .partition = p->id, .id = o->flash_id },
                                  .remove = true };
}

CK_RV partition_remove_object(struct partition *p, struct storage *s, struct object *o)
{
    struct flash_change change = removal_of(p, o);
    CK_RV rv;

    if (o->session == NULL && (rv = storage_commit(s, &change, 1, true)) != CKR_OK)
        return rv;
    leave(p, o);
    return CKR_OK;
}

enum status partition_load_object(struct partition *p, uint64_t flash_id, struct span record)
{
    struct object *o = NULL;
    struct attributes a;

    if (attributes_unpack(&a, record) != CKR_OK)
        return ST_CORRUPT;
    if (object_new(&a, &o) != CKR_OK) {
        attributes_clear(&a);
        return ST_NO_MEMORY;
    }
    o->flash_id = flash_id;
    if (handle_table_put(&p->objects, o->id, o) != ST_OK) {
        object_unref(o);
        return ST_NO_MEMORY;
    }
    p->bytes += o->size;
    p->token_objects++;
    return ST_OK;
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

/* The board's counter does not move for each of a thousand objects: it has for the commit that came before. */
CK_RV partition_drop_objects(struct partition *p, struct storage *s)
{
    struct flash_change changes[FLASH_CHANGES_MAX];
    struct object *objects[FLASH_CHANGES_MAX];
    unsigned count;
    CK_RV rv;

    while ((count = some_token_objects(p, objects)) > 0) {
        for (unsigned i = 0; i < count; i++)
            changes[i] = removal_of(p, objects[i]);
        if ((rv = storage_commit(s, changes, count, false)) != CKR_OK)
            return rv;
        while (count > 0)
            leave(p, objects[--count]);
    }
    return CKR_OK;
}

CK_RV partition_drop(struct partition *p, struct storage *s)
{
    struct flash_change change = { .key = { .kind = RECORD_PARTITION, .partition = p->id }, .remove = true };
    CK_RV rv = p->terms.name[0] != '\0' ? storage_commit(s, &change, 1, false) : CKR_OK;

    return rv == CKR_OK ? partition_drop_objects(p, s) : rv;
}

enum status partition_unlock(struct partition *p, const struct security_domain *d)
{
    return seal_new(d->key, d->id, span_of(p->seal_id, sizeof p->seal_id), &p->seal);
}

void partition_forget(struct partition *p)
{
    struct object *o;
    size_t at = 0;

    p->closed = true;
    while ((o = handle_table_next(&p->objects, &at)) != NULL) {
        attributes_clear(&o->attributes);
        key_unref(o->key); /* wiped when whoever uses it at this moment is done */
        o->key = NULL;
        o->rights = 0;
    }
    seal_free(p->seal);
    p->seal = NULL;
    secret_wipe(&p->user_pin, sizeof p->user_pin);
    secret_wipe(&p->so_pin, sizeof p->so_pin);
}

CK_RV partition_initialise(struct partition *p, struct storage *s, const uint8_t label[LABEL_LEN],
                           const struct pin *so_pin)
{
    struct pin user_before = p->user_pin, so_before = p->so_pin;
    bool before = p->initialised;
    CK_RV rv;

    p->user_pin = (struct pin){ 0 };
    p->initialised = false;
    if ((rv = partition_store(p, s, true)) != CKR_OK) {
        p->user_pin = user_before;
        p->initialised = before;
    } else if ((rv = partition_drop_objects(p, s)) == CKR_OK) {
        uint8_t label_before[LABEL_LEN];

        memcpy(label_before, p->label, LABEL_LEN);
        memcpy(p->label, label, LABEL_LEN);
        p->so_pin = *so_pin;
        p->initialised = true;
        if ((rv = partition_store(p, s, true)) != CKR_OK) {
            memcpy(p->label, label_before, LABEL_LEN);
            p->so_pin = so_before;
            p->initialised = false;
        }
    }
    secret_wipe(&user_before, sizeof user_before);
    secret_wipe(&so_before, sizeof so_before);
    return rv;
}

/* An irrevocable commit moves the board's counter, which wears out. So a try is irrevocable when it is the first since
 * the start, or follows a wrong one: who restores older copies of the flash gets at most PIN_TRIES_MAX more tries for
 * each start, each of which costs one, while right PINs cost nothing. */
CK_RV partition_try_pin(struct partition *p, struct storage *s, struct pin *pin)
{
    bool irrevocable = !p->login_tried || pin->tries > 0;
    CK_RV rv;

    if (pin->tries >= PIN_TRIES_MAX)
        return CKR_PIN_LOCKED;
    pin->tries++;
    if ((rv = partition_store(p, s, irrevocable)) != CKR_OK) {
        pin->tries--; /* no compare follows */
        return rv;
    }
    p->login_tried = true;
    return CKR_OK;
}

CK_RV partition_pin_result(struct partition *p, struct storage *s, struct pin *pin, bool right)
{
    if (!right)
        return pin->tries >= PIN_TRIES_MAX ? CKR_PIN_LOCKED : CKR_PIN_INCORRECT;
    pin->tries = 0;
    return partition_store(p, s, false);
}

const struct partition_identity *partition_identity(const struct partition_terms *t,
                                                    const uint8_t fingerprint[LINK_FINGERPRINT_LEN])
{
    for (unsigned i = 0; i < t->identity_count; i++)
        if (memcmp(t->identities[i].fingerprint, fingerprint, LINK_FINGERPRINT_LEN) == 0)
            return &t->identities[i];
    return NULL;
}
