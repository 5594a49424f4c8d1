#include "pkcs11/module/template.h"

#include <assert.h>
#include <stdlib.h>

#include "firmware/base/secret.h"

/* Values cross the link as they lie in memory here. */
static_assert(sizeof(CK_ULONG) == 8 && sizeof(CK_BBOOL) == 1 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "attribute values are those of a 64-bit little-endian machine");

static bool is_template(CK_ATTRIBUTE_TYPE type)
{
    return (type & CKF_ARRAY_ATTRIBUTE) != 0 && type != CKA_ALLOWED_MECHANISMS;
}

static CK_RV check_value(const CK_ATTRIBUTE *a)
{
    /* All ones, what C_GetAttributeValue leaves behind, is among the lengths that are too large. */
    if (a->ulValueLen > (a->type == CKA_VALUE ? ATTRIBUTE_LARGE_MAX : ATTRIBUTE_VALUE_MAX) ||
        (a->pValue == NULL && a->ulValueLen > 0))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return CKR_OK;
}

/* The value of an array attribute: a Template of its own, no deeper. */
static CK_RV pack_nested(const CK_ATTRIBUTE *outer, Ks__Attribute *to, uint8_t **packed)
{
    const CK_ATTRIBUTE *a = outer->pValue;
    size_t count = outer->ulValueLen / sizeof *a, size;
    Ks__Attribute inner[TEMPLATE_ATTRIBUTES_MAX], *pointers[TEMPLATE_ATTRIBUTES_MAX];
    Ks__Template message = KS__TEMPLATE__INIT;

    if (outer->ulValueLen % sizeof *a != 0 || count > TEMPLATE_ATTRIBUTES_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    for (size_t i = 0; i < count; i++) {
        if ((a[i].type & CKF_ARRAY_ATTRIBUTE) != 0 || check_value(&a[i]) != CKR_OK)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        ks__attribute__init(&inner[i]);
        inner[i].type = a[i].type;
        inner[i].value = (ProtobufCBinaryData){ .data = a[i].pValue, .len = a[i].ulValueLen };
        pointers[i] = &inner[i];
    }
    message.attributes = pointers;
    message.n_attributes = count;
    size = ks__template__get_packed_size(&message);
    if (size > ATTRIBUTE_VALUE_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((*packed = malloc(size + 1)) == NULL)
        return CKR_HOST_MEMORY;
    to->value = (ProtobufCBinaryData){ .data = *packed, .len = ks__template__pack(&message, *packed) };
    return CKR_OK;
}

CK_RV template_to_wire(const CK_ATTRIBUTE *attributes, CK_ULONG count, struct template *out)
{
    CK_RV rv = CKR_OK;

    *out = (struct template){ .message = KS__TEMPLATE__INIT };
    if (count == 0)
        return CKR_OK;
    if (attributes == NULL || count > TEMPLATE_ATTRIBUTES_MAX)
        return CKR_ARGUMENTS_BAD;
    out->attributes = calloc(count, sizeof *out->attributes + sizeof *out->pointers + sizeof *out->packed);
    if (out->attributes == NULL)
        return CKR_HOST_MEMORY;
    out->pointers = (Ks__Attribute **)(out->attributes + count);
    out->packed = (uint8_t **)(out->pointers + count);
    out->message.attributes = out->pointers;
    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
        Ks__Attribute *a = out->pointers[i] = &out->attributes[i];

        ks__attribute__init(a);
        a->type = attributes[i].type;
        out->message.n_attributes = i + 1;
        if ((rv = check_value(&attributes[i])) == CKR_OK && is_template(a->type))
            rv = pack_nested(&attributes[i], a, &out->packed[i]);
        else
            a->value = (ProtobufCBinaryData){ .data = attributes[i].pValue, .len = attributes[i].ulValueLen };
    }
    return rv;
}

void template_clear(struct template *t)
{
    for (size_t i = 0; i < t->message.n_attributes; i++)
        if (t->packed[i] != NULL) {
            secret_wipe(t->packed[i], t->attributes[i].value.len);
            free(t->packed[i]);
        }
    free(t->attributes);
    *t = (struct template){ .message = KS__TEMPLATE__INIT };
}

static CK_RV give_value(const void *value, size_t len, CK_ATTRIBUTE *to)
{
    if (to->pValue != NULL && to->ulValueLen < len) {
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (to->pValue != NULL && len > 0)
        memcpy(to->pValue, value, len);
    to->ulValueLen = len;
    return CKR_OK;
}

/* An array attribute: the caller's value is an array of CK_ATTRIBUTE, filled by the same rules. */
static CK_RV give_template(const Ks__Attribute *from, CK_ATTRIBUTE *to, struct budget *b)
{
    CK_ATTRIBUTE *inner = to->pValue;
    Ks__Template *t;
    CK_RV rv = CKR_OK;

    if (template_unpack(span_of(from->value.data, from->value.len), b, &t) != ST_OK)
        return CKR_DEVICE_ERROR;
    if (inner != NULL && to->ulValueLen < t->n_attributes * sizeof *inner) {
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    to->ulValueLen = t->n_attributes * sizeof *inner;
    for (size_t i = 0; inner != NULL && i < t->n_attributes; i++) {
        CK_RV one = give_value(t->attributes[i]->value.data, t->attributes[i]->value.len, &inner[i]);

        inner[i].type = t->attributes[i]->type;
        rv = one != CKR_OK ? one : rv;
    }
    return rv;
}

static CK_RV give_attribute(const Ks__Attribute *from, CK_ATTRIBUTE *to, struct budget *b)
{
    if (from->type != to->type)
        return CKR_DEVICE_ERROR;
    if (from->state != 0) {
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return from->state == 1 ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
    }
    return is_template(from->type) ? give_template(from, to, b) : give_value(from->value.data, from->value.len, to);
}

CK_RV template_from_wire(const Ks__Template *answer, CK_ATTRIBUTE *attributes, CK_ULONG count, struct budget *b)
{
    CK_RV rv = CKR_OK;

    if (answer->n_attributes != count)
        return CKR_DEVICE_ERROR;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV one = give_attribute(answer->attributes[i], &attributes[i], b);

        if (one == CKR_DEVICE_ERROR)
            return one;
        if (one != CKR_OK && rv != CKR_ATTRIBUTE_SENSITIVE)
            rv = one; /* any of them may be told; that something is secret says most */
    }
    return rv;
}
