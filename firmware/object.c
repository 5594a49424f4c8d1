#include "firmware/object.h"

#include <stdlib.h>

#include "firmware/base/hex.h"
#include "firmware/crypto/entropy.h"

static const CK_ATTRIBUTE_TYPE right_attributes[] = {
    CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,   CKA_VERIFY,      CKA_SIGN_RECOVER, CKA_VERIFY_RECOVER,
    CKA_WRAP,    CKA_UNWRAP,  CKA_DERIVE, CKA_ENCAPSULATE, CKA_DECAPSULATE,
};

CK_ATTRIBUTE_TYPE right_attribute(unsigned bit_number)
{
    return bit_number < ARRAY_LEN(right_attributes) ? right_attributes[bit_number] : 0;
}

unsigned rights_of(const struct attributes *a)
{
    unsigned rights = 0;

    for (unsigned i = 0; i < ARRAY_LEN(right_attributes); i++)
        if (attributes_bool(a, right_attributes[i]))
            rights |= BIT(i);
    return rights;
}

/* CKA_UNIQUE_ID (PKCS#11 3.0, 4.4.1): a random text that copies do not share. */
static CK_RV add_unique_id(struct attributes *a)
{
    uint8_t random[OBJECT_UNIQUE_LEN];
    struct bytes text = { 0 };
    CK_RV rv = CKR_HOST_MEMORY;

    if (entropy_draw(random, sizeof random) != ST_OK)
        return CKR_DEVICE_ERROR;
    hex_append(&text, span_of(random, sizeof random));
    if (bytes_status(&text) == ST_OK)
        rv = attributes_set(a, CKA_UNIQUE_ID, bytes_span(&text));
    bytes_clear(&text);
    return rv;
}

CK_RV object_new(struct attributes *a, struct object **out)
{
    struct object *o;
    uint64_t id = 0;
    CK_RV rv;

    if (!attributes_has(a, CKA_UNIQUE_ID) && (rv = add_unique_id(a)) != CKR_OK)
        return rv;
    if (entropy_draw(&id, sizeof id) != ST_OK)
        return CKR_DEVICE_ERROR;
    if ((o = calloc(1, sizeof *o)) == NULL)
        return CKR_HOST_MEMORY;
    atomic_init(&o->refs, 1);
    o->id = id >> 2 | 1; /* with a mask whose last bit is 0, no handle is CK_INVALID_HANDLE, and none is negative */
    attributes_move(&o->attributes, a);
    object_refresh(o);
    *out = o;
    return CKR_OK;
}

struct object *object_ref(struct object *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void object_unref(struct object *o)
{
    if (o == NULL || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    key_unref(o->key);
    attributes_clear(&o->attributes);
    free(o);
}

void object_refresh(struct object *o)
{
    const struct attributes *a = &o->attributes;

    o->class = attributes_ulong(a, CKA_CLASS, (CK_ULONG)-1);
    o->key_type = attributes_ulong(a, CKA_KEY_TYPE, (CK_ULONG)-1);
    o->rights = rights_of(a);
    o->size = attributes_packed_len(a);
    o->private = attributes_bool(a, CKA_PRIVATE);
    o->always_authenticate = attributes_bool(a, CKA_ALWAYS_AUTHENTICATE);
    if (hex_decode(o->unique, sizeof o->unique, attributes_get(a, CKA_UNIQUE_ID)) != ST_OK)
        memset(o->unique, 0, sizeof o->unique);
}

CK_RV object_key(struct object *o, struct key **out)
{
    CK_RV rv;

    if (o->class != CKO_PUBLIC_KEY && o->class != CKO_PRIVATE_KEY && o->class != CKO_SECRET_KEY)
        return CKR_KEY_HANDLE_INVALID;
    if (o->key == NULL && (rv = key_load(&o->attributes, &o->key)) != CKR_OK)
        return rv;
    *out = key_ref(o->key);
    return CKR_OK;
}

bool object_is_sealed_off(const struct object *o)
{
    return (o->class == CKO_PRIVATE_KEY || o->class == CKO_SECRET_KEY) &&
           (attributes_bool(&o->attributes, CKA_SENSITIVE) || !attributes_bool(&o->attributes, CKA_EXTRACTABLE));
}
