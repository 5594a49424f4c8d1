#include "provisioning/attest/device_certificate.h"

#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "firmware/base/hex.h"

#define URN      "urn:strongroom:"
#define BOARD    URN "board:"
#define HARDWARE URN "hardware:"
#define QUOTE    URN "quote-key:sha256:"

bool device_word_valid(const char *word, size_t max)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++)
        if (!((word[i] >= 'a' && word[i] <= 'z') || (word[i] >= 'A' && word[i] <= 'Z') ||
              (word[i] >= '0' && word[i] <= '9') || word[i] == '-'))
            return false;
    return len > 0 && len <= max;
}

/* --- reading --- */

static bool take_word(struct span value, char *out, size_t max)
{
    if (out[0] != '\0' || value.len == 0 || value.len > max || memchr(value.p, '\0', value.len) != NULL)
        return false;
    memcpy(out, value.p, value.len);
    out[value.len] = '\0';
    return device_word_valid(out, max);
}

static struct span after(struct span uri, const char *prefix)
{
    return span_of(uri.p + strlen(prefix), uri.len - strlen(prefix));
}

/* One URI. What begins as ours and is not known is no name to overlook. */
static bool take_uri(struct span uri, struct device_claims *c, bool *has_hardware)
{
    struct span value;

    if (!span_starts_with(uri, span_text(URN)))
        return true;
    if (span_starts_with(uri, span_text(BOARD)))
        return take_word(after(uri, BOARD), c->board, DEVICE_BOARD_MAX);
    if (span_starts_with(uri, span_text(HARDWARE)) && !*has_hardware) {
        value = after(uri, HARDWARE);
        *has_hardware = true;
        c->hardware = span_is(value, "true");
        return c->hardware || span_is(value, "false");
    }
    if (!span_starts_with(uri, span_text(QUOTE)) || c->has_quote_key)
        return false;
    c->has_quote_key = true;
    return hex_decode(c->quote_key, sizeof c->quote_key, after(uri, QUOTE)) == ST_OK;
}

static bool take_names(X509 *x, struct device_claims *c)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL); /* NULL, too, if it is there twice */
    bool ok = names != NULL, has_hardware = false;

    for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

        if (n->type == GEN_URI)
            ok = take_uri(span_of(ASN1_STRING_get0_data(n->d.uniformResourceIdentifier),
                                  (size_t)ASN1_STRING_length(n->d.uniformResourceIdentifier)),
                          c, &has_hardware);
    }
    GENERAL_NAMES_free(names);
    return ok && has_hardware && c->board[0] != '\0';
}

static bool take_serial(X509 *x, struct device_claims *c)
{
    const X509_NAME *subject = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(subject, NID_serialNumber, -1);
    const ASN1_STRING *value;

    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_serialNumber, at) >= 0)
        return false;
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    return take_word(span_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), c->serial,
                     DEVICE_SERIAL_MAX);
}

enum status device_claims_read(X509 *x, struct device_claims *out)
{
    *out = (struct device_claims){ 0 };
    return take_names(x, out) && take_serial(x, out) ? ST_OK : ST_BAD_REQUEST;
}

/* --- making --- */

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX about;
    X509_EXTENSION *e;
    bool ok;

    X509V3_set_ctx(&about, issuer, x, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&about);
    e = X509V3_EXT_conf_nid(NULL, &about, nid, value);
    ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

/* Everything but the extensions. */
static bool begin(X509 *x, EVP_PKEY *key, const X509_NAME *issuer, unsigned days)
{
    uint8_t serial[16];
    BIGNUM *n = NULL;
    bool ok;

    if (RAND_bytes(serial, sizeof serial) != 1)
        return false;
    serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and of full length */
    ok = (n = BN_bin2bn(serial, sizeof serial, NULL)) != NULL &&
         BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL && X509_set_version(x, 2) == 1 &&
         X509_set_issuer_name(x, issuer) == 1 && X509_gmtime_adj(X509_getm_notBefore(x), -300) != NULL &&
         X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL) != NULL && X509_set_pubkey(x, key) == 1;
    BN_free(n);
    return ok;
}

static bool add_word(X509_NAME *name, int nid, int type, const char *word)
{
    return X509_NAME_add_entry_by_NID(name, nid, type, (const unsigned char *)word, -1, -1, 0) == 1;
}

static bool name_device(X509 *x, X509 *ca, const struct device_claims *c)
{
    struct bytes names = { 0 };
    bool ok;

    bytes_printf(&names, "URI:" BOARD "%s,URI:" HARDWARE "%s", c->board, c->hardware ? "true" : "false");
    if (c->has_quote_key) {
        bytes_append_text(&names, ",URI:" QUOTE);
        hex_append(&names, span_of(c->quote_key, sizeof c->quote_key));
    }
    ok = bytes_status(&names) == ST_OK && add_extension(x, ca, NID_subject_alt_name, bytes_text(&names));
    bytes_clear(&names);
    return ok;
}

enum status device_certificate_make(const struct device_claims *c, EVP_PKEY *device, X509 *ca, EVP_PKEY *ca_key,
                                    unsigned days, X509 **out)
{
    X509 *x = X509_new();
    X509_NAME *subject = x != NULL ? X509_get_subject_name(x) : NULL;

    *out = NULL;
    if (!device_word_valid(c->serial, DEVICE_SERIAL_MAX) || !device_word_valid(c->board, DEVICE_BOARD_MAX)) {
        X509_free(x);
        return ST_BAD_REQUEST;
    }
    if (x == NULL || !begin(x, device, X509_get_subject_name(ca), days) ||
        !add_word(subject, NID_commonName, MBSTRING_ASC, "Strongroom keystore") ||
        !add_word(subject, NID_serialNumber, V_ASN1_PRINTABLESTRING, c->serial) ||
        !add_extension(x, ca, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(x, ca, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(x, ca, NID_subject_key_identifier, "hash") ||
        !add_extension(x, ca, NID_authority_key_identifier, "keyid:always") || !name_device(x, ca, c) ||
        X509_sign(x, ca_key, EVP_sha384()) <= 0) {
        X509_free(x);
        return ST_INTERNAL;
    }
    *out = x;
    return ST_OK;
}

enum status factory_certificate_make(const char *name, EVP_PKEY *key, unsigned days, X509 **out)
{
    X509 *x = X509_new();
    X509_NAME *subject = x != NULL ? X509_get_subject_name(x) : NULL;

    *out = NULL;
    if (x == NULL || !add_word(subject, NID_commonName, MBSTRING_UTF8, name) || !begin(x, key, subject, days) ||
        !add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:1") ||
        !add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(x, x, NID_subject_key_identifier, "hash") ||
        !add_extension(x, x, NID_authority_key_identifier, "keyid:always") || X509_sign(x, key, EVP_sha384()) <= 0) {
        X509_free(x);
        return ST_INTERNAL;
    }
    *out = x;
    return ST_OK;
}
