#include "provisioning/ceremony/holder_share.h"

#include <openssl/rand.h>

#include "firmware/domain/domain_share.h"

int holder_share_open(const struct invocation *in, const Ks__DomainFile *f,
                      const struct holder_certificate *certificate, EVP_PKEY *key, struct secret *share)
{
    struct span id = span_of(certificate->id, sizeof certificate->id);
    enum status st;

    for (size_t i = 0; i < f->n_shares; i++) {
        if (!span_equal(span_of(f->shares[i]->holder.data, f->shares[i]->holder.len), id))
            continue;
        st = domain_share_open(span_text(f->shares[i]->compact_jwe), key, share);
        return st == ST_OK ? EXIT_DONE
                           : command_refuse(in, "the share for this certificate does not open: %s", status_name(st));
    }
    return command_refuse(in, "this domain file has no share for this certificate");
}

static enum status draw(void *out, size_t len)
{
    return len <= INT32_MAX && RAND_priv_bytes(out, (int)len) == 1 ? ST_OK : ST_UNAVAILABLE;
}

int holder_share_seal(const struct invocation *in, const struct secret *share, X509 *transfer, struct bytes *jwe)
{
    enum status st = domain_share_seal(secret_span(share), transfer, draw, jwe);

    return st == ST_OK
               ? EXIT_DONE
               : command_refuse(in, "the share cannot be encrypted to the transfer certificate: %s", status_name(st));
}
