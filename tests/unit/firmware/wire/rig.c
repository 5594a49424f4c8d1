#include "tests/unit/firmware/wire/rig.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

const uint8_t rig_boot_id[LINK_BOOT_ID_LEN] = "a board's boot";

void credential_make(struct credential *c, const char *kind)
{
    X509_NAME *name = X509_NAME_new();
    bool digests = strcmp(kind, "ED25519") != 0;
    enum status st;

    c->key = strcmp(kind, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
             : digests                ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind)
                                      : EVP_PKEY_Q_keygen(NULL, NULL, kind);
    c->certificate = X509_new();
    INVARIANT(name != NULL && c->key != NULL && c->certificate != NULL);
    INVARIANT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"rig", -1, -1, 0) == 1);
    INVARIANT(X509_set_subject_name(c->certificate, name) == 1 && X509_set_issuer_name(c->certificate, name) == 1);
    /* Long past: boards have no clock that could be trusted, so it must not matter. */
    INVARIANT(ASN1_TIME_set(X509_getm_notBefore(c->certificate), 0) != NULL);
    INVARIANT(ASN1_TIME_set(X509_getm_notAfter(c->certificate), 86400) != NULL);
    INVARIANT(X509_set_pubkey(c->certificate, c->key) == 1);
    INVARIANT(X509_sign(c->certificate, c->key, digests ? EVP_sha256() : NULL) > 0);
    X509_NAME_free(name);
    st = link_fingerprint(c->certificate, c->fingerprint);
    INVARIANT(st == ST_OK || strcmp(kind, "RSA") == 0); /* whose key is too large for the purpose */
}

void credential_clear(struct credential *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->certificate);
}

void pair_renew(struct pair *p, enum link_framing framing)
{
    enum status st;

    link_free(p->board);
    link_free(p->client);
    st = link_new_board(p->board_identity, framing, rig_boot_id, &p->board);
    INVARIANT(st == ST_OK);
    st = link_new_client(p->client_identity, framing, &p->client);
    INVARIANT(st == ST_OK);
}

void pair_init(struct pair *p, enum link_framing framing)
{
    enum status st;

    *p = (struct pair){ 0 };
    credential_make(&p->board_credential, "P-256");
    credential_make(&p->client_credential, "P-256");
    st = link_identity_board(p->board_credential.key, p->board_credential.certificate, &p->board_identity);
    INVARIANT(st == ST_OK);
    st = link_identity_client(p->client_credential.key, p->client_credential.certificate,
                              p->board_credential.fingerprint, &p->client_identity);
    INVARIANT(st == ST_OK);
    pair_renew(p, framing);
}

void pair_clear(struct pair *p)
{
    link_free(p->board);
    link_free(p->client);
    link_identity_free(p->board_identity);
    link_identity_free(p->client_identity);
    credential_clear(&p->board_credential);
    credential_clear(&p->client_credential);
}

static enum status carry_piece(struct link *from, struct link *to, size_t piece)
{
    struct span out = link_output(from);
    enum status st;

    if (out.len > piece)
        out.len = piece;
    if (out.len == 0)
        return ST_OK;
    st = link_feed(to, out);
    link_output_taken(from, out.len);
    return st;
}

enum status pair_pump(struct pair *p, size_t piece)
{
    enum status st = ST_OK;

    while (st == ST_OK && (link_output(p->client).len > 0 || link_output(p->board).len > 0)) {
        if ((st = carry_piece(p->client, p->board, piece)) == ST_OK)
            st = carry_piece(p->board, p->client, piece);
    }
    return st;
}

void pair_open(struct pair *p, enum link_framing framing)
{
    enum status st;

    pair_init(p, framing);
    st = pair_pump(p, LINK_FRAME_MAX);
    INVARIANT(st == ST_OK && link_is_open(p->client) && link_is_open(p->board));
}

enum status carry(struct link *from, struct link *to)
{
    return carry_piece(from, to, SIZE_MAX);
}
