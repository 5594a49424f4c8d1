#include "firmware/crypto/pin.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "firmware/base/secret.h"

#define SCRYPT_R      8
#define SCRYPT_P      1
#define SCRYPT_MEMORY (128u << 20) /* COST_LOG_MAX takes 128 * r * N = 64 MiB */
#define COST_LOG_MAX  16
#define VERSION       1
#define SALT_AT       4
#define HASH_AT       20
#define END_AT        52

uint32_t pin_cost = PIN_COST;

/* scrypt(HMAC-SHA-256(pepper, PIN), salt): without the pepper no guess can be tried, with it each one costs a scrypt.
 * The PIN is the HMAC's message because scrypt takes its password as an HMAC key, where a PIN and the same PIN with a
 * NUL behind it would be one. */
static enum status derive(const struct pin *p, struct span pin, const uint8_t pepper[32], uint8_t out[32])
{
    uint8_t peppered[32];
    bool ok;

    ok = HMAC(EVP_sha256(), pepper, 32, pin.len > 0 ? pin.p : (const uint8_t *)"", pin.len, peppered, NULL) != NULL &&
         EVP_PBE_scrypt((const char *)peppered, sizeof peppered, p->salt, sizeof p->salt, p->cost, SCRYPT_R, SCRYPT_P,
                        SCRYPT_MEMORY, out, 32) == 1;
    secret_wipe(peppered, sizeof peppered);
    return ok ? ST_OK : ST_NO_MEMORY;
}

enum status pin_make(struct pin *p, struct span pin, const uint8_t pepper[32])
{
    *p = (struct pin){ .set = true, .cost = pin_cost };
    if (RAND_bytes(p->salt, sizeof p->salt) != 1)
        return ST_CORRUPT;
    return derive(p, pin, pepper, p->hash);
}

enum status pin_check(const struct pin *p, struct span pin, const uint8_t pepper[32])
{
    uint8_t hash[32];
    enum status st;

    if (!p->set)
        return ST_NOT_PERMITTED;
    if ((st = derive(p, pin, pepper, hash)) == ST_OK && CRYPTO_memcmp(hash, p->hash, sizeof hash) != 0)
        st = ST_NOT_PERMITTED;
    secret_wipe(hash, sizeof hash);
    return st;
}

/* version 1, set 1, tries 1, log2 of the cost 1, salt 16, hash 32, zeros 28 */
void pin_pack(const struct pin *p, uint8_t out[PIN_RECORD_LEN])
{
    memset(out, 0, PIN_RECORD_LEN);
    out[0] = VERSION;
    if (!p->set)
        return;
    out[1] = 1;
    out[2] = p->tries;
    out[3] = (uint8_t)__builtin_ctz(p->cost);
    memcpy(out + SALT_AT, p->salt, sizeof p->salt);
    memcpy(out + HASH_AT, p->hash, sizeof p->hash);
}

enum status pin_unpack(struct pin *p, const uint8_t in[PIN_RECORD_LEN])
{
    size_t zeros_at = in[1] == 0 ? 2 : END_AT; /* a PIN that is not set has nothing but that */

    *p = (struct pin){ 0 };
    if (in[0] != VERSION || in[1] > 1 || (in[1] == 1 && (in[3] == 0 || in[3] > COST_LOG_MAX)))
        return ST_CORRUPT;
    for (size_t i = zeros_at; i < PIN_RECORD_LEN; i++)
        if (in[i] != 0)
            return ST_CORRUPT;
    if (in[1] == 0)
        return ST_OK;
    p->set = true;
    p->tries = in[2];
    p->cost = 1u << in[3];
    memcpy(p->salt, in + SALT_AT, sizeof p->salt);
    memcpy(p->hash, in + HASH_AT, sizeof p->hash);
    return ST_OK;
}
