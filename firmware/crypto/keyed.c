#include "firmware/crypto/keyed.h"

#include <openssl/core_names.h>
#include <pthread.h>

#include "firmware/base/secret.h"

#define HMAC_BLOCK_MAX 144 /* SHA3-224 */

/* Fetched once: by algorithm, then by key length. */
static const char *const cipher_names[][3] = {
    [KEYED_AES_ECB] = { "AES-128-ECB", "AES-192-ECB", "AES-256-ECB" },
    [KEYED_AES_CBC] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" },
    [KEYED_AES_CTR] = { "AES-128-CTR", "AES-192-CTR", "AES-256-CTR" },
    [KEYED_AES_GCM] = { "AES-128-GCM", "AES-192-GCM", "AES-256-GCM" },
    [KEYED_AES_WRAP] = { "AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP" },
    [KEYED_AES_WRAP_PAD] = { "AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD" },
};
static EVP_CIPHER *ciphers[ARRAY_LEN(cipher_names)][3];
static EVP_MAC *cmac;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
        for (size_t j = 0; j < 3; j++)
            ciphers[i][j] = EVP_CIPHER_fetch(NULL, cipher_names[i][j], NULL);
    cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
}

static void keyed_free(struct keyed *c)
{
    if (c == NULL)
        return;
    EVP_CIPHER_CTX_free(c->cipher);
    EVP_MAC_CTX_free(c->mac);
    EVP_MD_CTX_free(c->inner);
    EVP_MD_CTX_free(c->outer);
    EVP_MD_CTX_free(c->running);
    free(c);
}

static bool key_cipher(struct keyed *c, const struct key *k)
{
    EVP_CIPHER *cipher = ciphers[c->algorithm][k->secret_len / 8 - 2];

    if ((c->cipher = EVP_CIPHER_CTX_new()) == NULL)
        return false;
    c->padded = true;
    c->iv_len = 12;
    EVP_CIPHER_CTX_set_flags(c->cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return EVP_CipherInit_ex2(c->cipher, cipher, k->secret, NULL, c->encrypting, NULL) == 1;
}

static bool key_cmac(struct keyed *c, const struct key *k)
{
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
                                OSSL_MAC_PARAM_CIPHER, (char *)cipher_names[KEYED_AES_CBC][k->secret_len / 8 - 2], 0),
                            OSSL_PARAM_END };

    return (c->mac = EVP_MAC_CTX_new(cmac)) != NULL && EVP_MAC_init(c->mac, k->secret, k->secret_len, params) == 1;
}

static bool absorb_pad(EVP_MD_CTX *ctx, const EVP_MD *md, const uint8_t *key, uint8_t pad)
{
    uint8_t block[HMAC_BLOCK_MAX];
    size_t len = (size_t)EVP_MD_get_block_size(md);
    bool ok;

    for (size_t i = 0; i < len; i++)
        block[i] = key[i] ^ pad;
    ok = EVP_DigestInit_ex2(ctx, md, NULL) == 1 && EVP_DigestUpdate(ctx, block, len) == 1;
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

/* FIPS 198-1, 4. By hand over two hash contexts: libcrypto's own HMAC costs more for its parameters than the hash does
 * for a short message. */
static bool key_hmac(struct keyed *c, const struct key *k)
{
    uint8_t key[HMAC_BLOCK_MAX] = { 0 };
    bool ok = (c->inner = EVP_MD_CTX_new()) != NULL && (c->outer = EVP_MD_CTX_new()) != NULL &&
              (c->running = EVP_MD_CTX_new()) != NULL;

    if (ok && k->secret_len > (size_t)EVP_MD_get_block_size(c->md))
        ok = EVP_Digest(k->secret, k->secret_len, key, NULL, c->md, NULL) == 1;
    else if (ok)
        memcpy(key, k->secret, k->secret_len);
    ok = ok && absorb_pad(c->inner, c->md, key, 0x36) && absorb_pad(c->outer, c->md, key, 0x5c);
    OPENSSL_cleanse(key, sizeof key);
    return ok;
}

static CK_RV make(const struct key *k, enum keyed_algorithm algorithm, const EVP_MD *md, bool encrypting,
                  struct keyed **out)
{
    struct keyed *c = calloc(1, sizeof *c);
    bool ok;

    if (c == NULL)
        return CKR_HOST_MEMORY;
    pthread_once(&fetched, fetch);
    c->algorithm = algorithm;
    c->encrypting = encrypting;
    c->md = md;
    if (algorithm == KEYED_HMAC)
        ok = key_hmac(c, k);
    else if (algorithm == KEYED_CMAC)
        ok = key_cmac(c, k);
    else
        ok = key_cipher(c, k);
    if (!ok) {
        keyed_free(c);
        return CKR_DEVICE_ERROR;
    }
    *out = c;
    return CKR_OK;
}

/* Two threads and two directions of one key keep out of each other's way. */
static _Atomic(struct keyed *) *slot_of(struct key *k, bool encrypting)
{
    static atomic_uint threads;
    static _Thread_local unsigned mine;

    if (mine == 0)
        mine = atomic_fetch_add(&threads, 1) + 1;
    return &k->stash[(mine * 2 + encrypting) % KEY_STASHES];
}

CK_RV keyed_take(struct key *key, enum keyed_algorithm algorithm, const EVP_MD *md, bool encrypting, struct keyed **out)
{
    struct keyed *c = atomic_exchange(slot_of(key, encrypting), NULL);

    if (c != NULL && c->algorithm == algorithm && c->md == md &&
        (c->encrypting == encrypting || algorithm == KEYED_AES_GCM)) {
        *out = c;
        return CKR_OK;
    }
    keyed_free(c);
    return make(key, algorithm, md, encrypting, out);
}

void keyed_give(struct key *key, struct keyed *c)
{
    if (c != NULL)
        keyed_free(atomic_exchange(slot_of(key, c->encrypting), c));
}

void keyed_forget(struct key *k)
{
    for (size_t i = 0; i < KEY_STASHES; i++)
        keyed_free(atomic_exchange(&k->stash[i], NULL));
}
