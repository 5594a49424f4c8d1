#include "service/identity/jwk.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "firmware/base/base64url.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX (JWK_SIGNATURE_MAX * 8)

struct curve {
    const char *name;    /* RFC 7518, 6.2.1.1 */
    const char *openssl; /* name of the group */
    size_t field_len;    /* bytes of a coordinate, and of r and s */
    cjose_jwk_ec_curve cjose;
    enum jws_alg alg;
};
static const struct curve curves[] = {
    { "P-256", "prime256v1", 32, CJOSE_JWK_EC_P_256, JWS_ES256 },
    { "P-384", "secp384r1", 48, CJOSE_JWK_EC_P_384, JWS_ES384 },
    { "P-521", "secp521r1", 66, CJOSE_JWK_EC_P_521, JWS_ES512 },
};

static const char *const alg_names[JWS_ALG_COUNT] = {
    [JWS_RS256] = "RS256", [JWS_RS384] = "RS384", [JWS_RS512] = "RS512", [JWS_PS256] = "PS256", [JWS_PS384] = "PS384",
    [JWS_PS512] = "PS512", [JWS_ES256] = "ES256", [JWS_ES384] = "ES384", [JWS_ES512] = "ES512",
};
#define RSA_ALGS (BIT(JWS_RS256) | BIT(JWS_RS384) | BIT(JWS_RS512) | BIT(JWS_PS256) | BIT(JWS_PS384) | BIT(JWS_PS512))
/* What a key without `alg` may be used with: what issuers and client libraries sign with by default. */
#define RSA_DEFAULT_ALGS (BIT(JWS_RS256) | BIT(JWS_PS256))

enum jws_alg jws_alg_by_name(struct span name)
{
    for (unsigned alg = JWS_ALG_UNKNOWN + 1; alg < JWS_ALG_COUNT; alg++)
        if (span_is(name, alg_names[alg]))
            return (enum jws_alg)alg;
    return JWS_ALG_UNKNOWN;
}

static bool kid_character(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("-_.:=+~@", c) != NULL);
}

bool jwk_kid_valid(struct span kid)
{
    if (kid.len == 0 || kid.len > JWK_KID_MAX)
        return false;
    for (size_t i = 0; i < kid.len; i++)
        if (!kid_character(kid.p[i]) || (i > 0 && kid.p[i] == '.' && kid.p[i - 1] == '.'))
            return false;
    return true;
}

/* Is it meant for verifying signatures (RFC 7517, 4.2 and 4.3)? Neither member: it may be. */
static enum status check_purpose(const json_t *object)
{
    struct span use;
    json_t *operations = NULL, *operation;
    enum status st;
    size_t i;

    if ((st = json_get_text(object, "use", &use)) == ST_BAD_REQUEST)
        return st;
    if (st == ST_OK && !span_is(use, "sig"))
        return ST_UNSUPPORTED;
    if ((st = json_get_array(object, "key_ops", &operations)) != ST_OK)
        return st == ST_NOT_FOUND ? ST_OK : st;
    json_array_foreach(operations, i, operation) if (json_is_string(operation) &&
                                                     strcmp(json_string_value(operation), "verify") == 0) return ST_OK;
    return ST_UNSUPPORTED;
}

/* A published set that holds private or symmetric key bytes is worth nothing any more. */
static bool holds_secrets(const json_t *object)
{
    static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_object_get(object, names[i]) != NULL)
            return true;
    return false;
}

/* A base64url member of 1 to `max` bytes. */
static enum status get_bytes(const json_t *object, const char *name, size_t max, struct bytes *out)
{
    struct span text;

    if (json_get_text(object, name, &text) != ST_OK || text.len == 0 || text.len > base64url_encoded_len(max))
        return ST_BAD_REQUEST;
    return base64url_decode(out, text);
}

static unsigned remainder_of(const struct bytes *number, unsigned divisor)
{
    unsigned rest = 0;

    for (size_t i = 0; i < number->len; i++)
        rest = (rest << 8 | number->p[i]) % divisor;
    return rest;
}

/* Was the modulus made by the flawed generator of CVE-2017-15361? Its primes are k * M + (65537^a mod M), M a product
 * of small primes, so the modulus is a power of 65537 modulo each of these; a sound one passes with chance 2^-28. */
static bool is_roca(const struct bytes *n)
{
    static const uint8_t primes[] = { 3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                      47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                      107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

    for (size_t i = 0; i < sizeof primes; i++) {
        unsigned p = primes[i], rest = remainder_of(n, p), power = 1;

        do {
            power = power * (65537 % p) % p;
        } while (power != rest && power != 1);
        if (power != rest)
            return false;
    }
    return true;
}

static size_t bit_length(const struct bytes *number)
{
    size_t bits = number->len * 8;

    for (uint8_t top = number->p[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static enum status read_rsa(const json_t *object, struct jwk *out)
{
    struct bytes n = { 0 }, e = { 0 };
    cjose_jwk_rsa_keyspec spec = { 0 };
    enum status st;

    if ((st = get_bytes(object, "n", JWK_SIGNATURE_MAX, &n)) != ST_OK ||
        /* 64 bits, as OpenSSL allows for keys above 3072 bits (its bound on the time a verification takes) */
        (st = get_bytes(object, "e", 8, &e)) != ST_OK)
        goto done;
    st = ST_BAD_REQUEST;
    if (n.p[0] == 0 || e.p[0] == 0) /* RFC 7518, 2: Base64urlUInt is minimal; one key, one text, one thumbprint */
        goto done;
    if (bit_length(&n) < RSA_BITS_MIN || bit_length(&n) > RSA_BITS_MAX || (n.p[n.len - 1] & 1) == 0)
        goto done;
    if ((e.p[e.len - 1] & 1) == 0 || (e.len == 1 && e.p[0] < 3) || is_roca(&n))
        goto done;
    spec = (cjose_jwk_rsa_keyspec){ .n = n.p, .nlen = n.len, .e = e.p, .elen = e.len };
    if ((out->key = cjose_jwk_create_RSA_spec(&spec, NULL)) == NULL)
        goto done;
    out->signature_len = n.len;
    out->algs = RSA_DEFAULT_ALGS;
    st = ST_OK;
done:
    bytes_clear(&n);
    bytes_clear(&e);
    return st;
}

static const struct curve *curve_by_name(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (span_is(name, curves[i].name))
            return &curves[i];
    return NULL;
}

static enum status read_ec(const json_t *object, struct jwk *out)
{
    struct bytes x = { 0 }, y = { 0 };
    cjose_jwk_ec_keyspec spec = { 0 };
    const struct curve *curve;
    struct span name;
    enum status st;

    if (json_get_text(object, "crv", &name) != ST_OK)
        return ST_BAD_REQUEST;
    if ((curve = curve_by_name(name)) == NULL) /* secp256k1, say: one we do not know, not one that is broken */
        return ST_UNSUPPORTED;
    if ((st = get_bytes(object, "x", curve->field_len, &x)) != ST_OK ||
        (st = get_bytes(object, "y", curve->field_len, &y)) != ST_OK)
        goto done;
    st = ST_BAD_REQUEST;
    if (x.len != curve->field_len || y.len != curve->field_len) /* RFC 7518, 6.2.1.2: the full size */
        goto done;
    spec = (cjose_jwk_ec_keyspec){ .crv = curve->cjose, .x = x.p, .xlen = x.len, .y = y.p, .ylen = y.len };
    if ((out->key = cjose_jwk_create_EC_spec(&spec, NULL)) == NULL) /* refuses a point that is not on the curve */
        goto done;
    out->signature_len = 2 * curve->field_len;
    out->algs = BIT(curve->alg);
    st = ST_OK;
done:
    bytes_clear(&x);
    bytes_clear(&y);
    return st;
}

/* `alg` narrows what the key may be used with; one that does not go with the key makes it unfit. */
static enum status read_alg(const json_t *object, bool rsa, struct jwk *out)
{
    struct span name;
    enum status st = json_get_text(object, "alg", &name);
    unsigned bit;

    if (st != ST_OK)
        return st == ST_NOT_FOUND ? ST_OK : st;
    bit = BIT(jws_alg_by_name(name)) & ~BIT(JWS_ALG_UNKNOWN);
    out->algs = bit & (rsa ? RSA_ALGS : out->algs);
    return out->algs != 0 ? ST_OK : ST_BAD_REQUEST;
}

static enum status read_kid(const json_t *object, bool named, struct jwk *out)
{
    struct span kid;
    enum status st = json_get_text(object, "kid", &kid);

    if (st == ST_NOT_FOUND)
        return named ? ST_BAD_REQUEST : ST_OK;
    if (st != ST_OK || !jwk_kid_valid(kid))
        return ST_BAD_REQUEST;
    memcpy(out->kid, kid.p, kid.len); /* out is zeroed: NUL behind it */
    return ST_OK;
}

/* The id is taken of the texts: base64url without padding is unique for its bytes, and separated by NULs. */
static enum status read_id(const json_t *object, struct jwk *out)
{
    static const char *const names[] = { "kty", "crv", "n", "e", "x", "y" };
    struct bytes all = { 0 };
    struct span text;
    enum status st;

    bytes_append(&all, out->kid, sizeof out->kid);
    bytes_append_u32(&all, out->algs);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (json_get_text(object, names[i], &text) == ST_OK)
            bytes_append_span(&all, text);
        bytes_append_char(&all, '\0');
    }
    if ((st = bytes_status(&all)) == ST_OK && SHA256(all.p, all.len, out->id) == NULL)
        st = ST_NO_MEMORY;
    bytes_clear(&all);
    return st;
}

enum status jwk_from_json(const json_t *object, bool named, struct jwk *out)
{
    struct span kty;
    bool rsa;
    enum status st;

    *out = (struct jwk){ 0 };
    if (!json_is_object(object) || json_get_text(object, "kty", &kty) != ST_OK || holds_secrets(object))
        return ST_BAD_REQUEST;
    if ((st = check_purpose(object)) != ST_OK)
        return st;
    rsa = span_is(kty, "RSA");
    if (!rsa && !span_is(kty, "EC"))
        return span_is(kty, "oct") ? ST_BAD_REQUEST : ST_UNSUPPORTED;
    if ((st = rsa ? read_rsa(object, out) : read_ec(object, out)) != ST_OK ||
        (st = read_alg(object, rsa, out)) != ST_OK || (st = read_kid(object, named, out)) != ST_OK ||
        (st = read_id(object, out)) != ST_OK) {
        jwk_clear(out);
        ERR_clear_error(); /* or the next TLS call of this thread would take libcrypto's complaint for its own */
    }
    return st;
}

void jwk_clear(struct jwk *k)
{
    if (k->key != NULL)
        cjose_jwk_release(k->key);
    *k = (struct jwk){ 0 };
}

static void append_number(struct bytes *out, const char *name, EVP_PKEY *key, const char *parameter, size_t len)
{
    uint8_t number[JWK_SIGNATURE_MAX];
    BIGNUM *bn = NULL;

    if (EVP_PKEY_get_bn_param(key, parameter, &bn) != 1) {
        out->failed = true;
        return;
    }
    if (len == 0)
        len = (size_t)BN_num_bytes(bn);
    if (len > sizeof number || BN_bn2binpad(bn, number, (int)len) != (int)len) {
        out->failed = true;
    } else {
        bytes_printf(out, "\"%s\":\"", name);
        base64url_append(out, span_of(number, len));
        bytes_append_char(out, '"');
    }
    BN_free(bn);
}

static const struct curve *curve_of(EVP_PKEY *key)
{
    char group[64];
    size_t len = 0;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1)
        for (size_t i = 0; i < ARRAY_LEN(curves); i++)
            if (strcmp(group, curves[i].openssl) == 0)
                return &curves[i];
    return NULL;
}

enum status jwk_canonical(EVP_PKEY *key, struct bytes *out)
{
    const struct curve *curve = NULL;
    enum status st;

    bytes_reset(out);
    if (EVP_PKEY_is_a(key, "RSA")) {
        bytes_append_char(out, '{');
        append_number(out, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
        bytes_append_text(out, ",\"kty\":\"RSA\",");
        append_number(out, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
    } else if (EVP_PKEY_is_a(key, "EC") && (curve = curve_of(key)) != NULL) {
        bytes_printf(out, "{\"crv\":\"%s\",\"kty\":\"EC\",", curve->name);
        append_number(out, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, curve->field_len);
        bytes_append_char(out, ',');
        append_number(out, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->field_len);
    } else {
        ERR_clear_error();
        return ST_UNSUPPORTED;
    }
    bytes_append_char(out, '}');
    if ((st = bytes_status(out)) != ST_OK)
        ERR_clear_error();
    return st;
}
