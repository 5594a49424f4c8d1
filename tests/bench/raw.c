/* bench_raw - what libcrypto alone takes, with key and context warm: the measure of all other rows. Built twice: with
 * the machine's libcrypto (bench_raw), which SoftHSM uses, and with the firmware's (bench_raw_firmware). Takes orders.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>

#include "tests/bench/crew.h"
#include "tests/bench/order.h"

#define STEP 16 /* symmetric operations between two looks at the clock */

struct raw {
    enum work work;
    EVP_PKEY *key;
    EVP_PKEY_CTX *sign;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    OSSL_PARAM *params; /* of the key that is loaded */
    uint8_t input[1024];
    size_t input_len;
};

struct bench {
    struct measure measure;
    EVP_PKEY *keys[WORK_COUNT_];
};

static EVP_PKEY *make_key(enum work work)
{
    switch (work) {
    case WORK_P256:
    case WORK_LOAD:
        return EVP_EC_gen("P-256");
    case WORK_P384:
        return EVP_EC_gen("P-384");
    case WORK_RSA2048:
        return EVP_RSA_gen(2048);
    case WORK_RSA4096:
        return EVP_RSA_gen(4096);
    case WORK_ML_DSA65:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ML-DSA-65");
    default:
        return NULL;
    }
}

static unsigned sign(void *arg)
{
    struct raw *r = arg;
    uint8_t signature[4096];
    size_t len = sizeof signature;

    return EVP_PKEY_sign(r->sign, signature, &len, r->input, r->input_len) == 1;
}

static unsigned encrypt(void *arg)
{
    static const uint8_t iv[12];
    uint8_t out[1024 + 16], tag[16];
    struct raw *r = arg;
    int len, more;

    for (unsigned i = 0; i < STEP; i++)
        if (EVP_EncryptInit_ex2(r->cipher, NULL, NULL, iv, NULL) != 1 ||
            EVP_EncryptUpdate(r->cipher, out, &len, r->input, (int)r->input_len) != 1 ||
            EVP_EncryptFinal_ex(r->cipher, out + len, &more) != 1 ||
            EVP_CIPHER_CTX_ctrl(r->cipher, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag) != 1)
            return 0;
    return STEP;
}

static unsigned authenticate(void *arg)
{
    struct raw *r = arg;
    uint8_t mac[32];
    size_t len;

    for (unsigned i = 0; i < STEP; i++)
        if (EVP_MAC_init(r->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(r->mac, r->input, r->input_len) != 1 ||
            EVP_MAC_final(r->mac, mac, &len, sizeof mac) != 1)
            return 0;
    return STEP;
}

/* A P-256 key out of its numbers: what is left of opening a sealed key when nothing is sealed. */
static unsigned load(void *arg)
{
    struct raw *r = arg;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    bool ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, r->params) == 1;

    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool prepare_sign(struct raw *r)
{
    if ((r->sign = EVP_PKEY_CTX_new(r->key, NULL)) == NULL)
        return false;
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
    if (r->work == WORK_ML_DSA65) {
        EVP_SIGNATURE *alg = EVP_SIGNATURE_fetch(NULL, "ML-DSA-65", NULL);
        bool ok = alg != NULL && EVP_PKEY_sign_message_init(r->sign, alg, NULL) == 1;

        EVP_SIGNATURE_free(alg);
        return ok;
    }
#endif
    if (EVP_PKEY_sign_init(r->sign) != 1)
        return false;
    return !EVP_PKEY_is_a(r->key, "RSA") || (EVP_PKEY_CTX_set_rsa_padding(r->sign, RSA_PKCS1_PADDING) == 1 &&
                                             EVP_PKEY_CTX_set_signature_md(r->sign, EVP_sha256()) == 1);
}

static bool prepare_symmetric(struct raw *r)
{
    OSSL_PARAM digest[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
                            OSSL_PARAM_construct_end() };
    uint8_t key[32];
    EVP_MAC *hmac;

    if (RAND_bytes(key, sizeof key) != 1)
        return false;
    if (r->work != WORK_HMAC64)
        return (r->cipher = EVP_CIPHER_CTX_new()) != NULL &&
               EVP_EncryptInit_ex2(r->cipher, EVP_aes_256_gcm(), key, NULL, NULL) == 1;
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    r->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    return r->mac != NULL && EVP_MAC_init(r->mac, key, sizeof key, digest) == 1;
}

static bool prepare(struct raw *r, struct bench *b, enum work work)
{
    r->work = work;
    r->input_len = work_input_len(work);
    if (RAND_bytes(r->input, sizeof r->input) != 1)
        return false;
    if (work_is_symmetric(work))
        return prepare_symmetric(r);
    if (b->keys[work] == NULL && (b->keys[work] = make_key(work)) == NULL)
        return false;
    r->key = b->keys[work];
    if (work == WORK_LOAD)
        return EVP_PKEY_todata(r->key, EVP_PKEY_KEYPAIR, &r->params) == 1;
    return prepare_sign(r);
}

static void clear(struct raw *r)
{
    EVP_PKEY_CTX_free(r->sign);
    EVP_CIPHER_CTX_free(r->cipher);
    EVP_MAC_CTX_free(r->mac);
    OSSL_PARAM_free(r->params);
}

static crew_step *step_of(enum work work)
{
    switch (work) {
    case WORK_GCM64:
    case WORK_GCM1K:
        return encrypt;
    case WORK_HMAC64:
        return authenticate;
    case WORK_LOAD:
        return load;
    default:
        return sign;
    }
}

static enum status obey(void *arg, const struct order *o)
{
    struct bench *b = arg;
    struct raw raws[2] = { 0 };
    void *args[2] = { &raws[0], &raws[1] };
    unsigned threads = o->way == WAY_TWO ? 2 : 1;
    enum status st = ST_OK;

    if (o->way == WAY_BATCH || (o->work == WORK_ML_DSA65 && OPENSSL_VERSION_NUMBER < 0x30500000L))
        return ST_UNSUPPORTED;
    for (unsigned i = 0; i < threads && st == ST_OK; i++)
        st = prepare(&raws[i], b, o->work) ? ST_OK : ST_INTERNAL;
    if (st == ST_OK && (st = crew_run(&b->measure, step_of(o->work), args, threads, o->duration_us)) == ST_OK)
        measure_print(&b->measure, way_name(o->way), work_name(o->work));
    for (unsigned i = 0; i < 2; i++)
        clear(&raws[i]);
    return st;
}

int main(void)
{
    struct bench b = { 0 };
    int code;

    if (measure_init(&b.measure) != ST_OK)
        return EXIT_FAILURE;
    code = orders_obey(obey, &b);
    for (unsigned i = 0; i < WORK_COUNT_; i++)
        EVP_PKEY_free(b.keys[i]);
    measure_clear(&b.measure);
    return code;
}
