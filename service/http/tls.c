#include "service/http/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "firmware/base/log.h"

#define SUITES_1_2                                                                                                     \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                                       \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                                       \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* h2 before http/1.1, whatever order the client prefers; neither of them: no_application_protocol (RFC 7301, 3.2).
 * A client that offers no ALPN at all does not come here and speaks HTTP/1.1. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                           unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

bool tls_chose_h2(const SSL *ssl)
{
    const unsigned char *name;
    unsigned len;

    SSL_get0_alpn_selected(ssl, &name, &len);
    return len == 2 && name[0] == 'h' && name[1] == '2';
}

static enum status configure(SSL_CTX *ctx)
{
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(ctx, SUITES_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, SUITES_1_3) != 1 || SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1 ||
        SSL_CTX_set_num_tickets(ctx, 1) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1)
        return ST_INTERNAL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_CLEANSE_PLAINTEXT); /* what was decrypted holds access tokens */
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets carry the state, we keep none */
    SSL_CTX_set_read_ahead(ctx, 1);                          /* a system call for many records, not two for each */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return ST_OK;
}

static enum status load(SSL_CTX *ctx, const char *file, EVP_PKEY *key)
{
    if (access(file, R_OK) != 0) {
        log_error("http: certificate %s: %s", file, strerror(errno));
        return ST_NOT_FOUND;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, file) != 1) {
        log_error("http: certificate %s: not a PEM certificate and its chain", file);
        return ST_BAD_REQUEST;
    }
    /* The key may live in a token, so only the public halves can be compared. */
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        log_error("http: certificate %s does not belong to the TLS key", file);
        return ST_CONFLICT;
    }
    return ST_OK;
}

enum status tls_context_new(const char *certificate_file, EVP_PKEY *key, SSL_CTX **out)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum status st = ctx == NULL ? ST_NO_MEMORY : configure(ctx);

    *out = NULL;
    if (st == ST_OK)
        st = load(ctx, certificate_file, key);
    ERR_clear_error();
    if (st == ST_OK)
        *out = ctx;
    else
        SSL_CTX_free(ctx);
    return st;
}
