/* template.h - CK_ATTRIBUTE arrays of the caller to the wire's Template and back. Nothing is read behind what the
 * caller says is there, and nothing is read that cannot be right: a count or length of all ones, a NULL with a length.
 * Which attributes there are, and which go together, is the keystore's to say. */
#ifndef STRONGROOM_PKCS11_MODULE_TEMPLATE_H
#define STRONGROOM_PKCS11_MODULE_TEMPLATE_H

#include "firmware/wire/body.h"

#define WRAPPED_MAX (ATTRIBUTE_LARGE_MAX + ATTRIBUTE_VALUE_MAX) /* a wrapped key, as the keystore takes it */

/* A template for a request: values are borrowed from the caller, but packed array attributes are its own. */
struct template
{
    Ks__Template message;
    Ks__Attribute *attributes;
    Ks__Attribute **pointers;
    uint8_t **packed; /* one for each attribute; NULL: borrowed */
};

/* *out is for template_clear() in any case. Errors: CKR_ARGUMENTS_BAD the array is NULL or impossibly long;
 * CKR_ATTRIBUTE_VALUE_INVALID a value is; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV template_to_wire(const CK_ATTRIBUTE *attributes, CK_ULONG count, struct template *out);
void template_clear(struct template *t);

/* C_GetAttributeValue's answer into the caller's array, which has as many entries as were asked for. CKR_OK, or one of
 * what PKCS#11 5.7.5 provides when some could not be given: CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
 * CKR_BUFFER_TOO_SMALL; CKR_DEVICE_ERROR the answer is to another question. */
MUST_CHECK CK_RV template_from_wire(const Ks__Template *answer, CK_ATTRIBUTE *attributes, CK_ULONG count,
                                    struct budget *b);

#endif
