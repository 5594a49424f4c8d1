#include "firmware/domain/cbc_hmac.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "firmware/base/big_endian.h"
#include "firmware/base/secret.h"

#define MAC_KEY_LEN 32
#define FULL_LEN    64

static bool update(EVP_MAC_CTX *ctx, struct span s)
{
    return s.len == 0 || EVP_MAC_update(ctx, s.p, s.len) == 1;
}

/* The tag as it should be. */
static enum status authenticate(const uint8_t *key, const uint8_t *iv, struct span aad, struct span sealed,
                                uint8_t tag[CBC_HMAC_TAG_LEN])
{
    char digest[] = "SHA512";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                            OSSL_PARAM_construct_end() };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    uint8_t full[FULL_LEN], bits[8];
    enum status st = ST_NO_MEMORY;
    size_t len = 0;

    be_put(bits, 8 * (uint64_t)aad.len, sizeof bits);
    if (ctx != NULL && EVP_MAC_init(ctx, key, MAC_KEY_LEN, params) == 1 && update(ctx, aad) &&
        update(ctx, span_of(iv, CBC_HMAC_IV_LEN)) && update(ctx, sealed) && update(ctx, span_of(bits, sizeof bits)) &&
        EVP_MAC_final(ctx, full, &len, sizeof full) == 1 && len == sizeof full) {
        memcpy(tag, full, CBC_HMAC_TAG_LEN);
        st = ST_OK;
    }
    secret_wipe(full, sizeof full);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return st;
}

/* Either direction. False: the padding is wrong, or there is no memory. */
static bool cipher(const uint8_t *key, const uint8_t *iv, int encrypt, struct span in, uint8_t *out, size_t *len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0;
    bool ok;

    ok = ctx != NULL && EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key + MAC_KEY_LEN, iv, encrypt) == 1 &&
         (in.len == 0 || EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.len) == 1) &&
         EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
    *len = ok ? (size_t)n + (size_t)last : 0;
    EVP_CIPHER_CTX_free(ctx); /* wipes the key schedule */
    return ok;
}

enum status cbc_hmac_seal(const uint8_t key[CBC_HMAC_KEY_LEN], const uint8_t iv[CBC_HMAC_IV_LEN], struct span aad,
                          struct span plain, uint8_t *out, uint8_t tag[CBC_HMAC_TAG_LEN])
{
    size_t len;

    INVARIANT(plain.len <= INT32_MAX - 16);
    if (!cipher(key, iv, 1, plain, out, &len))
        return ST_NO_MEMORY;
    INVARIANT(len == cbc_hmac_sealed_len(plain.len));
    return authenticate(key, iv, aad, span_of(out, len), tag);
}

enum status cbc_hmac_open(const uint8_t key[CBC_HMAC_KEY_LEN], const uint8_t iv[CBC_HMAC_IV_LEN], struct span aad,
                          struct span sealed, const uint8_t tag[CBC_HMAC_TAG_LEN], uint8_t *out, size_t *len)
{
    uint8_t wanted[CBC_HMAC_TAG_LEN];
    enum status st;

    *len = 0;
    if (sealed.len == 0 || sealed.len % 16 != 0 || sealed.len > INT32_MAX)
        return ST_BAD_CIPHERTEXT;
    if ((st = authenticate(key, iv, aad, sealed, wanted)) == ST_OK &&
        (!secret_equal(span_of(wanted, sizeof wanted), span_of(tag, CBC_HMAC_TAG_LEN)) ||
         !cipher(key, iv, 0, sealed, out, len))) /* a padding that is wrong under a right tag is the sealer's fault */
        st = ST_BAD_CIPHERTEXT;
    secret_wipe(wanted, sizeof wanted);
    ERR_clear_error();
    return st;
}
