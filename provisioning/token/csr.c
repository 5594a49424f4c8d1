#include "provisioning/token/csr.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define NAME_MAX_LEN        253 /* RFC 1035, 2.3.4, as text */
#define LABEL_MAX_LEN       63
#define COMMON_NAME_MAX_LEN 64

static bool label_valid(const char *p, size_t len)
{
    if (len == 0 || len > LABEL_MAX_LEN || p[0] == '-' || p[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9') ||
              p[i] == '-'))
            return false;
    return true;
}

bool csr_name_valid(const char *name)
{
    bool wildcard = strncmp(name, "*.", 2) == 0;
    size_t labels = 0;

    if (strlen(name) > NAME_MAX_LEN)
        return false;
    if (wildcard)
        name += 2;
    for (;;) {
        size_t len = strcspn(name, ".");

        if (!label_valid(name, len))
            return false;
        labels++;
        if (name[len] == '\0')
            return !wildcard || labels >= 2;
        name += len + 1;
    }
}

static bool set_subject(X509_REQ *request, const char *name)
{
    X509_NAME *subject = X509_REQ_get_subject_name(request);

    return strlen(name) > COMMON_NAME_MAX_LEN ||
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) ==
               1;
}

static bool add_name(GENERAL_NAMES *names, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();

    if (name == NULL || value == NULL || ASN1_STRING_set(value, text, -1) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, value);
    if (sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static bool set_names(X509_REQ *request, const char *const *texts, size_t count)
{
    STACK_OF(X509_EXTENSION) *extensions = NULL;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool ok = names != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = add_name(names, texts[i]);
    ok = ok && X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
         X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    return ok;
}

static enum status write_pem(X509_REQ *request, struct bytes *pem)
{
    BIO *memory = BIO_new(BIO_s_mem());
    enum status st = ST_NO_MEMORY;
    const char *text;
    long len;

    if (memory != NULL && PEM_write_bio_X509_REQ(memory, request) == 1 && (len = BIO_get_mem_data(memory, &text)) > 0)
        st = bytes_set(pem, span_of(text, (size_t)len));
    BIO_free(memory);
    return st;
}

enum status csr_make(EVP_PKEY *private_key, EVP_PKEY *public_key, const char *const *names, size_t count,
                     struct bytes *pem)
{
    X509_REQ *request;
    enum status st = ST_NO_MEMORY;

    if (count == 0 || count > CSR_NAMES_MAX)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < count; i++)
        if (!csr_name_valid(names[i]))
            return ST_BAD_REQUEST;
    if ((request = X509_REQ_new()) == NULL)
        return ST_NO_MEMORY;
    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 || !set_subject(request, names[0]) ||
        X509_REQ_set_pubkey(request, public_key) != 1 || !set_names(request, names, count))
        goto done;
    if (X509_REQ_sign(request, private_key, EVP_sha256()) <= 0 || X509_REQ_verify(request, public_key) != 1)
        st = ST_UNAVAILABLE;
    else
        st = write_pem(request, pem);
done:
    X509_REQ_free(request);
    return st;
}
