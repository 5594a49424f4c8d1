#include <openssl/bn.h>
#include <openssl/err.h>

#include "firmware/base/secret.h"
#include "firmware/crypto/key_inside.h"

/* What THREATS.md 5.6 refuses of an RSA key that comes from outside; SP 800-56B, 6.4 and FIPS 186-5, 5.1 and A.1. All
 * of it in bounded time: nothing depends on the input but its length, which is checked first. */

#define SMALL_FACTOR_MAX 2000
#define FERMAT_STEPS     100
#define PRIME_ROUNDS     16 /* a composite passes with at most 4^-16, and would only harm its owner */
#define FACTOR_TRIES     32 /* each finds the primes with at least 1/2 */

static bool has_small_factor(const BIGNUM *n)
{
    for (BN_ULONG f = 3; f < SMALL_FACTOR_MAX; f += 2)
        if (BN_mod_word(n, f) == 0)
            return true;
    return false;
}

/* CVE-2017-15361: the library's primes are k M + (65537^a mod M), so modulo each small prime its moduli are powers of
 * 65537 (Nemec et al., "The Return of Coppersmith's Attack", 2.3). A sound modulus does so for all 38 with 2^-28. */
static bool has_roca_fingerprint(const BIGNUM *n)
{
    static const uint8_t primes[] = { 3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                      47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                      107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

    for (unsigned i = 0; i < ARRAY_LEN(primes); i++) {
        BN_ULONG rest = BN_mod_word(n, primes[i]);
        unsigned power = 1;

        do
            power = power * 65537u % primes[i];
        while (power != 1 && power != rest);
        if (power != rest)
            return false;
    }
    return true;
}

/* The whole part of the root of n, by Newton's method from above. */
static bool root(BIGNUM *r, const BIGNUM *n, BN_CTX *ctx)
{
    BIGNUM *next;
    bool ok;

    BN_CTX_start(ctx);
    ok = (next = BN_CTX_get(ctx)) != NULL && BN_set_word(r, 1) && BN_lshift(r, r, (BN_num_bits(n) + 1) / 2);
    while (ok && (ok = BN_div(next, NULL, n, r, ctx) && BN_add(next, next, r) && BN_rshift1(next, next)) &&
           BN_cmp(next, r) < 0)
        ok = BN_copy(r, next) != NULL;
    BN_CTX_end(ctx);
    return ok;
}

/* Fermat: n = a^2 - b^2 for an a close above the root of n. True when close primes were found, or on failure. */
static bool has_close_factors(const BIGNUM *n, BN_CTX *ctx)
{
    const uint64_t squares_mod_64 = 0x0202021202030213;
    BIGNUM *a, *rest, *b, *square;
    bool found = false;

    BN_CTX_start(ctx);
    a = BN_CTX_get(ctx);
    rest = BN_CTX_get(ctx);
    b = BN_CTX_get(ctx);
    if ((square = BN_CTX_get(ctx)) == NULL || !root(a, n, ctx))
        found = true;
    for (unsigned i = 0; i < FERMAT_STEPS && !found; i++) {
        if (!BN_sqr(square, a, ctx) || !BN_sub(rest, square, n) || !BN_add_word(a, 1))
            found = true;
        else if (!BN_is_negative(rest) && (squares_mod_64 >> BN_mod_word(rest, 64) & 1) != 0)
            found = BN_is_zero(rest) || !root(b, rest, ctx) || !BN_sqr(square, b, ctx) || BN_cmp(square, rest) == 0;
    }
    BN_CTX_end(ctx);
    return found;
}

CK_RV rsa_check_public(struct span modulus, struct span exponent)
{
    unsigned bits = key_number_bits(modulus);
    BN_CTX *ctx;
    BIGNUM *n;
    CK_RV rv = CKR_ATTRIBUTE_VALUE_INVALID;

    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return CKR_KEY_SIZE_RANGE;
    if (key_number_bits(exponent) < 17 || exponent.len > RSA_EXPONENT_MAX || (exponent.p[exponent.len - 1] & 1) == 0 ||
        (modulus.p[modulus.len - 1] & 1) == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    ctx = BN_CTX_new();
    n = BN_bin2bn(modulus.p, (int)modulus.len, NULL);
    if (ctx == NULL || n == NULL)
        rv = CKR_HOST_MEMORY;
    else if (!has_small_factor(n) && !has_roca_fingerprint(n) && !has_close_factors(n, ctx))
        rv = CKR_OK;
    BN_free(n);
    BN_CTX_free(ctx);
    return rv;
}

/* Miller and Rabin with random bases (FIPS 186-5, B.3.1). `p` is odd and large. */
static bool is_prime(const BIGNUM *p, BN_CTX *ctx)
{
    BIGNUM *even, *odd, *base, *range;
    BN_MONT_CTX *mont = BN_MONT_CTX_new();
    int twos = 1;
    bool ok;

    BN_CTX_start(ctx);
    even = BN_CTX_get(ctx);
    odd = BN_CTX_get(ctx);
    range = BN_CTX_get(ctx);
    base = BN_CTX_get(ctx);
    ok = base != NULL && mont != NULL && BN_MONT_CTX_set(mont, p, ctx) && BN_sub(even, p, BN_value_one()) &&
         BN_sub(range, even, BN_value_one());
    while (ok && !BN_is_bit_set(even, twos))
        twos++;
    ok = ok && BN_rshift(odd, even, twos);
    for (unsigned round = 0; round < PRIME_ROUNDS && ok; round++) {
        bool passed;

        ok = BN_priv_rand_range_ex(base, range, 0, ctx) && BN_add_word(base, 1) &&
             BN_mod_exp_mont_consttime(base, base, odd, p, ctx, mont);
        passed = ok && (BN_is_one(base) || BN_cmp(base, even) == 0);
        for (int i = 1; i < twos && ok && !passed; i++) {
            ok = BN_mod_sqr(base, base, p, ctx);
            passed = ok && BN_cmp(base, even) == 0;
        }
        ok = passed;
    }
    BN_CTX_end(ctx);
    BN_MONT_CTX_free(mont);
    return ok;
}

struct numbers {
    BIGNUM *n, *e, *d, *p, *q;
};

/* The primes from n, e and d (SP 800-56B, appendix C.1): a root of 1 modulo n other than 1 and -1 splits n. When e and
 * d do not belong together the first try shows it. */
static bool find_primes(struct numbers *k, BN_CTX *ctx)
{
    BIGNUM *odd = BN_CTX_get(ctx), *last = BN_CTX_get(ctx), *y = BN_CTX_get(ctx), *x = BN_CTX_get(ctx);
    int twos = 1;
    bool found = false;

    if (x == NULL || !BN_mul(odd, k->e, k->d, ctx) || !BN_sub_word(odd, 1) || BN_is_odd(odd) || BN_is_zero(odd) ||
        !BN_sub(last, k->n, BN_value_one()))
        return false;
    while (!BN_is_bit_set(odd, twos))
        twos++;
    if (!BN_rshift(odd, odd, twos))
        return false;
    for (unsigned i = 0; i < FACTOR_TRIES && !found; i++) {
        int left = twos;

        if (!BN_priv_rand_range_ex(y, last, 0, ctx) || BN_is_zero(y) ||
            !BN_mod_exp_mont_consttime(x, y, odd, k->n, ctx, NULL))
            return false;
        do { /* y becomes the root of 1, x its square */
            if (BN_copy(y, x) == NULL || !BN_mod_sqr(x, y, k->n, ctx))
                return false;
        } while (!BN_is_one(x) && --left > 0);
        if (!BN_is_one(x))
            return false;
        found = !BN_is_one(y) && BN_cmp(y, last) != 0;
    }
    return found && BN_sub_word(y, 1) && BN_gcd(k->p, y, k->n, ctx) && BN_div(k->q, NULL, k->n, k->p, ctx);
}

/* Both primes of half the length, not close, their product n; e d = 1 modulo each less one. */
static bool belong_together(const struct numbers *k, BN_CTX *ctx)
{
    int bits = BN_num_bits(k->n);
    BIGNUM *t = BN_CTX_get(ctx), *less_one = BN_CTX_get(ctx);
    const BIGNUM *primes[] = { k->p, k->q };

    if (less_one == NULL || !BN_mul(t, k->p, k->q, ctx) || BN_cmp(t, k->n) != 0 ||
        BN_num_bits(k->p) != (bits + 1) / 2 || BN_num_bits(k->q) != (bits + 1) / 2)
        return false;
    if (!BN_sub(t, k->p, k->q) || BN_num_bits(t) <= bits / 2 - 100) /* FIPS 186-5, A.1.3, step 5.4 */
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(primes); i++)
        if (!BN_sub(less_one, primes[i], BN_value_one()) || !BN_mod_mul(t, k->e, k->d, less_one, ctx) ||
            !BN_is_one(t) || !is_prime(primes[i], ctx))
            return false;
    return true;
}

static CK_RV settle(struct attributes *a, CK_ATTRIBUTE_TYPE type, const BIGNUM *n)
{
    uint8_t value[RSA_LEN_MAX];
    int len = BN_bn2bin(n, value);
    CK_RV rv = key_settle(a, type, span_of(value, (size_t)len));

    secret_wipe(value, (size_t)len);
    return rv;
}

/* d modulo the prime less one. */
static CK_RV settle_exponent(struct attributes *a, CK_ATTRIBUTE_TYPE type, const struct numbers *k, const BIGNUM *prime,
                             BN_CTX *ctx)
{
    BIGNUM *t = BN_CTX_get(ctx), *less_one = BN_CTX_get(ctx);

    if (less_one == NULL || !BN_sub(less_one, prime, BN_value_one()) || !BN_mod(t, k->d, less_one, ctx))
        return CKR_HOST_MEMORY;
    return settle(a, type, t);
}

static BIGNUM *get(BN_CTX *ctx, const struct attributes *a, CK_ATTRIBUTE_TYPE type)
{
    struct span s = attributes_get(a, type);
    BIGNUM *n = BN_CTX_get(ctx);

    if (n == NULL || s.len > RSA_LEN_MAX || BN_bin2bn(s.p, (int)s.len, n) == NULL)
        return NULL;
    BN_set_flags(n, BN_FLG_CONSTTIME);
    return n;
}

static CK_RV check(struct attributes *a, BN_CTX *ctx)
{
    struct numbers k;
    BIGNUM *coefficient;
    int bits;
    CK_RV rv;

    k.n = get(ctx, a, CKA_MODULUS);
    k.e = get(ctx, a, CKA_PUBLIC_EXPONENT);
    k.d = get(ctx, a, CKA_PRIVATE_EXPONENT);
    k.p = get(ctx, a, CKA_PRIME_1);
    k.q = get(ctx, a, CKA_PRIME_2);
    coefficient = BN_CTX_get(ctx);
    if (coefficient == NULL || k.n == NULL || k.e == NULL || k.d == NULL || k.p == NULL || k.q == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (BN_is_zero(k.p) != BN_is_zero(k.q))
        return CKR_TEMPLATE_INCOMPLETE;
    bits = BN_num_bits(k.n);
    /* Wiener, and Boneh and Durfee, find a d below n^0.292; FIPS 186-5, A.1.1 wants more than half of n's bits. */
    if (BN_num_bits(k.d) <= bits / 2 || BN_cmp(k.d, k.n) >= 0 || (BN_is_zero(k.p) && !find_primes(&k, ctx)) ||
        !belong_together(&k, ctx) || BN_mod_inverse(coefficient, k.q, k.p, ctx) == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((rv = settle(a, CKA_PRIME_1, k.p)) != CKR_OK || (rv = settle(a, CKA_PRIME_2, k.q)) != CKR_OK ||
        (rv = settle_exponent(a, CKA_EXPONENT_1, &k, k.p, ctx)) != CKR_OK ||
        (rv = settle_exponent(a, CKA_EXPONENT_2, &k, k.q, ctx)) != CKR_OK)
        return rv;
    return settle(a, CKA_COEFFICIENT, coefficient);
}

CK_RV rsa_check_private(struct attributes *a)
{
    BN_CTX *ctx = BN_CTX_secure_new();
    CK_RV rv;

    if (ctx == NULL)
        return CKR_HOST_MEMORY;
    BN_CTX_start(ctx);
    rv = check(a, ctx);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx); /* wipes what was taken from it */
    ERR_clear_error();
    return rv;
}
