#include "firmware/crypto/attributes.h"

#include <stdlib.h>

#include "firmware/base/big_endian.h"
#include "firmware/base/secret.h"
#include "firmware/wire/limits.h"

#define COUNT_LEN 2
#define ENTRY_LEN 12

static void wipe(struct attribute *item)
{
    if (item->p != NULL)
        secret_wipe(item->p, item->len);
    free(item->p);
    item->p = NULL;
    item->len = 0;
}

void attributes_clear(struct attributes *a)
{
    for (unsigned i = 0; i < a->count; i++)
        wipe(&a->items[i]);
    free(a->items);
    *a = (struct attributes){ 0 };
}

void attributes_move(struct attributes *to, struct attributes *from)
{
    *to = *from;
    *from = (struct attributes){ 0 };
}

/* Where `type` is, or where it belongs: items are in ascending order of type. */
static unsigned position(const struct attributes *a, CK_ATTRIBUTE_TYPE type, bool *found)
{
    unsigned low = 0, high = a->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (a->items[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < a->count && a->items[low].type == type;
    return low;
}

static bool make_room(struct attributes *a)
{
    unsigned cap = a->cap == 0 ? 32 : a->cap * 2;
    struct attribute *items;

    if (a->count < a->cap)
        return true;
    if ((items = realloc(a->items, cap * sizeof *items)) == NULL) /* holds pointers and lengths, no values */
        return false;
    a->items = items;
    a->cap = cap;
    return true;
}

CK_RV attributes_set(struct attributes *a, CK_ATTRIBUTE_TYPE type, struct span value)
{
    bool found;
    unsigned at = position(a, type, &found);
    uint8_t *copy = malloc(value.len > 0 ? value.len : 1);

    if (copy == NULL || (!found && !make_room(a))) {
        free(copy);
        return CKR_HOST_MEMORY;
    }
    if (value.len > 0)
        memcpy(copy, value.p, value.len);
    if (found) {
        wipe(&a->items[at]);
    } else {
        memmove(&a->items[at + 1], &a->items[at], (a->count - at) * sizeof a->items[0]);
        a->count++;
    }
    a->items[at] = (struct attribute){ type, copy, value.len };
    return CKR_OK;
}

CK_RV attributes_set_bool(struct attributes *a, CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

    return attributes_set(a, type, span_of(&b, sizeof b));
}

CK_RV attributes_set_ulong(struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return attributes_set(a, type, span_of(&value, sizeof value));
}

void attributes_remove(struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    bool found;
    unsigned at = position(a, type, &found);

    if (!found)
        return;
    wipe(&a->items[at]);
    memmove(&a->items[at], &a->items[at + 1], (a->count - at - 1) * sizeof a->items[0]);
    a->count--;
}

CK_RV attributes_merge(struct attributes *a, const struct attributes *from)
{
    CK_RV rv = CKR_OK;

    for (unsigned i = 0; i < from->count && rv == CKR_OK; i++)
        rv = attributes_set(a, from->items[i].type, span_of(from->items[i].p, from->items[i].len));
    return rv;
}

bool attributes_has(const struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    bool found;

    position(a, type, &found);
    return found;
}

struct span attributes_get(const struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    bool found;
    unsigned at = position(a, type, &found);

    return found ? span_of(a->items[at].p, a->items[at].len) : span_of(NULL, 0);
}

bool attributes_bool(const struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    struct span v = attributes_get(a, type);

    return v.len == sizeof(CK_BBOOL) && v.p[0] != CK_FALSE;
}

bool attributes_take(const struct attributes *a, CK_ATTRIBUTE_TYPE type, void *out, size_t len)
{
    struct span v = attributes_get(a, type);

    if (v.len != len)
        return false;
    memcpy(out, v.p, len);
    return true;
}

CK_ULONG attributes_ulong(const struct attributes *a, CK_ATTRIBUTE_TYPE type, CK_ULONG otherwise)
{
    CK_ULONG value;

    return attributes_take(a, type, &value, sizeof value) ? value : otherwise;
}

size_t attributes_packed_len(const struct attributes *a)
{
    size_t len = COUNT_LEN;

    for (unsigned i = 0; i < a->count; i++)
        len += ENTRY_LEN + a->items[i].len;
    return len;
}

void attributes_pack(const struct attributes *a, uint8_t *out)
{
    out = be_put(out, a->count, COUNT_LEN);
    for (unsigned i = 0; i < a->count; i++) {
        const struct attribute *item = &a->items[i];

        out = be_put(out, item->type, 8);
        out = be_put(out, item->len, 4);
        if (item->len > 0)
            memcpy(out, item->p, item->len);
        out += item->len;
    }
}

/* One entry off the front of *in. It must come after `last`, the type before it. */
static CK_RV unpack_one(struct attributes *out, struct span *in, bool first, CK_ATTRIBUTE_TYPE *last)
{
    CK_ATTRIBUTE_TYPE type;
    size_t len;

    if (in->len < ENTRY_LEN)
        return CKR_DATA_INVALID;
    type = be_get(in->p, 8);
    len = be_get(in->p + 8, 4);
    if ((!first && type <= *last) || len > ATTRIBUTE_LARGE_MAX || len > in->len - ENTRY_LEN)
        return CKR_DATA_INVALID;
    if (attributes_set(out, type, span_of(in->p + ENTRY_LEN, len)) != CKR_OK)
        return CKR_HOST_MEMORY;
    *last = type;
    *in = span_of(in->p + ENTRY_LEN + len, in->len - ENTRY_LEN - len);
    return CKR_OK;
}

CK_RV attributes_unpack(struct attributes *out, struct span packed)
{
    CK_ATTRIBUTE_TYPE last = 0;
    CK_RV rv = CKR_OK;
    unsigned count;

    *out = (struct attributes){ 0 };
    if (packed.len < COUNT_LEN)
        return CKR_DATA_INVALID;
    count = (unsigned)be_get(packed.p, COUNT_LEN);
    if (count > 2 * TEMPLATE_ATTRIBUTES_MAX)
        return CKR_DATA_INVALID;
    packed = span_of(packed.p + COUNT_LEN, packed.len - COUNT_LEN);
    for (unsigned i = 0; i < count && rv == CKR_OK; i++)
        rv = unpack_one(out, &packed, i == 0, &last);
    if (rv == CKR_OK && packed.len != 0)
        rv = CKR_DATA_INVALID;
    if (rv != CKR_OK)
        attributes_clear(out);
    return rv;
}
