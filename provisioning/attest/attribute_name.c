#include "provisioning/attest/attribute_name.h"

#include "firmware/wire/pkcs11.h"

#define ROW(name, kind)                                                                                                \
    {                                                                                                                  \
#name, name, ATTRIBUTE_##kind                                                                                  \
    }

static const struct attribute_name names[] = {
    ROW(CKA_CLASS, NUMBER),
    ROW(CKA_KEY_TYPE, NUMBER),
    ROW(CKA_TOKEN, BOOL),
    ROW(CKA_PRIVATE, BOOL),
    ROW(CKA_LABEL, TEXT),
    ROW(CKA_ID, BYTES),
    ROW(CKA_UNIQUE_ID, TEXT),
    ROW(CKA_SUBJECT, BYTES),
    ROW(CKA_START_DATE, TEXT),
    ROW(CKA_END_DATE, TEXT),
    ROW(CKA_MODIFIABLE, BOOL),
    ROW(CKA_COPYABLE, BOOL),
    ROW(CKA_DESTROYABLE, BOOL),
    ROW(CKA_LOCAL, BOOL),
    ROW(CKA_KEY_GEN_MECHANISM, NUMBER),
    ROW(CKA_ALLOWED_MECHANISMS, BYTES),
    ROW(CKA_SENSITIVE, BOOL),
    ROW(CKA_ALWAYS_SENSITIVE, BOOL),
    ROW(CKA_EXTRACTABLE, BOOL),
    ROW(CKA_NEVER_EXTRACTABLE, BOOL),
    ROW(CKA_ALWAYS_AUTHENTICATE, BOOL),
    ROW(CKA_TRUSTED, BOOL),
    ROW(CKA_WRAP_WITH_TRUSTED, BOOL),
    ROW(CKA_ENCRYPT, BOOL),
    ROW(CKA_DECRYPT, BOOL),
    ROW(CKA_SIGN, BOOL),
    ROW(CKA_SIGN_RECOVER, BOOL),
    ROW(CKA_VERIFY, BOOL),
    ROW(CKA_VERIFY_RECOVER, BOOL),
    ROW(CKA_WRAP, BOOL),
    ROW(CKA_UNWRAP, BOOL),
    ROW(CKA_DERIVE, BOOL),
    ROW(CKA_ENCAPSULATE, BOOL),
    ROW(CKA_DECAPSULATE, BOOL),
    ROW(CKA_MODULUS, BYTES),
    ROW(CKA_MODULUS_BITS, NUMBER),
    ROW(CKA_PUBLIC_EXPONENT, BYTES),
    ROW(CKA_EC_PARAMS, BYTES),
    ROW(CKA_EC_POINT, BYTES),
    ROW(CKA_PARAMETER_SET, NUMBER),
    ROW(CKA_VALUE_LEN, NUMBER),
    ROW(CKA_CHECK_VALUE, BYTES),
    ROW(CKA_PUBLIC_KEY_INFO, BYTES),
    ROW(CKA_STRONGROOM_ORIGIN, BYTES),
};

const struct attribute_name *attribute_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i].name, name) == 0)
            return &names[i];
    return NULL;
}

const struct attribute_name *attribute_by_type(uint64_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].type == type)
            return &names[i];
    return NULL;
}
