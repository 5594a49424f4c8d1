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
    FIELD_FAMILY,         /* missing in records of before: the seal id */
    FIELD_GENERATION,     /* 0 */
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
    partition_forget_sealed(p);
    seal_free(p->seal);
    pthread_mutex_destroy(&p->lock);
    secret_wipe(p, sizeof *p);
    free(p);
}

void partition_unref(struct partition *p)
{
    bool unused;

    pthread_mutex_lock(&p->lock);
    unused = --p->refs == 0 && p->deleted;
    pthread_mutex_unlock(&p->lock);
    if (unused)
        partition_free(p);
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
        (rv = attributes_set_bool(a, FIELD_INITIALISED, p->initialised)) != CKR_OK ||
        (rv = attributes_set(a, FIELD_FAMILY, span_of(p->family, sizeof p->family))) != CKR_OK ||
        (rv = attributes_set_ulong(a, FIELD_GENERATION, p->generation)) != CKR_OK || (rv = pack_pins(p, a)) != CKR_OK)
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

static bool take_seal_id(struct partition *p, const struct attributes *a)
{
    if (!attributes_take(a, FIELD_SEAL_ID, p->seal_id, sizeof p->seal_id))
        return false;
    p->generation = attributes_ulong(a, FIELD_GENERATION, 0);
    memcpy(p->family, p->seal_id, sizeof p->family);
    return !attributes_has(a, FIELD_FAMILY) || attributes_take(a, FIELD_FAMILY, p->family, sizeof p->family);
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
                             sizeof t->identities[0]) ||
            t->identities[t->identity_count].name[PARTITION_NAME_MAX] != '\0')
            return false;
        t->identity_count++;
    }
    return take_seal_id(p, a) && attributes_take(a, FIELD_SERIAL, p->serial, sizeof p->serial) &&
           attributes_take(a, FIELD_LABEL, p->label, sizeof p->label) && take_pin(a, FIELD_SO_PIN, &p->so_pin) &&
           take_pin(a, FIELD_USER_PIN, &p->user_pin);
}

enum status partition_unpack(struct partition *p, struct span record)
{
    struct attributes a;
    CK_RV rv;
    bool ok;

    if ((rv = attributes_unpack(&a, record)) != CKR_OK)
        return rv == CKR_HOST_MEMORY ? ST_NO_MEMORY : ST_CORRUPT;
    ok = unpack_record(p, &a);
    attributes_clear(&a);
    return ok ? ST_OK : ST_CORRUPT;
}

CK_RV partition_pack(const struct partition *p, uint8_t **record, size_t *len)
{
    struct attributes a = { 0 };
    CK_RV rv = pack_record(p, &a);

    *record = NULL;
    *len = attributes_packed_len(&a);
    if (rv == CKR_OK && (*record = malloc(*len)) == NULL)
        rv = CKR_HOST_MEMORY;
    if (rv == CKR_OK)
        attributes_pack(&a, *record);
    attributes_clear(&a);
    return rv;
}

static CK_RV store(const struct partition *p, struct storage *s, const struct flash_change *more, unsigned count,
                   bool irrevocable)
{
    struct flash_change changes[FLASH_CHANGES_MAX] = { { .key = { .kind = RECORD_PARTITION, .partition = p->id } } };
    uint8_t *record;
    size_t len;
    CK_RV rv;

    INVARIANT(count <= PARTITION_STORE_WITH_MAX);
    if (p->closed) /* while its lock was let go: it must not come back into the flash */
        return CKR_TOKEN_NOT_PRESENT;
    if ((rv = partition_pack(p, &record, &len)) != CKR_OK)
        return rv;
    changes[0].value = span_of(record, len);
    for (unsigned i = 0; i < count; i++)
        changes[1 + i] = more[i];
    rv = storage_commit(s, changes, 1 + count, irrevocable);
    secret_wipe(record, len);
    free(record);
    return rv;
}

CK_RV partition_store(const struct partition *p, struct storage *s, bool irrevocable)
{
    return store(p, s, NULL, 0, irrevocable);
}

CK_RV partition_store_with(const struct partition *p, struct storage *s, const struct flash_change *more,
                           unsigned count)
{
    return store(p, s, more, count, true);
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
    partition_forget_sealed(p);
    seal_free(p->seal);
    p->seal = NULL;
    secret_wipe(&p->user_pin, sizeof p->user_pin);
    secret_wipe(&p->so_pin, sizeof p->so_pin);
}

/* Every try moves the board's counter, which wears out and is slow: no flash that was put back, no cut power and no
 * right PIN of somebody else gives a try back. That a right one sets the tries back need not be irrevocable: who undoes
 * it has fewer. */
CK_RV partition_try_pin(struct partition *p, struct storage *s, struct pin *pin)
{
    CK_RV rv;

    if (pin->tries >= PIN_TRIES_MAX)
        return CKR_PIN_LOCKED;
    pin->tries++;
    if ((rv = partition_store(p, s, true)) != CKR_OK)
        pin->tries--; /* no compare follows */
    return rv;
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
