/* mechanism_wire.h - CK_MECHANISM to the wire's form, and what the module must know of each mechanism: the form of its
 * parameter, the keys it goes with, how long its results are. One table; a mechanism that is not in it does not exist.
 * Whether a parameter's value makes sense is the keystore's to say; here only its form is checked. */
#ifndef STRONGROOM_PKCS11_MODULE_MECHANISM_WIRE_H
#define STRONGROOM_PKCS11_MODULE_MECHANISM_WIRE_H

#include "firmware/wire/mechanism.h"
#include "firmware/wire/message.h"

#define ANY_SECRET_KEY ((CK_KEY_TYPE)-1)
#define NO_KEY         ((CK_KEY_TYPE)-2)

enum parameter_form {
    PARAMETER_NONE,
    PARAMETER_PSS,
    PARAMETER_OAEP,
    PARAMETER_RSA_AES_WRAP,
    PARAMETER_EDDSA,        /* or none */
    PARAMETER_CONTEXT,      /* CK_SIGN_ADDITIONAL_CONTEXT, or none */
    PARAMETER_HASH_CONTEXT, /* CK_HASH_SIGN_ADDITIONAL_CONTEXT */
    PARAMETER_IV16,
    PARAMETER_GMAC,    /* CK_GCM_PARAMS without additional data; of 2.40: an IV of 12 bytes */
    PARAMETER_WRAP_IV, /* 4 or 8 bytes, or none */
    PARAMETER_CTR,
    PARAMETER_GCM,
    PARAMETER_NUMBER, /* a CK_ULONG */
    PARAMETER_HANDLE, /* a key */
    PARAMETER_ECDH,
    PARAMETER_HKDF,
    PARAMETER_SEAL,
    PARAMETER_STRING, /* CK_KEY_DERIVATION_STRING_DATA */
};

enum length_rule {
    LENGTH_FIXED,     /* `length` bytes */
    LENGTH_NUMBER,    /* the parameter says */
    LENGTH_MODULUS,   /* RSA */
    LENGTH_CURVE,     /* twice the order: ECDSA; EdDSA by its curve */
    LENGTH_SET,       /* ML-DSA, SLH-DSA: by the parameter set */
    LENGTH_SAME,      /* as the data: ECB, CBC, CTR */
    LENGTH_PADDED,    /* CBC_PAD */
    LENGTH_TAG,       /* GCM: the data and its tag */
    LENGTH_TAG_ALONE, /* GMAC */
    LENGTH_WRAP,      /* AES key wrap: up to 8 bytes of padding and 8 more */
    LENGTH_NO_RESULT  /* generation, derivation */
};

struct mechanism_shape {
    CK_MECHANISM_TYPE type;
    enum parameter_form form;
    CK_KEY_TYPE key_type; /* ANY_SECRET_KEY: of whatever type; NO_KEY: digests */
    enum length_rule rule;
    unsigned length; /* of the result; PSS: of its own digest, 0: the parameter says which */
};

/* NULL: we do not know it. */
const struct mechanism_shape *mechanism_shape(CK_MECHANISM_TYPE type);

/* Spans in *out are borrowed from the caller's parameter. Errors: CKR_ARGUMENTS_BAD `in` is NULL;
 * CKR_MECHANISM_INVALID; CKR_MECHANISM_PARAM_INVALID. */
MUST_CHECK CK_RV mechanism_convert(const CK_MECHANISM *in, struct mechanism *out);
/* Room that mechanism_keep() needs for the spans of `m`. */
size_t mechanism_parts_len(const struct mechanism *m);
/* Copy the spans into `parts` and point at the copies, so the mechanism outlives the caller's memory. */
void mechanism_keep(struct mechanism *m, uint8_t *parts);

#endif
