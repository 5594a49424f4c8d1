/* Persistent private keys as EVP_PKEYs, by libp11.
 * A key of libp11 holds an object handle, which is worth nothing once the token has been away, and an SSL_CTX holds its
 * key for months. So what we give out is a key of our own whose only operation is passed on to libp11's key of the
 * present connection; that one is fetched again with each reconnect. */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY_METHOD and RSA_METHOD: libp11 speaks nothing newer either */

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "pkcs11/token/state.h"

struct libp11_key {
    atomic_uint refs;
    struct token *token; /* NULL: closed */
    char label[LABEL_MAX];
    EVP_PKEY *inner; /* libp11's; NULL until it is needed in the present connection */
    struct libp11_key *next;
};

/* The lists of keys, their tokens, and the freeing of inner keys. Taken last. */
static pthread_mutex_t keys_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_once_t methods_once = PTHREAD_ONCE_INIT;
static EC_KEY_METHOD *ec_method;
static RSA_METHOD *rsa_method;
static int ec_index = -1, rsa_index = -1;

static void enlist(struct token *t, struct libp11_key *k)
{
    pthread_mutex_lock(&keys_lock);
    k->token = t;
    k->next = t->libp11_keys;
    t->libp11_keys = k;
    pthread_mutex_unlock(&keys_lock);
}

static void delist(struct libp11_key *k)
{
    struct libp11_key **at;

    if (k->token == NULL)
        return;
    for (at = &k->token->libp11_keys; *at != k; at = &(*at)->next)
        ;
    *at = k->next;
}

static void unref(struct libp11_key *k)
{
    if (k == NULL || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_lock(&keys_lock);
    delist(k);
    EVP_PKEY_free(k->inner);
    pthread_mutex_unlock(&keys_lock);
    free(k);
}

void libp11_keys_drop(struct token *t, bool for_good)
{
    pthread_mutex_lock(&keys_lock);
    for (struct libp11_key *k = t->libp11_keys; k != NULL; k = k->next) {
        EVP_PKEY_free(k->inner);
        k->inner = NULL;
        if (for_good)
            k->token = NULL;
    }
    if (for_good)
        t->libp11_keys = NULL;
    pthread_mutex_unlock(&keys_lock);
}

/* Look `label` up among libp11's keys. The list is libp11's and may move with each look, so nobody may look at the same
 * time: the caller holds libp11_lock for writing. */
static enum status fetch(struct token *t, const char *label, EVP_PKEY **out)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    *out = NULL;
    if (PKCS11_enumerate_keys(t->libp11.slot->token, &keys, &count) != 0) {
        ERR_clear_error();
        return ST_UNAVAILABLE;
    }
    for (unsigned i = 0; i < count && *out == NULL; i++)
        if (keys[i].label != NULL && strcmp(keys[i].label, label) == 0)
            *out = PKCS11_get_private_key(&keys[i]);
    ERR_clear_error();
    return *out != NULL ? ST_OK : ST_NOT_FOUND;
}

/* As fetch(), for a key that libp11_keys_renew() may have fetched. */
static enum status fetch_once(struct libp11_key *k, struct token *t)
{
    if (!token_is_up(t))
        return ST_UNAVAILABLE;
    return k->inner != NULL ? ST_OK : fetch(t, k->label, &k->inner);
}

static bool refresh(struct token *t, struct libp11_key *k)
{
    bool ok;

    pthread_rwlock_wrlock(&t->libp11_lock);
    ok = fetch_once(k, t) == ST_OK;
    pthread_rwlock_unlock(&t->libp11_lock);
    return ok;
}

static bool label_at(struct token *t, unsigned index, char out[LABEL_MAX])
{
    const struct libp11_key *k;

    pthread_mutex_lock(&keys_lock);
    for (k = t->libp11_keys; k != NULL && index > 0; k = k->next)
        index--;
    if (k != NULL)
        memcpy(out, k->label, LABEL_MAX);
    pthread_mutex_unlock(&keys_lock);
    return k != NULL;
}

static void give(struct token *t, const char *label, EVP_PKEY *inner)
{
    pthread_mutex_lock(&keys_lock);
    for (struct libp11_key *k = t->libp11_keys; k != NULL; k = k->next)
        if (k->inner == NULL && strcmp(k->label, label) == 0 && EVP_PKEY_up_ref(inner) == 1)
            k->inner = inner;
    pthread_mutex_unlock(&keys_lock);
}

/* Keys may come and go meanwhile, and keys_lock is not held while the token is asked. One that is missed here is
 * fetched by its next use. */
void libp11_keys_renew(struct token *t)
{
    char label[LABEL_MAX];
    EVP_PKEY *inner;

    for (unsigned i = 0; label_at(t, i, label); i++)
        if (fetch(t, label, &inner) == ST_OK) {
            give(t, label, inner);
            EVP_PKEY_free(inner);
        }
}

/* The token, with libp11_lock held for reading. NULL (and not held) when it is away or closed, or just being connected:
 * a handshake that fails is better than an I/O thread that waits. */
static struct token *enter(struct libp11_key *k)
{
    struct token *t;

    pthread_mutex_lock(&keys_lock);
    t = k->token;
    if (t != NULL && (!token_is_up(t) || pthread_rwlock_tryrdlock(&t->libp11_lock) != 0))
        t = NULL;
    pthread_mutex_unlock(&keys_lock);
    return t;
}

/* libp11's key of the present connection; hold and NULL as enter(). */
static EVP_PKEY *borrow(struct libp11_key *k, struct token **token)
{
    struct token *t;

    for (int attempt = 0; attempt < 2 && (t = enter(k)) != NULL; attempt++) {
        *token = t;
        if (k->inner != NULL)
            return k->inner;
        pthread_rwlock_unlock(&t->libp11_lock);
        if (!refresh(t, k))
            return NULL;
    }
    return NULL;
}

/* libp11 does not say why an operation failed; ask the token whether it still knows us. */
static void give_back(struct token *t, bool failed)
{
    struct worker *w = &t->workers[CALLER_WORKER];
    CK_SESSION_INFO info;

    pthread_rwlock_unlock(&t->libp11_lock);
    if (!failed)
        return;
    pthread_mutex_lock(&w->in_use);
    if (token_is_up(t))
        (void)call_result(t, t->f->C_GetSessionInfo(w->session, &info));
    pthread_mutex_unlock(&w->in_use);
}

static ECDSA_SIG *ec_sign_signature(const unsigned char *digest, int len, const BIGNUM *kinv, const BIGNUM *rp,
                                    EC_KEY *outer)
{
    struct libp11_key *k = EC_KEY_get_ex_data(outer, ec_index);
    struct token *t = NULL;
    EVP_PKEY *inner = k != NULL ? borrow(k, &t) : NULL;
    ECDSA_SIG *signature;

    (void)kinv;
    (void)rp;
    if (inner == NULL)
        return NULL;
    signature = ECDSA_do_sign(digest, len, (EC_KEY *)(uintptr_t)EVP_PKEY_get0_EC_KEY(inner));
    give_back(t, signature == NULL);
    return signature;
}

static int rsa_private_encrypt(int len, const unsigned char *from, unsigned char *to, RSA *outer, int padding)
{
    struct libp11_key *k = RSA_get_ex_data(outer, rsa_index);
    struct token *t = NULL;
    EVP_PKEY *inner = k != NULL ? borrow(k, &t) : NULL;
    int n;

    if (inner == NULL)
        return -1;
    n = RSA_private_encrypt(len, from, to, (RSA *)(uintptr_t)EVP_PKEY_get0_RSA(inner), padding);
    give_back(t, n <= 0);
    return n;
}

static int rsa_private_decrypt(int len, const unsigned char *from, unsigned char *to, RSA *outer, int padding)
{
    (void)len;
    (void)from;
    (void)to;
    (void)outer;
    (void)padding;
    return -1; /* these keys sign */
}

static void on_free(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    unref(p);
}

static int on_dup(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **p, int index, long argl, void *argp)
{
    struct libp11_key *k = *p;

    (void)to;
    (void)from;
    (void)index;
    (void)argl;
    (void)argp;
    if (k != NULL)
        atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return 1;
}

static void make_methods(void)
{
    int (*sign)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *, const BIGNUM *,
                EC_KEY *) = NULL;
    int (*setup)(EC_KEY *, BN_CTX *, BIGNUM **, BIGNUM **) = NULL;

    ec_index = EC_KEY_get_ex_new_index(0, NULL, NULL, on_dup, on_free);
    rsa_index = RSA_get_ex_new_index(0, NULL, NULL, on_dup, on_free);
    if ((ec_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL())) != NULL) {
        EC_KEY_METHOD_get_sign(ec_method, &sign, &setup, NULL);
        EC_KEY_METHOD_set_sign(ec_method, sign, NULL, ec_sign_signature);
    }
    if ((rsa_method = RSA_meth_dup(RSA_PKCS1_OpenSSL())) != NULL) {
        RSA_meth_set1_name(rsa_method, "strongroom token");
        RSA_meth_set_flags(rsa_method, RSA_METHOD_FLAG_NO_CHECK);
        RSA_meth_set_priv_enc(rsa_method, rsa_private_encrypt);
        RSA_meth_set_priv_dec(rsa_method, rsa_private_decrypt);
    }
}

/* Both builders give the new key a reference to `k` when they succeed. */
static bool build_ec(struct libp11_key *k, EVP_PKEY *out)
{
    const EC_KEY *inner = EVP_PKEY_get0_EC_KEY(k->inner);
    EC_KEY *ec = EC_KEY_new();
    bool ok = ec != NULL && inner != NULL && EC_KEY_get0_public_key(inner) != NULL && ec_index >= 0 &&
              ec_method != NULL && EC_KEY_set_group(ec, EC_KEY_get0_group(inner)) == 1 &&
              EC_KEY_set_public_key(ec, EC_KEY_get0_public_key(inner)) == 1 && EC_KEY_set_method(ec, ec_method) == 1 &&
              EVP_PKEY_set1_EC_KEY(out, ec) == 1 && EC_KEY_set_ex_data(ec, ec_index, k) == 1;

    EC_KEY_free(ec);
    return ok;
}

static bool build_rsa(struct libp11_key *k, EVP_PKEY *out)
{
    const RSA *inner = EVP_PKEY_get0_RSA(k->inner);
    BIGNUM *n = inner != NULL ? BN_dup(RSA_get0_n(inner)) : NULL, *e = inner != NULL ? BN_dup(RSA_get0_e(inner)) : NULL;
    RSA *rsa = RSA_new();
    bool ok = rsa != NULL && n != NULL && e != NULL && RSA_set0_key(rsa, n, e, NULL) == 1;

    if (!ok) {
        BN_free(n);
        BN_free(e);
    }
    ok = ok && rsa_index >= 0 && rsa_method != NULL && RSA_set_method(rsa, rsa_method) == 1 &&
         EVP_PKEY_set1_RSA(out, rsa) == 1 && RSA_set_ex_data(rsa, rsa_index, k) == 1;
    RSA_free(rsa);
    return ok;
}

static enum status build(struct libp11_key *k, EVP_PKEY **out)
{
    EVP_PKEY *key = EVP_PKEY_new();
    bool ok = false;

    if (key == NULL)
        return ST_NO_MEMORY;
    if (EVP_PKEY_get_base_id(k->inner) == EVP_PKEY_EC)
        ok = build_ec(k, key);
    else if (EVP_PKEY_get_base_id(k->inner) == EVP_PKEY_RSA)
        ok = build_rsa(k, key);
    ERR_clear_error();
    if (!ok) {
        EVP_PKEY_free(key);
        return ST_NOT_FOUND;
    }
    *out = key;
    return ST_OK;
}

enum status token_private_key(struct token *t, const char *label, EVP_PKEY **out)
{
    struct libp11_key *k;
    enum status st;

    *out = NULL;
    if (strlen(label) >= LABEL_MAX)
        return ST_NOT_FOUND;
    pthread_once(&methods_once, make_methods);
    if ((k = calloc(1, sizeof *k)) == NULL)
        return ST_NO_MEMORY;
    atomic_init(&k->refs, 1);
    memcpy(k->label, label, strlen(label) + 1);
    enlist(t, k);
    pthread_rwlock_wrlock(&t->libp11_lock);
    if ((st = fetch_once(k, t)) == ST_OK)
        st = build(k, out);
    pthread_rwlock_unlock(&t->libp11_lock);
    if (st != ST_OK)
        unref(k); /* else `k` is the key's */
    return st;
}
