#include "firmware/wire/link_inside.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

/* One of each: nothing to negotiate is nothing to downgrade. */
#define CIPHERSUITE "TLS_AES_128_GCM_SHA256"
#define GROUP       "P-256"
#define SIGNATURES  "ECDSA+SHA256:ECDSA+SHA384:ed25519"
#define CHAIN_MAX   (4u * 1024) /* bytes of the peer's Certificate message: one small certificate */
#define SPKI_MAX    256         /* P-384: 120 bytes */

static enum status fingerprint(OSSL_LIB_CTX *library, X509 *certificate, uint8_t out[LINK_FINGERPRINT_LEN])
{
    const X509_PUBKEY *spki = X509_get_X509_PUBKEY(certificate);
    int len = spki != NULL ? i2d_X509_PUBKEY(spki, NULL) : -1;
    uint8_t der[SPKI_MAX], *end = der;

    if (len <= 0 || len > SPKI_MAX)
        return ST_BAD_REQUEST;
    if (i2d_X509_PUBKEY(spki, &end) != len || EVP_Q_digest(library, "SHA256", NULL, der, (size_t)len, out, NULL) != 1)
        return ST_NO_MEMORY;
    return ST_OK;
}

enum status link_fingerprint(X509 *certificate, uint8_t out[LINK_FINGERPRINT_LEN])
{
    return fingerprint(NULL, certificate, out);
}

bool link_key_is_acceptable(const EVP_PKEY *key)
{
    char group[32];

    if (key == NULL)
        return false;
    if (EVP_PKEY_is_a(key, "ED25519"))
        return true;
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

/* In place of OpenSSL's path building. There is no authority and no time here: a peer is its key, which it proves to
 * have by TLS itself (RFC 8446, 4.4.3); names, dates and signatures of its certificate mean nothing. */
static int check_peer(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct link_tls *about = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);

    (void)arg;
    if (sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) == 1 &&
        link_key_is_acceptable(X509_get0_pubkey(certificate)) &&
        fingerprint(about->id->library, certificate, about->fingerprint) == ST_OK &&
        (about->id->board || CRYPTO_memcmp(about->fingerprint, about->id->pinned, LINK_FINGERPRINT_LEN) == 0)) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

/* The binding travels as the one protocol that the client offers (ALPN, RFC 7301): part of the transcript, so whoever
 * changed HELLO or its answer on the way breaks the handshake. */
static int select_binding(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                          unsigned in_len, void *arg)
{
    const struct link_tls *about = SSL_get_app_data(ssl);

    (void)arg;
    if (in_len != 1 + LINK_BINDING_LEN || in[0] != LINK_BINDING_LEN ||
        CRYPTO_memcmp(in + 1, about->binding, LINK_BINDING_LEN) != 0)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = in + 1;
    *out_len = LINK_BINDING_LEN;
    return SSL_TLSEXT_ERR_OK;
}

bool link_identity_is_bound(SSL *ssl)
{
    const struct link_tls *about = SSL_get_app_data(ssl);
    const unsigned char *agreed;
    unsigned len;

    SSL_get0_alpn_selected(ssl, &agreed, &len);
    return len == LINK_BINDING_LEN && CRYPTO_memcmp(agreed, about->binding, LINK_BINDING_LEN) == 0;
}

/* --- the pipe --- */

static int pipe_read(BIO *bio, char *out, int len)
{
    int n = link_pipe_read(BIO_get_data(bio), out, len);

    BIO_clear_retry_flags(bio);
    if (n < 0)
        BIO_set_retry_read(bio);
    return n;
}

static int pipe_write(BIO *bio, const char *p, int len)
{
    BIO_clear_retry_flags(bio);
    return link_pipe_write(BIO_get_data(bio), p, len); /* -1 without "retry" fails the connection, as it should */
}

static long pipe_control(BIO *bio, int command, long number, void *p)
{
    (void)bio;
    (void)number;
    (void)p;
    return command == BIO_CTRL_FLUSH;
}

static int pipe_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *pipe_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link");

    if (m != NULL && BIO_meth_set_read(m, pipe_read) == 1 && BIO_meth_set_write(m, pipe_write) == 1 &&
        BIO_meth_set_ctrl(m, pipe_control) == 1 && BIO_meth_set_create(m, pipe_create) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* --- the identity --- */

static enum status settle(SSL_CTX *tls)
{
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_clear_options(tls, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(tls, CHAIN_MAX);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(tls, check_peer, NULL);
    SSL_CTX_set_alpn_select_cb(tls, select_binding, NULL);
    if (SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(tls, TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(tls, CIPHERSUITE) != 1 ||
        SSL_CTX_set1_groups_list(tls, GROUP) != 1 || SSL_CTX_set1_sigalgs_list(tls, SIGNATURES) != 1 ||
        SSL_CTX_set_num_tickets(tls, 0) != 1 || SSL_CTX_set_max_early_data(tls, 0) != 1)
        return ST_NO_MEMORY;
    return ST_OK;
}

static enum status identity_fill(struct link_identity *id, EVP_PKEY *key, X509 *certificate)
{
    enum status st;

    if (!link_key_is_acceptable(key))
        return ST_BAD_REQUEST;
    /* The client is a guest in someone's process: that process's configuration, engines and providers, one of which
     * may be what loaded us, are not for this. */
    if ((!id->board && (id->library = OSSL_LIB_CTX_new()) == NULL) || (id->pipe = pipe_method()) == NULL ||
        (id->tls = SSL_CTX_new_ex(id->library, NULL, id->board ? TLS_server_method() : TLS_client_method())) == NULL)
        return ST_NO_MEMORY;
    if ((st = settle(id->tls)) != ST_OK)
        return st;
    /* The second also refuses a key that is not the certificate's. */
    return SSL_CTX_use_certificate(id->tls, certificate) == 1 && SSL_CTX_use_PrivateKey(id->tls, key) == 1
               ? ST_OK
               : ST_BAD_REQUEST;
}

static enum status identity_new(EVP_PKEY *key, X509 *certificate, bool board, const uint8_t *pinned,
                                struct link_identity **out)
{
    struct link_identity *id = calloc(1, sizeof *id);
    enum status st = ST_NO_MEMORY;

    *out = NULL;
    ERR_set_mark();
    if (id != NULL) {
        id->board = board;
        if (pinned != NULL)
            memcpy(id->pinned, pinned, sizeof id->pinned);
        st = identity_fill(id, key, certificate);
    }
    if (st == ST_OK)
        *out = id;
    else
        link_identity_free(id);
    ERR_pop_to_mark();
    return st;
}

enum status link_identity_board(EVP_PKEY *key, X509 *certificate, struct link_identity **out)
{
    return identity_new(key, certificate, true, NULL, out);
}

enum status link_identity_client(EVP_PKEY *key, X509 *certificate, const uint8_t pinned[LINK_FINGERPRINT_LEN],
                                 struct link_identity **out)
{
    return identity_new(key, certificate, false, pinned, out);
}

void link_identity_free(struct link_identity *id)
{
    if (id == NULL)
        return;
    SSL_CTX_free(id->tls);
    BIO_meth_free(id->pipe);
    OSSL_LIB_CTX_free(id->library);
    free(id);
}

SSL *link_identity_tls(const struct link_identity *id, struct link *link, struct link_tls *about)
{
    uint8_t offer[1 + LINK_BINDING_LEN] = { LINK_BINDING_LEN };
    SSL *ssl = SSL_new(id->tls);
    BIO *bio = ssl != NULL ? BIO_new(id->pipe) : NULL;

    if (bio == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, link);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, about);
    memcpy(offer + 1, about->binding, LINK_BINDING_LEN);
    if (id->board) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    if (SSL_set_alpn_protos(ssl, offer, sizeof offer) == 0) /* 0 is success, in this one */
        return ssl;
    SSL_free(ssl);
    return NULL;
}

enum status link_identity_random(const struct link_identity *id, void *out, size_t len)
{
    return RAND_bytes_ex(id->library, out, len, 0) == 1 ? ST_OK : ST_UNAVAILABLE;
}

enum status link_identity_hash(const struct link_identity *id, struct span in, uint8_t out[32])
{
    return EVP_Q_digest(id->library, "SHA256", NULL, in.p, in.len, out, NULL) == 1 ? ST_OK : ST_NO_MEMORY;
}
