#include "pkcs11/module/length.h"

#define BLOCK       16
#define CURVE_MAX   144 /* of a curve that key_facts.c does not know */
#define MODULUS_MAX 2048

/* FIPS 204, table 2; FIPS 205, table 2, in the order of CKP_; FIPS 203, table 3. */
static const uint16_t ml_dsa[] = { 0, 2420, 3309, 4627 };
static const uint16_t slh_dsa[] = {
    0, 7856, 7856, 17088, 17088, 16224, 16224, 35664, 35664, 29792, 29792, 49856, 49856
};
static const uint16_t ml_kem[] = { 0, 768, 1088, 1568 };

static struct length exactly(size_t n)
{
    return (struct length){ .max = n, .exact = true };
}

static struct length at_most(size_t n)
{
    return (struct length){ .max = n };
}

static struct length of_set(const struct active *a)
{
    if (a->key_type == CKK_ML_DSA && a->key_bits > 0 && a->key_bits < ARRAY_LEN(ml_dsa))
        return exactly(ml_dsa[a->key_bits]);
    if (a->key_type == CKK_SLH_DSA && a->key_bits > 0 && a->key_bits < ARRAY_LEN(slh_dsa))
        return exactly(slh_dsa[a->key_bits]);
    return at_most(SIGNATURE_MAX);
}

static struct length of_curve(const struct active *a)
{
    if (a->key_bits == 0)
        return at_most(CURVE_MAX);
    /* RFC 8032: R and S, each as long as an encoded point; ECDSA: r and s, each as long as the order. */
    return exactly(2 * ((a->key_bits + 7) / 8));
}

static size_t tag_len(const struct active *a)
{
    return a->mechanism.number <= 128 ? a->mechanism.number / 8 : BLOCK;
}

static size_t up_to_block(size_t n, size_t block)
{
    return (n + block - 1) / block * block;
}

struct length length_of_whole(const struct active *a, enum operation_kind kind, size_t in_len)
{
    bool exact = kind != OPERATION_DECRYPT && kind != OPERATION_VERIFY_RECOVER;

    switch (a->shape->rule) {
    case LENGTH_FIXED:
        return exactly(a->shape->length);
    case LENGTH_NUMBER:
        return a->mechanism.number <= a->shape->length ? exactly(a->mechanism.number) : at_most(a->shape->length);
    case LENGTH_MODULUS:
        return a->key_bits == 0 ? at_most(MODULUS_MAX) : (struct length){ .max = a->key_bits / 8, .exact = exact };
    case LENGTH_CURVE:
        return of_curve(a);
    case LENGTH_SET:
        return of_set(a);
    case LENGTH_SAME:
        return at_most(in_len);
    case LENGTH_PADDED:
        return at_most(exact ? (in_len / BLOCK + 1) * BLOCK : in_len);
    case LENGTH_TAG_ALONE:
        return exactly(tag_len(a));
    case LENGTH_TAG:
        if (kind == OPERATION_ENCRYPT)
            return exactly(in_len + tag_len(a));
        return at_most(in_len > tag_len(a) ? in_len - tag_len(a) : 0);
    default:
        return at_most(exact ? up_to_block(in_len, 8) + 8 : in_len);
    }
}

size_t length_of_part(const struct active *a, size_t in_len)
{
    return a->mechanism.type == CKM_AES_CTR ? in_len : up_to_block(in_len + a->in_len - a->out_len, BLOCK);
}

size_t length_of_final(const struct active *a, enum operation_kind kind)
{
    size_t held = a->in_len > a->out_len ? a->in_len - a->out_len : 0;

    return length_of_whole(a, kind, held).max;
}

size_t length_of_encapsulation(unsigned parameter_set)
{
    return parameter_set < ARRAY_LEN(ml_kem) ? ml_kem[parameter_set] : 0;
}
