#include "firmware/domain/jwe.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "firmware/base/base64url.h"
#include "firmware/domain/jwe_header.h"
#include "firmware/wire/limits.h"

#define RSA_LEN_MAX (HOLDER_KEY_BITS_MAX / 8)
#define UNUSED_KID  "not used" /* what az writes where no key identifier is needed */

enum part { PART_HEADER, PART_KEY, PART_IV, PART_CONTENT, PART_TAG, PART_COUNT };

bool jwe_key_fits(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= HOLDER_KEY_BITS_MIN &&
           EVP_PKEY_get_bits(key) <= HOLDER_KEY_BITS_MAX;
}

/* RSA-OAEP-256: SHA-256 in both places, no label (RFC 7518, 4.3). */
static EVP_PKEY_CTX *oaep(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    if (ctx != NULL && init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* --- sealing --- */

/* What stands in `out` is the header; behind it come the encrypted key, IV, content and tag. */
static enum status append_content(const uint8_t key[JWE_KEY_LEN], struct span encrypted_key, struct span plain,
                                  random_draw *draw, struct bytes *out)
{
    struct span header = bytes_span(out);
    uint8_t iv[CBC_HMAC_IV_LEN], tag[CBC_HMAC_TAG_LEN], *sealed;
    size_t sealed_len = cbc_hmac_sealed_len(plain.len);
    enum status st;

    if ((sealed = malloc(sealed_len)) == NULL)
        return ST_NO_MEMORY;
    if ((st = draw(iv, sizeof iv)) == ST_OK && (st = bytes_status(out)) == ST_OK &&
        (st = cbc_hmac_seal(key, iv, header, plain, sealed, tag)) == ST_OK) {
        bytes_append_char(out, '.');
        base64url_append(out, encrypted_key);
        bytes_append_char(out, '.');
        base64url_append(out, span_of(iv, sizeof iv));
        bytes_append_char(out, '.');
        base64url_append(out, span_of(sealed, sealed_len));
        bytes_append_char(out, '.');
        base64url_append(out, span_of(tag, sizeof tag));
        st = bytes_status(out);
    }
    free(sealed);
    if (st != ST_OK)
        bytes_clear(out);
    return st;
}

enum status jwe_seal_direct(const uint8_t key[JWE_KEY_LEN], const char *kid, struct span plain, random_draw *draw,
                            struct bytes *out)
{
    bytes_reset(out);
    jwe_header_write(out, JWE_ALG_DIRECT, kid);
    return append_content(key, span_of(NULL, 0), plain, draw, out);
}

static enum status encrypt_key(EVP_PKEY *to, const uint8_t key[JWE_KEY_LEN], uint8_t out[RSA_LEN_MAX], size_t *len)
{
    EVP_PKEY_CTX *ctx = oaep(to, EVP_PKEY_encrypt_init);
    bool ok;

    *len = RSA_LEN_MAX;
    ok = ctx != NULL && EVP_PKEY_encrypt(ctx, out, len, key, JWE_KEY_LEN) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok ? ST_OK : ST_NO_MEMORY;
}

enum status jwe_seal_to(EVP_PKEY *to, struct span plain, random_draw *draw, struct bytes *out)
{
    uint8_t key[JWE_KEY_LEN], encrypted_key[RSA_LEN_MAX];
    enum status st = ST_UNSUPPORTED;
    size_t len;

    bytes_reset(out);
    if (!jwe_key_fits(to))
        return st;
    if ((st = draw(key, sizeof key)) == ST_OK && (st = encrypt_key(to, key, encrypted_key, &len)) == ST_OK) {
        jwe_header_write(out, JWE_ALG_RSA, UNUSED_KID);
        st = append_content(key, span_of(encrypted_key, len), plain, draw, out);
    }
    secret_wipe(key, sizeof key);
    return st;
}

/* --- opening --- */

static bool split(struct span jwe, struct span parts[PART_COUNT])
{
    const uint8_t *p = jwe.p, *end = jwe.p + jwe.len;

    for (unsigned i = 0; i < PART_COUNT; i++) {
        const uint8_t *dot = memchr(p, '.', (size_t)(end - p));

        if ((dot == NULL) != (i == PART_TAG))
            return false;
        parts[i] = span_of(p, (size_t)((dot != NULL ? dot : end) - p));
        p = dot != NULL ? dot + 1 : end;
    }
    return true;
}

/* Decode into just `len` bytes. */
static bool decode_exactly(struct span text, uint8_t *out, size_t len)
{
    size_t n;

    return text.len == base64url_encoded_len(len) && base64url_decode_to(out, &n, text) == ST_OK;
}

static enum status open_content(const uint8_t key[JWE_KEY_LEN], const struct span parts[PART_COUNT],
                                struct secret *plain)
{
    uint8_t iv[CBC_HMAC_IV_LEN], tag[CBC_HMAC_TAG_LEN];
    struct bytes sealed = { 0 };
    enum status st;

    if (!decode_exactly(parts[PART_IV], iv, sizeof iv) || !decode_exactly(parts[PART_TAG], tag, sizeof tag))
        return ST_BAD_CIPHERTEXT;
    if ((st = base64url_decode(&sealed, parts[PART_CONTENT])) == ST_OK &&
        (st = secret_grow(plain, sealed.len + 1)) == ST_OK)
        st = cbc_hmac_open(key, iv, parts[PART_HEADER], bytes_span(&sealed), tag, plain->p, &plain->len);
    bytes_clear(&sealed);
    if (st != ST_OK)
        secret_clear(plain);
    return st == ST_BAD_REQUEST || st == ST_TOO_LARGE ? ST_BAD_CIPHERTEXT : st;
}

static bool take_apart(struct span jwe, const char *alg, struct span parts[PART_COUNT])
{
    return jwe.len > 0 && jwe.len <= DOMAIN_JWE_MAX && split(jwe, parts) && jwe_header_says(parts[PART_HEADER], alg);
}

enum status jwe_open_direct(const uint8_t key[JWE_KEY_LEN], struct span jwe, struct secret *plain)
{
    struct span parts[PART_COUNT];

    secret_clear(plain);
    if (!take_apart(jwe, JWE_ALG_DIRECT, parts) || parts[PART_KEY].len != 0)
        return ST_BAD_CIPHERTEXT;
    return open_content(key, parts, plain);
}

/* RFC 7516, 11.5: what does not decrypt becomes a random key, with which the content does not verify. So who may send
 * texts does not learn from an answer, or the time it takes, about other texts' keys. Errors: ST_INTERNAL no random
 * bytes. */
static enum status decrypt_key(EVP_PKEY *key, struct span encrypted, uint8_t out[JWE_KEY_LEN])
{
    uint8_t plain[RSA_LEN_MAX] = { 0 };
    size_t len = sizeof plain;
    EVP_PKEY_CTX *ctx;

    if (RAND_priv_bytes(out, JWE_KEY_LEN) != 1)
        return ST_INTERNAL;
    ctx = oaep(key, EVP_PKEY_decrypt_init);
    if (ctx != NULL && EVP_PKEY_decrypt(ctx, plain, &len, encrypted.p, encrypted.len) == 1 && len == JWE_KEY_LEN)
        memcpy(out, plain, JWE_KEY_LEN);
    secret_wipe(plain, sizeof plain);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return ST_OK;
}

enum status jwe_open_with(EVP_PKEY *key, struct span jwe, struct secret *plain)
{
    uint8_t encrypted[RSA_LEN_MAX], content_key[JWE_KEY_LEN];
    struct span parts[PART_COUNT];
    enum status st;
    size_t len;

    secret_clear(plain);
    if (!jwe_key_fits(key))
        return ST_UNSUPPORTED;
    len = (size_t)EVP_PKEY_get_size(key);
    if (!take_apart(jwe, JWE_ALG_RSA, parts) || !decode_exactly(parts[PART_KEY], encrypted, len))
        return ST_BAD_CIPHERTEXT;
    if ((st = decrypt_key(key, span_of(encrypted, len), content_key)) == ST_OK)
        st = open_content(content_key, parts, plain);
    secret_wipe(content_key, sizeof content_key);
    return st;
}
