/* attributes.h - the attributes of an object: a small set of type and value. Values are owned, and wiped when they are
 * changed or freed, because some of them are keys. CK_ULONG values are 8 bytes, CK_BBOOL values one.
 * A zeroed struct is empty and valid. Not thread-safe by itself. */
#ifndef STRONGROOM_ATTRIBUTES_H
#define STRONGROOM_ATTRIBUTES_H

#include "firmware/base/bytes.h"
#include "firmware/wire/pkcs11.h"

struct attribute {
    CK_ATTRIBUTE_TYPE type;
    uint8_t *p;
    size_t len;
};

struct attributes {
    struct attribute *items;
    unsigned count, cap;
};

void attributes_clear(struct attributes *a);                          /* wipes and frees */
void attributes_move(struct attributes *to, struct attributes *from); /* `to` must be empty */
/* Replace or add. Errors of all: CKR_HOST_MEMORY. */
MUST_CHECK CK_RV attributes_set(struct attributes *a, CK_ATTRIBUTE_TYPE type, struct span value);
MUST_CHECK CK_RV attributes_set_bool(struct attributes *a, CK_ATTRIBUTE_TYPE type, bool value);
MUST_CHECK CK_RV attributes_set_ulong(struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void attributes_remove(struct attributes *a, CK_ATTRIBUTE_TYPE type);
/* All of `from`, over what is there. */
MUST_CHECK CK_RV attributes_merge(struct attributes *a, const struct attributes *from);

bool attributes_has(const struct attributes *a, CK_ATTRIBUTE_TYPE type);
/* The value, borrowed; a span with p == NULL when there is none. */
struct span attributes_get(const struct attributes *a, CK_ATTRIBUTE_TYPE type);
/* The value into `out`; false when there is none of just this length. */
bool attributes_take(const struct attributes *a, CK_ATTRIBUTE_TYPE type, void *out, size_t len);
/* False when there is none, or when it is no CK_BBOOL. */
bool attributes_bool(const struct attributes *a, CK_ATTRIBUTE_TYPE type);
/* `otherwise` when there is none, or when it is no CK_ULONG. */
CK_ULONG attributes_ulong(const struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise);

/* One canonical byte string: count (2 bytes), then type (8), length (4) and value of each, in ascending order of type,
 * all big-endian. For the flash and for sealed keys. */
size_t attributes_packed_len(const struct attributes *a);
void attributes_pack(const struct attributes *a, uint8_t *out); /* `out` has room for attributes_packed_len() */
/* Errors: CKR_DATA_INVALID not canonical, or beyond the limits; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV attributes_unpack(struct attributes *out, struct span packed);

#endif
