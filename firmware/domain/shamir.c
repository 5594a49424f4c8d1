#include "firmware/domain/shamir.h"

#include "firmware/base/secret.h"

#define PRIME      257u
#define Y_BITS     9
#define RANDOM_LEN 8 /* of one coefficient: what 64 bits modulo 257 are from uniform is below 2^-55 */

/* v modulo 257, of v up to 65,792: 256 is -1, so the high byte is taken off the low one. */
static uint32_t reduce(uint32_t v)
{
    uint32_t t = (v & 255) + PRIME - (v >> 8), below = t - PRIME;

    return below + (PRIME & (0 - (below >> 31)));
}

static uint32_t multiply(uint32_t a, uint32_t b)
{
    return reduce(a * b);
}

/* Fermat: a^255. Of differences of x alone, which are public. */
static uint32_t inverse(uint32_t a)
{
    uint32_t r = a;

    for (unsigned i = 0; i < 7; i++)
        r = multiply(multiply(r, r), a);
    return r;
}

/* 64 random bits modulo 257: bytes with alternating signs. */
static uint32_t element_of(const uint8_t random[RANDOM_LEN])
{
    uint32_t sum = 4 * PRIME; /* so that it never falls below 0 */

    for (unsigned i = 0; i < RANDOM_LEN; i += 2)
        sum += (uint32_t)random[i] - random[i + 1];
    return reduce(sum);
}

static uint32_t evaluate(const uint32_t *coefficients, unsigned count, uint32_t x)
{
    uint32_t y = 0;

    for (unsigned i = 0; i < count; i++)
        y = reduce(multiply(y, x) + coefficients[i]);
    return y;
}

static void put_word(uint8_t *p, uint32_t x, uint32_t y)
{
    p[0] = (uint8_t)y;
    p[1] = (uint8_t)(x << 1 | y >> 8);
}

static uint32_t get_word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

enum status shamir_split(struct span secret, unsigned required, unsigned count, random_draw *draw, uint8_t *shares)
{
    uint8_t random[RANDOM_LEN * SHAMIR_SHARES_MAX];
    uint32_t coefficients[SHAMIR_SHARES_MAX];
    size_t share_len = shamir_share_len(secret.len);
    enum status st = ST_OK;

    INVARIANT(required >= 2 && required <= count && count <= SHAMIR_SHARES_MAX);
    for (size_t at = 0; at < secret.len && st == ST_OK; at++) {
        if ((st = draw(random, RANDOM_LEN * (required - 1))) != ST_OK)
            break;
        for (unsigned i = 0; i < required - 1; i++)
            coefficients[i] = element_of(random + RANDOM_LEN * i);
        coefficients[required - 1] = secret.p[at];
        for (unsigned x = 1; x <= count; x++)
            put_word(shares + (x - 1) * share_len + 2 * at, x, evaluate(coefficients, required, x));
    }
    secret_wipe(random, sizeof random);
    secret_wipe(coefficients, sizeof coefficients);
    if (st != ST_OK)
        secret_wipe(shares, count * share_len);
    return st;
}

/* The x of a share; 0: it is none. */
static uint32_t share_x(struct span share, size_t secret_len)
{
    uint32_t x, wrong = 0;

    if (share.len != shamir_share_len(secret_len) || share.len == 0)
        return 0;
    x = get_word(share.p) >> Y_BITS;
    for (size_t at = 0; at < share.len; at += 2) {
        uint32_t word = get_word(share.p + at), y = word & (BIT(Y_BITS) - 1);

        wrong |= (word >> Y_BITS) ^ x;
        wrong |= (PRIME - 1 - y) >> 31;
    }
    return wrong == 0 ? x : 0;
}

struct chosen {
    unsigned count; /* different ones */
    uint32_t x[SHAMIR_SHARES_MAX];
    struct span share[SHAMIR_SHARES_MAX];
};

static enum status choose(struct chosen *c, const struct span *shares, size_t count, size_t secret_len)
{
    bool differ = false;

    for (size_t i = 0; i < count; i++) {
        uint32_t x = share_x(shares[i], secret_len);
        unsigned same = 0;

        if (x == 0 || x > SHAMIR_SHARES_MAX)
            return ST_BAD_REQUEST;
        while (same < c->count && c->x[same] != x)
            same++;
        if (same == c->count) {
            c->x[c->count] = x;
            c->share[c->count++] = shares[i];
        } else if (!secret_equal(c->share[same], shares[i])) {
            differ = true;
        }
    }
    return differ ? ST_BAD_CIPHERTEXT : ST_OK;
}

/* Lagrange's weight of share i among the first `required`, at 0. */
static uint32_t weight(const struct chosen *c, unsigned i, unsigned required)
{
    uint32_t numerator = 1, denominator = 1;

    for (unsigned j = 0; j < required; j++)
        if (j != i) {
            numerator = multiply(numerator, c->x[j]);
            denominator = multiply(denominator, reduce(c->x[j] + PRIME - c->x[i]));
        }
    return multiply(numerator, inverse(denominator));
}

static enum status interpolate(const struct chosen *c, unsigned required, size_t secret_len, uint8_t *secret)
{
    uint32_t weights[SHAMIR_SHARES_MAX], above = 0;

    for (unsigned i = 0; i < required; i++)
        weights[i] = weight(c, i, required);
    for (size_t at = 0; at < secret_len; at++) {
        uint32_t value = 0;

        for (unsigned i = 0; i < required; i++) {
            uint32_t y = get_word(c->share[i].p + 2 * at) & (BIT(Y_BITS) - 1);

            value = reduce(value + multiply(weights[i], y));
        }
        above |= value >> 8;
        secret[at] = (uint8_t)value;
    }
    if (above == 0)
        return ST_OK;
    secret_wipe(secret, secret_len);
    return ST_BAD_CIPHERTEXT;
}

enum status shamir_combine(const struct span *shares, size_t count, unsigned required, size_t secret_len,
                           uint8_t *secret, unsigned *distinct)
{
    struct chosen c = { 0 };
    enum status st;

    INVARIANT(required >= 2 && required <= SHAMIR_SHARES_MAX);
    st = choose(&c, shares, count, secret_len);
    *distinct = c.count;
    if (st != ST_OK)
        return st;
    if (c.count < required)
        return ST_NOT_PERMITTED;
    return interpolate(&c, required, secret_len, secret);
}
