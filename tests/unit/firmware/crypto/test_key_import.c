#include <openssl/core_names.h>
#include <stdio.h>

#include "tests/unit/firmware/crypto/key_fixture.h"

/* What key_complete() takes and what it refuses (THREATS.md 5.6). */

static CK_RV completes(struct attributes *a)
{
    CK_RV rv = key_complete(a);

    attributes_clear(a);
    return rv;
}

/* A sound RSA-2048 key, made by libcrypto and not by us: n, e, d, p, q. */
static BIGNUM *sound[5];

static int make_sound(void)
{
    static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
                                         OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2 };
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (EVP_PKEY_get_bn_param(pkey, names[i], &sound[i]) != 1)
            return -1;
    EVP_PKEY_free(pkey);
    return entropy_set_up();
}

static int free_sound(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(sound); i++)
        BN_clear_free(sound[i]);
    return 0;
}

static struct attributes rsa_public(const BIGNUM *n, const BIGNUM *e)
{
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_RSA);

    set_number(&a, CKA_MODULUS, n);
    set_number(&a, CKA_PUBLIC_EXPONENT, e);
    return a;
}

static struct attributes rsa_private(BIGNUM *const numbers[5], unsigned primes)
{
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                                               CKA_PRIME_2 };
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_RSA);

    for (unsigned i = 0; i < 3 + primes; i++)
        set_number(&a, types[i], numbers[i]);
    return a;
}

static void a_sound_rsa_key_is_completed(void)
{
    struct attributes a = rsa_private(sound, 2), b, from_d = rsa_private(sound, 0), one = rsa_private(sound, 1);
    struct attributes public = rsa_public(sound[0], sound[1]);
    const struct mechanism m = { .type = CKM_RSA_PKCS };
    struct span signature;
    struct key *k, *v;

    CU_ASSERT(key_complete(&a) == CKR_OK && attributes_has(&a, CKA_COEFFICIENT) && attributes_has(&a, CKA_EXPONENT_1));
    CU_ASSERT(key_complete(&public) == CKR_OK && attributes_ulong(&public, CKA_MODULUS_BITS, 0) == 2048);
    CU_ASSERT(key_complete(&from_d) == CKR_OK);
    CU_ASSERT(completes(&one) == CKR_TEMPLATE_INCOMPLETE);
    b = copy_of(&a);
    CU_ASSERT(completes(&b) == CKR_OK); /* what we added, we take */
    k = load(&from_d);                  /* primes found from d sign as well */
    v = load(&public);
    CU_ASSERT(key_bits(k) == 2048 && key_class(k) == CKO_PRIVATE_KEY && key_type(k) == CKK_RSA);
    CU_ASSERT(compute(OPERATION_SIGN, &m, k, span_text("text"), &signature) == CKR_OK);
    CU_ASSERT(verify(&m, v, span_text("text"), signature) == CKR_OK);
    key_unref(k);
    key_unref(v);
    attributes_clear(&a);
    attributes_clear(&public);
    attributes_clear(&from_d);
}

static void leading_zeros_are_taken_off(void)
{
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_RSA);
    uint8_t padded[3 + 256] = { 0 };

    BN_bn2bin(sound[0], padded + 3);
    set(&a, CKA_MODULUS, span_of(padded, sizeof padded));
    set_hex(&a, CKA_PUBLIC_EXPONENT, "0000010001");
    CU_ASSERT(key_complete(&a) == CKR_OK);
    CU_ASSERT(span_equal(attributes_get(&a, CKA_MODULUS), span_of(padded + 3, 256)));
    CU_ASSERT(span_equal(attributes_get(&a, CKA_PUBLIC_EXPONENT), from_hex("010001")));
    set_ulong(&a, CKA_MODULUS_BITS, 2047);
    CU_ASSERT(completes(&a) == CKR_TEMPLATE_INCONSISTENT);
}

static void missing_numbers_are_named(void)
{
    static const CK_ATTRIBUTE_TYPE needed[] = { CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT };

    for (unsigned i = 0; i < ARRAY_LEN(needed); i++) {
        struct attributes a = rsa_private(sound, 2);

        attributes_remove(&a, needed[i]);
        CU_ASSERT(completes(&a) == CKR_TEMPLATE_INCOMPLETE);
    }
}

static void bad_exponents_are_refused(void)
{
    static const char *const bad[] = { "00", "01", "02", "03", "11", "ffff", "010000", "010002" };
    struct attributes a;
    uint8_t long_one[33];

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        a = rsa_public(sound[0], sound[1]);
        set_hex(&a, CKA_PUBLIC_EXPONENT, bad[i]);
        CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    }
    memset(long_one, 0xff, sizeof long_one); /* FIPS 186-5: below 2^256 */
    a = rsa_public(sound[0], sound[1]);
    set(&a, CKA_PUBLIC_EXPONENT, span_of(long_one, sizeof long_one));
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
}

static CK_RV public_of(const BIGNUM *n)
{
    struct attributes a = rsa_public(n, sound[1]);

    return completes(&a);
}

static void bad_moduli_are_refused(void)
{
    BN_CTX *ctx = BN_CTX_new();
    static const BN_ULONG small[] = { 3, 101, 1999 };
    BIGNUM *n = BN_new(), *q = BN_new();
    uint8_t long_one[1025];
    struct attributes a;

    BN_lshift1(n, sound[0]);
    CU_ASSERT(public_of(n) == CKR_ATTRIBUTE_VALUE_INVALID); /* even */
    BN_rshift(n, sound[0], 1);
    BN_set_bit(n, 0);
    CU_ASSERT(public_of(n) == CKR_KEY_SIZE_RANGE); /* 2,047 bits */
    memset(long_one, 0xff, sizeof long_one);
    a = rsa_public(sound[0], sound[1]);
    set(&a, CKA_MODULUS, span_of(long_one, sizeof long_one));
    CU_ASSERT(completes(&a) == CKR_KEY_SIZE_RANGE); /* 8,200 bits */
    for (unsigned i = 0; i < ARRAY_LEN(small); i++) {
        BN_copy(n, sound[0]);
        while (BN_mod_word(n, small[i]) != 0)
            BN_sub_word(n, 2);
        CU_ASSERT(public_of(n) == CKR_ATTRIBUTE_VALUE_INVALID);
    }
    BN_sqr(n, sound[3], ctx);
    CU_ASSERT(public_of(n) == CKR_ATTRIBUTE_VALUE_INVALID); /* p = q */
    BN_copy(q, sound[3]);
    do
        BN_add_word(q, 2);
    while (BN_check_prime(q, ctx, NULL) != 1);
    BN_mul(n, sound[3], q, ctx);
    CU_ASSERT(public_of(n) == CKR_ATTRIBUTE_VALUE_INVALID); /* the next prime */
    BN_free(n);
    BN_free(q);
    BN_CTX_free(ctx);
}

/* d for n = p q, e = 65537, where phi is (p - 1) (q - 1), also when q is no prime. */
static struct attributes private_from(const BIGNUM *p, const BIGNUM *q, BN_CTX *ctx)
{
    BIGNUM *numbers[5] = { BN_new(), BN_dup(sound[1]), BN_new(), BN_dup(p), BN_dup(q) };
    BIGNUM *phi = BN_new(), *p1 = BN_dup(p), *q1 = BN_dup(q);
    struct attributes a;

    BN_mul(numbers[0], p, q, ctx);
    BN_sub_word(p1, 1);
    BN_sub_word(q1, 1);
    BN_mul(phi, p1, q1, ctx);
    CU_ASSERT_FATAL(BN_mod_inverse(numbers[2], numbers[1], phi, ctx) != NULL);
    a = rsa_private(numbers, 2);
    for (unsigned i = 0; i < 5; i++)
        BN_free(numbers[i]);
    BN_free(phi);
    BN_free(p1);
    BN_free(q1);
    return a;
}

static void numbers_that_do_not_belong_together_are_refused(void)
{
    static const CK_ATTRIBUTE_TYPE all[] = { CKA_MODULUS,    CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                             CKA_EXPONENT_1, CKA_EXPONENT_2,       CKA_COEFFICIENT };
    struct attributes whole = rsa_private(sound, 2), a;
    BIGNUM *modulus = NULL;
    EVP_PKEY *other;

    CU_ASSERT_FATAL(key_complete(&whole) == CKR_OK);
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        uint8_t changed[256];
        struct span value = attributes_get(&whole, all[i]);

        memcpy(changed, value.p, value.len);
        changed[value.len - 1] ^= 4;
        a = copy_of(&whole);
        set(&a, all[i], span_of(changed, value.len));
        CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    }
    a = rsa_private(sound, 2); /* no CRT values that would tell, too */
    BN_add_word(sound[2], 2);
    set_number(&a, CKA_PRIVATE_EXPONENT, sound[2]);
    BN_sub_word(sound[2], 2);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    a = rsa_private(sound, 2); /* the sound modulus of another key */
    other = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    CU_ASSERT_FATAL(EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1);
    set_number(&a, CKA_MODULUS, modulus);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    EVP_PKEY_free(other);
    BN_free(modulus);
    a = rsa_private(sound, 0); /* no primes given, and d of another key */
    set_number(&a, CKA_PRIVATE_EXPONENT, sound[3]);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    a = rsa_private(sound, 2); /* d short: Wiener */
    set_hex(&a, CKA_PRIVATE_EXPONENT, "ffffffffffffffffffffffffffffffff");
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    attributes_clear(&whole);
}

static void weak_primes_are_refused(void)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *q = BN_dup(sound[3]), *r = BN_new(), *one = BN_new();
    struct attributes a;

    a = private_from(sound[3], sound[4], ctx);
    CU_ASSERT(completes(&a) == CKR_OK);
    /* Within 2^(1024 - 100), far beyond Fermat's reach: FIPS 186-5, A.1.3, step 5.4 */
    BN_set_word(one, 1);
    BN_lshift(one, one, 900);
    BN_add(q, q, one);
    BN_set_bit(q, 0);
    while (BN_check_prime(q, ctx, NULL) != 1)
        BN_add_word(q, 2);
    a = private_from(sound[3], q, ctx);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    /* q = r s: everything fits, its length too, but that q is no prime */
    do {
        BN_generate_prime_ex2(q, 512, 0, NULL, NULL, NULL, ctx);
        BN_generate_prime_ex2(r, 512, 0, NULL, NULL, NULL, ctx);
        BN_mul(q, q, r, ctx);
        BN_sub(one, q, BN_value_one());
    } while (BN_num_bits(q) != 1024 || !BN_is_bit_set(q, 1022) || BN_mod_word(one, 65537) == 0);
    a = private_from(sound[3], q, ctx);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    /* primes of unequal length */
    do {
        BN_generate_prime_ex2(q, 1200, 0, NULL, NULL, NULL, ctx);
        BN_generate_prime_ex2(r, 848, 0, NULL, NULL, NULL, ctx);
        BN_mul(one, q, r, ctx);
    } while (BN_num_bits(one) != 2048);
    a = private_from(q, r, ctx);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    BN_free(q);
    BN_free(r);
    BN_free(one);
    BN_CTX_free(ctx);
}

static bool modulus_from_file(unsigned number, struct attributes *a)
{
    const char *folder = vectors_folder("weakkeys");
    struct bytes content = { 0 };
    char path[512];
    BIGNUM *n = NULL;

    if (folder == NULL)
        return false;
    snprintf(path, sizeof path, "%s/roca/mod%02u.txt", folder, number);
    read_file(path, &content);
    CU_ASSERT_FATAL(BN_hex2bn(&n, bytes_text(&content) + (strncmp(bytes_text(&content), "0x", 2) == 0 ? 2 : 0)) > 0);
    *a = rsa_public(n, sound[1]);
    BN_free(n);
    bytes_clear(&content);
    return true;
}

static void roca_keys_are_refused_and_clean_ones_taken(void)
{
    static const unsigned fingerprinted[] = { 1, 2, 3, 8, 9 }, clean[] = { 4, 5 }, spoilt[] = { 6, 7 };
    unsigned weak = 0;
    struct attributes a;

    for (unsigned i = 0; i < ARRAY_LEN(fingerprinted); i++)
        if (modulus_from_file(fingerprinted[i], &a)) {
            CK_RV rv = completes(&a);

            CU_ASSERT(rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_KEY_SIZE_RANGE);
            weak += rv == CKR_ATTRIBUTE_VALUE_INVALID;
        }
    for (unsigned i = 0; i < ARRAY_LEN(clean); i++)
        if (modulus_from_file(clean[i], &a)) {
            CU_ASSERT(completes(&a) == CKR_OK);
        }
    for (unsigned i = 0; i < ARRAY_LEN(spoilt); i++)
        if (modulus_from_file(spoilt[i], &a)) { /* without the fingerprint, but with small factors */
            CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
        }
    CU_ASSERT(vectors_folder("weakkeys") == NULL || weak > 0); /* not all for their size */
}

/* The largest key there is, none of whose numbers is what it says: n, d, p and q all odd and of full length. */
static void the_largest_is_refused(void)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_RSA), no_primes;
    BIGNUM *n = BN_new(), *p = BN_new(), *q = BN_new(), *d = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    do {
        BN_rand(p, 4096, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
        BN_rand(q, 4096, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD);
        BN_mul(n, p, q, ctx);
    } while (public_of(n) != CKR_OK);
    BN_rand(d, 8190, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    set_number(&a, CKA_MODULUS, n);
    set_hex(&a, CKA_PUBLIC_EXPONENT, "010001");
    set_number(&a, CKA_PRIVATE_EXPONENT, d);
    no_primes = copy_of(&a);
    set_number(&a, CKA_PRIME_1, p);
    set_number(&a, CKA_PRIME_2, q);
    CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(completes(&no_primes) == CKR_ATTRIBUTE_VALUE_INVALID);
    BN_free(n);
    BN_free(p);
    BN_free(q);
    BN_free(d);
    BN_CTX_free(ctx);
}

/* RFC 6979, A.2.5 */
#define P256_D "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define P256_X "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
#define P256_Y "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static CK_RV ec_private(const char *params, const char *d, const char *point)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_EC);

    set_hex(&a, CKA_EC_PARAMS, params);
    set_hex(&a, CKA_VALUE, d);
    if (point != NULL)
        set_hex(&a, CKA_EC_POINT, point);
    return completes(&a);
}

static CK_RV ec_public(const char *params, const char *point)
{
    struct attributes a = template_of(CKO_PUBLIC_KEY, CKK_EC);

    set_hex(&a, CKA_EC_PARAMS, params);
    set_hex(&a, CKA_EC_POINT, point);
    return completes(&a);
}

static void a_sound_ec_key_is_completed(void)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_EC);

    set_hex(&a, CKA_EC_PARAMS, DER_P256);
    set_hex(&a, CKA_VALUE, "0000" P256_D);
    CU_ASSERT(key_complete(&a) == CKR_OK);
    CU_ASSERT(span_equal(attributes_get(&a, CKA_EC_POINT), from_hex("044104" P256_X P256_Y)));
    CU_ASSERT(span_equal(attributes_get(&a, CKA_VALUE), from_hex(P256_D)));
    attributes_clear(&a);
    CU_ASSERT(ec_private(DER_P256, P256_D, "044104" P256_X P256_Y) == CKR_OK);
    CU_ASSERT(ec_private(DER_P256, P256_D, "04" P256_X P256_Y) == CKR_OK);
    CU_ASSERT(ec_private(DER_P256, "01", NULL) == CKR_OK); /* short ones are filled up */
    CU_ASSERT(ec_public(DER_P256, "044104" P256_X P256_Y) == CKR_OK);
    CU_ASSERT(ec_public(DER_P256, "04" P256_X P256_Y) == CKR_OK);
}

static void bad_scalars_are_refused(void)
{
    CU_ASSERT(ec_private(DER_P256, "", NULL) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(ec_private(DER_P256, "00", NULL) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(ec_private(DER_P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", NULL) ==
              CKR_ATTRIBUTE_VALUE_INVALID); /* n */
    CU_ASSERT(ec_private(DER_P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", NULL) ==
              CKR_OK);                                                                            /* n - 1 */
    CU_ASSERT(ec_private(DER_P256, "01" P256_D, NULL) == CKR_ATTRIBUTE_VALUE_INVALID);            /* too long */
    CU_ASSERT(ec_private(DER_P256, "01", "044104" P256_X P256_Y) == CKR_ATTRIBUTE_VALUE_INVALID); /* another's point */
}

static void bad_points_are_refused(void)
{
    CU_ASSERT(ec_public(DER_P256, "044104" P256_X "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d446229a") ==
              CKR_ATTRIBUTE_VALUE_INVALID);                                                     /* off */
    CU_ASSERT(ec_public(DER_P256, "040100") == CKR_ATTRIBUTE_VALUE_INVALID);                    /* infinity */
    CU_ASSERT(ec_public(DER_P256, "00") == CKR_ATTRIBUTE_VALUE_INVALID);                        /* bare */
    CU_ASSERT(ec_public(DER_P256, "042103" P256_X) == CKR_ATTRIBUTE_VALUE_INVALID);             /* compressed */
    CU_ASSERT(ec_public(DER_P256, "03" P256_X) == CKR_ATTRIBUTE_VALUE_INVALID);                 /* and bare */
    CU_ASSERT(ec_public(DER_P256, "044107" P256_X P256_Y) == CKR_ATTRIBUTE_VALUE_INVALID);      /* hybrid */
    CU_ASSERT(ec_public(DER_P256, "044104" P256_X P256_Y "00") == CKR_ATTRIBUTE_VALUE_INVALID); /* and more */
    CU_ASSERT(ec_public(DER_P256, "04814104" P256_X P256_Y) == CKR_ATTRIBUTE_VALUE_INVALID);    /* not DER */
    CU_ASSERT(ec_public(DER_P384, "044104" P256_X P256_Y) == CKR_ATTRIBUTE_VALUE_INVALID);      /* shorter */
    CU_ASSERT(ec_public(DER_K1, "044104" P256_X P256_Y) == CKR_ATTRIBUTE_VALUE_INVALID);        /* another curve */
    CU_ASSERT(ec_public(DER_P256, "044104ffffffff00000001000000000000000000000000ffffffffffffffffffffffff" P256_Y) ==
              CKR_ATTRIBUTE_VALUE_INVALID); /* x = the field's prime */
    CU_ASSERT(ec_public(DER_P256, "") == CKR_ATTRIBUTE_VALUE_INVALID);
}

/* P-256, spelled out (SEC 1, C.2). */
#define EXPLICIT                                                                                                       \
    "3081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"         \
    "305b0420ffffffff00000001000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3ebbd557698"         \
    "86bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247"         \
    "f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb64068"         \
    "37bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101"

static void other_curves_are_refused(void)
{
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_EC);

    CU_ASSERT(ec_private(EXPLICIT, P256_D, NULL) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(ec_private("06052b81040021", P256_D, NULL) == CKR_CURVE_NOT_SUPPORTED); /* P-224 */
    CU_ASSERT(ec_private(DER_ED, P256_D, NULL) == CKR_CURVE_NOT_SUPPORTED);           /* of another type */
    CU_ASSERT(ec_private("0500", P256_D, NULL) == CKR_CURVE_NOT_SUPPORTED);           /* inherited */
    CU_ASSERT(ec_private(DER_P256 "00", P256_D, NULL) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(ec_private("", P256_D, NULL) == CKR_CURVE_NOT_SUPPORTED);
    set_hex(&a, CKA_EC_PARAMS, DER_P256);
    CU_ASSERT(completes(&a) == CKR_TEMPLATE_INCOMPLETE);
}

static CK_RV edwards(CK_OBJECT_CLASS class, CK_KEY_TYPE type, const char *params, const char *value, const char *point)
{
    struct attributes a = template_of(class, type);

    set_hex(&a, CKA_EC_PARAMS, params);
    if (value != NULL)
        set_hex(&a, CKA_VALUE, value);
    if (point != NULL)
        set_hex(&a, CKA_EC_POINT, point);
    return completes(&a);
}

/* RFC 8032, 7.1, test 1 */
#define ED_SEED  "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define ED_POINT "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static void edwards_and_montgomery_keys_are_completed_or_refused(void)
{
    static const char *const low_order[] = {
        /* Ed25519 and X25519: 0, 1, p - 1, the points of order 8 with either sign; p, p + 1 */
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct attributes a = template_of(CKO_PRIVATE_KEY, CKK_EC_EDWARDS);

    set_hex(&a, CKA_EC_PARAMS, "130c656477617264733235353139"); /* "edwards25519" */
    set_hex(&a, CKA_VALUE, ED_SEED);
    CU_ASSERT(key_complete(&a) == CKR_OK);
    CU_ASSERT(span_equal(attributes_get(&a, CKA_EC_POINT), from_hex("0420" ED_POINT)));
    attributes_clear(&a);
    CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, DER_ED, NULL, ED_POINT) == CKR_OK);
    CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, DER_ED, NULL, "0420" ED_POINT) == CKR_OK);
    CU_ASSERT(edwards(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, DER_ED, ED_SEED, "0420" ED_POINT) == CKR_OK);
    CU_ASSERT(edwards(CKO_PRIVATE_KEY, CKK_EC_MONTGOMERY, "130a63757276653235353139", ED_SEED, NULL) == CKR_OK);
    CU_ASSERT(edwards(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, DER_ED, ED_POINT, ED_POINT) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(edwards(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, DER_ED, ED_SEED "00", NULL) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(edwards(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, DER_ED, "00", NULL) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(edwards(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, DER_X, ED_SEED, NULL) == CKR_CURVE_NOT_SUPPORTED);
    CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, DER_ED, NULL, NULL) == CKR_TEMPLATE_INCOMPLETE);
    CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, DER_ED, NULL, "0421" ED_POINT) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, DER_ED, NULL,
                      "0200000000000000000000000000000000000000000000000000000000000000") ==
              CKR_ATTRIBUTE_VALUE_INVALID); /* a y without an x */
    for (unsigned i = 0; i < ARRAY_LEN(low_order); i++) {
        CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, DER_ED, NULL, low_order[i]) == CKR_ATTRIBUTE_VALUE_INVALID);
        CU_ASSERT(edwards(CKO_PUBLIC_KEY, CKK_EC_MONTGOMERY, DER_X, NULL, low_order[i]) == CKR_ATTRIBUTE_VALUE_INVALID);
    }
}

static void post_quantum_keys_are_completed_or_refused(void)
{
    static const struct {
        CK_MECHANISM_TYPE generation;
        CK_ULONG set;
    } kinds[] = { { CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44 },
                  { CKM_ML_KEM_KEY_PAIR_GEN, CKP_ML_KEM_512 },
                  { CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F } };

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, NULL, kinds[i].set);
        struct span value = attributes_get(&p.private, CKA_VALUE);
        struct attributes a = copy_of(&p.private), b;
        uint8_t changed[5000];

        CU_ASSERT(completes(&a) == CKR_OK);
        a = copy_of(&p.private);
        attributes_remove(&a, CKA_SEED);
        attributes_remove(&a, CKA_PUBLIC_KEY_INFO);
        CU_ASSERT(key_complete(&a) == CKR_OK);
        CU_ASSERT(span_equal(attributes_get(&a, CKA_PUBLIC_KEY_INFO), attributes_get(&p.private, CKA_PUBLIC_KEY_INFO)));
        b = copy_of(&a);
        set(&b, CKA_VALUE, span_of(value.p, value.len - 1)); /* short */
        CU_ASSERT(completes(&b) == CKR_ATTRIBUTE_VALUE_INVALID);
        memcpy(changed, value.p, value.len);
        changed[value.len - 1] ^= 1; /* t0, z, or the root: what hash or parts do not cover is caught in the others */
        b = copy_of(&p.private);
        set(&b, CKA_VALUE, span_of(changed, value.len));
        CU_ASSERT(completes(&b) == CKR_ATTRIBUTE_VALUE_INVALID);
        if (kinds[i].generation != CKM_ML_KEM_KEY_PAIR_GEN) { /* whose z nothing but the seed can tell */
            b = copy_of(&a);
            attributes_remove(&b, CKA_PUBLIC_KEY_INFO);
            set(&b, CKA_VALUE, span_of(changed, value.len));
            CU_ASSERT(completes(&b) == CKR_ATTRIBUTE_VALUE_INVALID);
        }
        b = copy_of(&a);
        set_ulong(&b, CKA_PARAMETER_SET, 99);
        CU_ASSERT(completes(&b) == CKR_ATTRIBUTE_VALUE_INVALID);
        attributes_remove(&a, CKA_PARAMETER_SET);
        CU_ASSERT(completes(&a) == CKR_TEMPLATE_INCOMPLETE);
        b = copy_of(&p.private);
        if (attributes_has(&b, CKA_SEED)) {
            attributes_remove(&b, CKA_VALUE); /* the seed alone is enough */
            CU_ASSERT(key_complete(&b) == CKR_OK);
            CU_ASSERT(span_equal(attributes_get(&b, CKA_VALUE), value));
            set(&b, CKA_SEED, span_of(changed, attributes_get(&b, CKA_SEED).len));
            CU_ASSERT(key_complete(&b) == CKR_ATTRIBUTE_VALUE_INVALID); /* of another key */
        }
        attributes_clear(&b);
        a = copy_of(&p.public);
        CU_ASSERT(completes(&a) == CKR_OK);
        a = copy_of(&p.public);
        set(&a, CKA_VALUE, span_of(changed, 31));
        CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
        pair_free(&p);
    }
}

static void a_public_key_info_must_be_the_keys(void)
{
    static const struct {
        CK_MECHANISM_TYPE generation;
        const char *params;
    } kinds[] = { { CKM_ECDSA_KEY_PAIR_GEN, DER_P256 }, { CKM_ML_DSA_KEY_PAIR_GEN, NULL } };

    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        struct pair p = pair_new(kinds[i].generation, kinds[i].params, 1);
        struct pair q = pair_new(kinds[i].generation, kinds[i].params, 1);
        struct attributes a;

        CU_ASSERT(key_add_public_info(&p.private) == CKR_OK && key_add_public_info(&q.private) == CKR_OK);
        a = copy_of(&p.private);
        CU_ASSERT(completes(&a) == CKR_OK);
        a = copy_of(&p.private);
        set(&a, CKA_PUBLIC_KEY_INFO, attributes_get(&q.private, CKA_PUBLIC_KEY_INFO));
        CU_ASSERT(completes(&a) == CKR_ATTRIBUTE_VALUE_INVALID);
        pair_free(&p);
        pair_free(&q);
    }
}

static CK_RV secret(CK_KEY_TYPE type, size_t len, CK_ULONG claimed)
{
    static const uint8_t zeros[ATTRIBUTE_VALUE_MAX + 1];
    struct attributes a = template_of(CKO_SECRET_KEY, type);

    set(&a, CKA_VALUE, span_of(zeros, len));
    if (claimed != 0)
        set_ulong(&a, CKA_VALUE_LEN, claimed);
    return completes(&a);
}

static void secret_keys_are_completed_or_refused(void)
{
    struct attributes a = template_of(CKO_SECRET_KEY, CKK_AES);

    CU_ASSERT(secret(CKK_AES, 16, 0) == CKR_OK && secret(CKK_AES, 32, 32) == CKR_OK);
    CU_ASSERT(secret(CKK_AES, 17, 0) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(secret(CKK_AES, 16, 32) == CKR_TEMPLATE_INCONSISTENT);
    CU_ASSERT(secret(CKK_GENERIC_SECRET, ATTRIBUTE_VALUE_MAX, 0) == CKR_OK);
    CU_ASSERT(secret(CKK_GENERIC_SECRET, ATTRIBUTE_VALUE_MAX + 1, 0) == CKR_KEY_SIZE_RANGE);
    CU_ASSERT(secret(CKK_GENERIC_SECRET, 0, 0) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(secret(CKK_SHA256_HMAC, 32, 0) == CKR_OK && secret(CKK_HKDF, 1, 0) == CKR_OK);
    CU_ASSERT(secret(CKK_DES3, 24, 0) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(secret(CKK_RSA, 16, 0) == CKR_ATTRIBUTE_VALUE_INVALID);
    CU_ASSERT(completes(&a) == CKR_TEMPLATE_INCOMPLETE);
    a = template_of(CKO_DATA, CKK_AES);
    CU_ASSERT(completes(&a) != CKR_OK);
    a = template_of(CKO_SECRET_KEY, CKK_AES);
    attributes_remove(&a, CKA_KEY_TYPE);
    CU_ASSERT(completes(&a) == CKR_TEMPLATE_INCOMPLETE);
}

int main(void)
{
    static CU_TestInfo tests[] = {
        { "a sound RSA key is completed", a_sound_rsa_key_is_completed },
        { "leading zeros are taken off", leading_zeros_are_taken_off },
        { "missing numbers are named", missing_numbers_are_named },
        { "bad exponents are refused", bad_exponents_are_refused },
        { "bad moduli are refused", bad_moduli_are_refused },
        { "numbers that do not belong together are refused", numbers_that_do_not_belong_together_are_refused },
        { "weak primes are refused", weak_primes_are_refused },
        { "ROCA keys are refused and clean ones taken", roca_keys_are_refused_and_clean_ones_taken },
        { "the largest is refused", the_largest_is_refused },
        { "a sound EC key is completed", a_sound_ec_key_is_completed },
        { "bad scalars are refused", bad_scalars_are_refused },
        { "bad points are refused", bad_points_are_refused },
        { "other curves are refused", other_curves_are_refused },
        { "Edwards and Montgomery keys are completed or refused",
          edwards_and_montgomery_keys_are_completed_or_refused },
        { "post-quantum keys are completed or refused", post_quantum_keys_are_completed_or_refused },
        { "a public key info must be the key's", a_public_key_info_must_be_the_keys },
        { "secret keys are completed or refused", secret_keys_are_completed_or_refused },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = {
        { "import of keys", make_sound, free_sound, NULL, NULL, tests },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
