#include "firmware/domain/domain_share.h"

static enum status open_exactly(struct span jwe, EVP_PKEY *key, size_t len, struct secret *out)
{
    enum status st = jwe_open_with(key, jwe, out);

    if (st == ST_OK && out->len != len) {
        secret_clear(out);
        st = ST_BAD_CIPHERTEXT;
    }
    return st;
}

enum status domain_share_open(struct span jwe, EVP_PKEY *key, struct secret *share)
{
    return open_exactly(jwe, key, DOMAIN_SHARE_LEN, share);
}

enum status domain_master_open(struct span jwe, EVP_PKEY *key, struct secret *master)
{
    return open_exactly(jwe, key, DOMAIN_MASTER_LEN, master);
}

enum status domain_share_seal(struct span share, X509 *to, random_draw *draw, struct bytes *jwe)
{
    EVP_PKEY *key = X509_get0_pubkey(to);

    if (share.len != DOMAIN_SHARE_LEN)
        return ST_BAD_REQUEST;
    if (key == NULL)
        return ST_UNSUPPORTED;
    return jwe_seal_to(key, share, draw, jwe);
}

enum status domain_holder_name(struct span certificate, uint8_t out[32])
{
    return EVP_Digest(certificate.p, certificate.len, out, NULL, EVP_sha256(), NULL) == 1 ? ST_OK : ST_NO_MEMORY;
}
