#include "firmware/crypto/keyed.h"

#include <openssl/core_names.h>
#include <pthread.h>

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
static EVP_MAC *cmac, *hmac;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
        for (size_t j = 0; j < 3; j++)
            ciphers[i][j] = EVP_CIPHER_fetch(NULL, cipher_names[i][j], NULL);
    cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static void keyed_free(struct keyed *c)
{
    if (c == NULL)
        return;
    EVP_CIPHER_CTX_free(c->cipher);
    EVP_MAC_CTX_free(c->mac);
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

static bool key_mac(struct keyed *c, const struct key *k)
{
    bool is_hmac = c->algorithm == KEYED_HMAC;
    const char *name = is_hmac ? EVP_MD_get0_name(c->md) : cipher_names[KEYED_AES_CBC][k->secret_len / 8 - 2];
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(is_hmac ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER,
                                                             (char *)name, 0),
                            OSSL_PARAM_END };

    return (c->mac = EVP_MAC_CTX_new(is_hmac ? hmac : cmac)) != NULL &&
           EVP_MAC_init(c->mac, k->secret, k->secret_len, params) == 1;
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
    ok = algorithm == KEYED_HMAC || algorithm == KEYED_CMAC ? key_mac(c, k) : key_cipher(c, k);
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

    if (c != NULL && c->algorithm == algorithm && c->md == md && c->encrypting == encrypting) {
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
