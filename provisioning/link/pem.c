#include "provisioning/link/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "provisioning/cli/input_file.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

static struct span skip_white_space(struct span text)
{
    while (text.len > 0 && (text.p[0] == ' ' || (text.p[0] >= '\t' && text.p[0] <= '\r')))
        text = span_of(text.p + 1, text.len - 1);
    return text;
}

/* No headers, and no byte behind the certificate. */
static X509 *parse(BIO *memory)
{
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    const unsigned char *p;
    X509 *x = NULL;
    long len = 0;

    if (PEM_read_bio(memory, &name, &header, &der, &len) == 1 && strcmp(name, "CERTIFICATE") == 0 &&
        header[0] == '\0') {
        p = der;
        if ((x = d2i_X509(NULL, &p, len)) != NULL && p != der + len) {
            X509_free(x);
            x = NULL;
        }
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return x;
}

/* One certificate from the beginning of *text, which then begins behind it. OpenSSL itself would skip what stands in
 * front; in a file that is to be trusted nothing does. */
static X509 *take(struct span *text)
{
    const uint8_t *end = memmem(text->p, text->len, END, strlen(END));
    size_t len;
    BIO *memory;
    X509 *x;

    if (!span_starts_with(*text, span_text(BEGIN)) || end == NULL)
        return NULL;
    len = (size_t)(end - text->p) + strlen(END);
    if ((memory = BIO_new_mem_buf(text->p, (int)len)) == NULL)
        return NULL;
    x = parse(memory);
    BIO_free(memory);
    *text = skip_white_space(span_of(text->p + len, text->len - len));
    return x;
}

enum status pem_certificates(struct span text, unsigned max, X509 **out, unsigned *count)
{
    enum status st = ST_OK;

    text = skip_white_space(text);
    for (*count = 0; text.len > 0 && st == ST_OK;) {
        if (*count == max)
            st = ST_TOO_LARGE;
        else if ((out[*count] = take(&text)) == NULL)
            st = ST_BAD_REQUEST;
        else
            ++*count;
    }
    ERR_clear_error();
    if (st == ST_OK && *count == 0)
        st = ST_BAD_REQUEST;
    while (st != ST_OK && *count > 0) {
        X509_free(out[--*count]);
        out[*count] = NULL;
    }
    return st;
}

void pem_append_certificate(struct bytes *out, X509 *x)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text;
    long len;

    if (memory != NULL && PEM_write_bio_X509(memory, x) == 1 && (len = BIO_get_mem_data(memory, &text)) > 0)
        bytes_append(out, text, (size_t)len);
    else
        out->failed = true;
    BIO_free(memory);
}

int pem_read_certificates(const struct invocation *in, const char *path, unsigned max, X509 **out, unsigned *count)
{
    struct bytes text = { 0 };
    enum status st = ST_OK;
    int code;

    *count = 0;
    if ((code = input_file_read(in, path, PEM_FILE_MAX, &text)) == EXIT_DONE)
        st = pem_certificates(bytes_span(&text), max, out, count);
    bytes_clear(&text);
    if (st == ST_TOO_LARGE)
        return command_refuse(in, "%s: more than %u certificate%s", path, max, max == 1 ? "" : "s");
    return st == ST_OK ? code : command_refuse(in, "%s: no certificate in PEM, or more than that", path);
}

int pem_read_certificate(const struct invocation *in, const char *path, X509 **out)
{
    unsigned count;

    *out = NULL;
    return pem_read_certificates(in, path, 1, out, &count);
}
