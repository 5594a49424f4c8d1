#include "pkcs11/module/parameter.h"

#define CONTEXT_MAX 255 /* RFC 8032; FIPS 204 and 205 */
#define TAG_MIN     96  /* THREATS.md 5.7 */
#define MAC_MIN     10  /* RFC 2104, 5: half of the digest, at least 80 bits */

/* The length of a digest; 0: it is none. */
static unsigned digest_len(CK_MECHANISM_TYPE type)
{
    const struct mechanism_shape *s = mechanism_shape(type);

    return s != NULL && s->key_type == NO_KEY ? s->length : 0;
}

static bool mgf_is_known(CK_ULONG mgf)
{
    return mgf >= CKG_MGF1_SHA1 && mgf <= CKG_MGF1_SHA3_512;
}

static bool check_pss(const struct mechanism *m, const struct mechanism_shape *shape, unsigned key_bits)
{
    unsigned hash = digest_len(m->hash);

    if (hash == 0 || !mgf_is_known(m->mgf) || (shape->length != 0 && shape->length != hash))
        return false;
    /* RFC 8017, 9.1.1, step 3: emLen is (modBits + 6) / 8. */
    return m->number <= MECHANISM_PART_MAX && (key_bits == 0 || m->number + hash + 2 <= (key_bits + 6) / 8);
}

static bool check(const struct mechanism *m, const struct mechanism_shape *shape, unsigned key_bits)
{
    switch (shape->form) {
    case PARAMETER_PSS:
        return check_pss(m, shape, key_bits);
    case PARAMETER_OAEP:
        return digest_len(m->hash) != 0 && mgf_is_known(m->mgf);
    case PARAMETER_EDDSA:
        return m->aad.len <= CONTEXT_MAX;
    case PARAMETER_CONTEXT:
        return m->aad.len <= CONTEXT_MAX && m->number <= CKH_DETERMINISTIC_REQUIRED;
    case PARAMETER_HASH_CONTEXT:
        return m->aad.len <= CONTEXT_MAX && m->number <= CKH_DETERMINISTIC_REQUIRED && digest_len(m->hash) != 0;
    case PARAMETER_WRAP_IV:
        return m->iv.len == 0 || m->iv.len == (m->type == CKM_AES_KEY_WRAP ? 8 : 4);
    case PARAMETER_CTR:
        return m->number >= 1 && m->number <= 128;
    case PARAMETER_GCM:
        return m->number >= TAG_MIN && m->number <= 128 && m->number % 8 == 0;
    case PARAMETER_NUMBER:
        return m->number >= MAC_MIN && m->number <= shape->length;
    default:
        return true;
    }
}

CK_RV parameter_check(const struct mechanism *m, const struct mechanism_shape *shape, unsigned key_bits)
{
    return check(m, shape, key_bits) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}
