/* The quote beside a statement: does the TPM that the factory saw vouch for it? */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "firmware/wire/act.h"
#include "provisioning/attest/statement_verify.h"
#include "provisioning/attest/tpm_quote.h"

static bool key_is_the_certified_one(struct verification *v)
{
    const struct signed_statement *f = v->file;
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256(f->quote_key.p, f->quote_key.len, hash);
    if (memcmp(hash, v->claims.quote_key, sizeof hash) != 0)
        return statement_fails(v, "its key is not the one that the certificate names");
    return (f->content->quote_key.len == sizeof hash && memcmp(f->content->quote_key.data, hash, sizeof hash) == 0) ||
           statement_fails(v, "its key is not the one that the statement names");
}

static bool signature_holds(struct verification *v)
{
    const uint8_t *p = v->file->quote_key.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)v->file->quote_key.len);
    bool ok = key != NULL && p == v->file->quote_key.p + v->file->quote_key.len &&
              statement_signed_by(key, &v->file->quote_signature, span_of(NULL, 0), bytes_span(&v->file->quote));

    EVP_PKEY_free(key);
    return ok || statement_fails(v, "its signature is not the TPM's");
}

/* What was asked of the TPM is the hash of prefix and statement. */
static bool is_of_this_statement(struct verification *v, struct span extra_data)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    unsigned len = sizeof hash;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, STATEMENT_PREFIX, sizeof STATEMENT_PREFIX) == 1 &&
              EVP_DigestUpdate(md, v->file->statement.p, v->file->statement.len) == 1 &&
              EVP_DigestFinal_ex(md, hash, &len) == 1;

    EVP_MD_CTX_free(md);
    return (ok && span_equal(extra_data, span_of(hash, sizeof hash))) ||
           statement_fails(v, "it is of another statement");
}

/* The firmware's hash is one of those that are expected, so it has its 32 bytes. */
static bool measured_this_firmware(struct verification *v, struct span pcr_digest)
{
    uint8_t wanted[32];

    tpm_quote_digest(v->file->content->firmware_hash.data, wanted);
    return span_equal(pcr_digest, span_of(wanted, sizeof wanted)) ||
           statement_fails(v, "the TPM measured other firmware");
}

bool statement_quote_holds(struct verification *v)
{
    struct tpm_quote quote;

    if (v->expected->has_quoted && v->expected->quoted != v->file->has_quote)
        return statement_fails(v, v->file->has_quote ? "there is one, and none is expected"
                                                     : "there is none, and one is expected");
    if (!v->claims.has_quote_key)
        return (!v->file->has_quote && v->file->content->quote_key.len == 0) ||
               statement_fails(v, "the certificate names no TPM, yet there is a quote");
    if (!v->file->has_quote)
        return statement_fails(v, "the certificate names a TPM, yet there is no quote");
    if (!key_is_the_certified_one(v) || !signature_holds(v))
        return false;
    if (tpm_quote_parse(bytes_span(&v->file->quote), &quote) != ST_OK)
        return statement_fails(v, "it is no quote of PCR %d alone", TPM_QUOTE_PCR);
    return is_of_this_statement(v, quote.extra_data) && measured_this_firmware(v, quote.pcr_digest);
}
