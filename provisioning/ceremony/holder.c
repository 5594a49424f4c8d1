#include "provisioning/ceremony/holder.h"

#include <openssl/rsa.h>
#include <openssl/sha.h>

#define SALT_LEN 32

static enum status fill(struct holder_certificate *c)
{
    EVP_PKEY *key = X509_get0_pubkey(c->x);
    unsigned char *der = NULL;
    int len = i2d_X509(c->x, &der);
    enum status st;

    if (len <= 0)
        return ST_NO_MEMORY;
    st = bytes_set(&c->der, span_of(der, (size_t)len));
    OPENSSL_free(der);
    if (st != ST_OK)
        return st;
    SHA256(c->der.p, c->der.len, c->id);
    if (key == NULL || !EVP_PKEY_is_a(key, "RSA") || c->der.len > CERTIFICATE_MAX ||
        holder_key_bits(c) < HOLDER_KEY_BITS_MIN || holder_key_bits(c) > HOLDER_KEY_BITS_MAX)
        return ST_UNSUPPORTED;
    return ST_OK;
}

unsigned holder_key_bits(const struct holder_certificate *c)
{
    return (unsigned)EVP_PKEY_get_bits(X509_get0_pubkey(c->x));
}

enum status holder_certificate_of(struct span der, struct holder_certificate *out)
{
    const unsigned char *p = der.p;
    enum status st;

    holder_certificate_clear(out);
    if (der.len == 0 || der.len > CERTIFICATE_MAX || (out->x = d2i_X509(NULL, &p, (long)der.len)) == NULL ||
        p != der.p + der.len)
        st = ST_BAD_REQUEST;
    else if ((st = fill(out)) == ST_OK && !span_equal(bytes_span(&out->der), der))
        st = ST_BAD_REQUEST; /* in another encoding it would bear another name */
    if (st != ST_OK)
        holder_certificate_clear(out);
    return st;
}

int holder_certificate_read(const struct invocation *in, const char *path, struct holder_certificate *out)
{
    enum status st;
    int code;

    holder_certificate_clear(out);
    if ((code = link_read_certificate(in, path, &out->x)) == EXIT_DONE && (st = fill(out)) != ST_OK)
        code = command_refuse(in, "%s: %s", path,
                              st == ST_UNSUPPORTED ? "a holder's certificate is for an RSA key of 2,048 to 4,096 bits"
                                                   : status_name(st));
    if (code != EXIT_DONE)
        holder_certificate_clear(out);
    return code;
}

void holder_certificate_clear(struct holder_certificate *c)
{
    X509_free(c->x);
    bytes_clear(&c->der);
    *c = (struct holder_certificate){ 0 };
}

int holder_identity_read(const struct invocation *in, struct holder_certificate *certificate, EVP_PKEY **key)
{
    int code;

    *key = NULL;
    if ((code = holder_certificate_read(in, command_value(in, "certificate"), certificate)) != EXIT_DONE ||
        (code = link_read_key(in, command_value(in, "key"), key)) != EXIT_DONE)
        return code;
    if (EVP_PKEY_eq(X509_get0_pubkey(certificate->x), *key) == 1)
        return EXIT_DONE;
    EVP_PKEY_free(*key);
    *key = NULL;
    return command_refuse(in, "the certificate and the key do not belong together");
}

static bool set_pss(EVP_PKEY_CTX *c)
{
    return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(c, SALT_LEN) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1;
}

static bool sign(EVP_PKEY *key, const uint8_t statement[ACT_STATEMENT_LEN], struct bytes *out)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    uint8_t signature[APPROVAL_SIGNATURE_MAX];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *c;
    bool ok;

    ok = m != NULL && EVP_DigestSignInit(m, &c, EVP_sha256(), NULL, key) == 1 && set_pss(c) &&
         EVP_DigestSign(m, signature, &len, statement, ACT_STATEMENT_LEN) == 1 &&
         bytes_set(out, span_of(signature, len)) == ST_OK;
    EVP_MD_CTX_free(m);
    return ok;
}

static bool verify(EVP_PKEY *key, const uint8_t statement[ACT_STATEMENT_LEN], struct span signature)
{
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_PKEY_CTX *c;
    bool ok;

    ok = m != NULL && EVP_DigestVerifyInit(m, &c, EVP_sha256(), NULL, key) == 1 && set_pss(c) &&
         EVP_DigestVerify(m, signature.p, signature.len, statement, ACT_STATEMENT_LEN) == 1;
    EVP_MD_CTX_free(m);
    return ok;
}

/* An approval but for its signature. */
static bool begin_approval(const struct act_file *act, const struct holder_certificate *certificate,
                           struct approval *out)
{
    const char *name = holder_name(act, certificate->id);

    approval_clear(out);
    snprintf(out->name, sizeof out->name, "%s", name != NULL ? name : "");
    memcpy(out->holder, certificate->id, sizeof out->holder);
    act_name(&act->act, out->act);
    return bytes_set(&out->certificate, bytes_span(&certificate->der)) == ST_OK;
}

int holder_approve(const struct invocation *in, const struct act_file *act,
                   const struct holder_certificate *certificate, EVP_PKEY *key, struct approval *out)
{
    uint8_t statement[ACT_STATEMENT_LEN];

    act_statement(&act->act, statement);
    if (!begin_approval(act, certificate, out) || !sign(key, statement, &out->signature) || !holder_approved(act, out))
        return command_refuse(in, "the approval cannot be signed with this key");
    return EXIT_DONE;
}

int holder_approve_signed(const struct invocation *in, const struct act_file *act,
                          const struct holder_certificate *certificate, struct span signature, struct approval *out)
{
    if (!begin_approval(act, certificate, out) || bytes_set(&out->signature, signature) != ST_OK ||
        !holder_approved(act, out))
        return command_refuse(in, "the signature is not by this certificate's key over this act (RSASSA-PSS, SHA-256, "
                                  "a salt of 32 bytes)");
    return EXIT_DONE;
}

bool holder_approved(const struct act_file *act, const struct approval *a)
{
    struct holder_certificate c = { 0 };
    uint8_t statement[ACT_STATEMENT_LEN];
    bool ok;

    act_statement(&act->act, statement);
    ok = holder_certificate_of(bytes_span(&a->certificate), &c) == ST_OK && memcmp(c.id, a->holder, sizeof c.id) == 0 &&
         verify(X509_get0_pubkey(c.x), statement, bytes_span(&a->signature));
    holder_certificate_clear(&c);
    return ok;
}

const char *holder_name(const struct act_file *act, const uint8_t id[HOLDER_ID_LEN])
{
    for (size_t i = 0; i < act->holder_count; i++)
        if (memcmp(act->holders[i].id, id, HOLDER_ID_LEN) == 0)
            return act->holders[i].name;
    return NULL;
}
