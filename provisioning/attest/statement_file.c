#include "provisioning/attest/statement_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "firmware/base/base64url.h"
#include "firmware/wire/validate.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/link/pem.h"
#include "service/json/json.h"

#define FILE_MAX_LEN (256u * 1024)
#define PEM_NAME     "STRONGROOM STATEMENT" /* as board/sim has it */
#define PEM_BEGIN    "-----BEGIN " PEM_NAME "-----\n"

/* --- writing --- */

static enum status put_certificates(struct json_writer *w, const Ks__SignedStatement *s)
{
    enum status st = ST_OK;

    json_open_array(w, "certificates");
    for (size_t i = 0; i < s->n_certificates && st == ST_OK; i++) {
        const uint8_t *p = s->certificates[i].data;
        X509 *x = d2i_X509(NULL, &p, (long)s->certificates[i].len);
        struct bytes pem = { 0 };

        if (x == NULL)
            return ST_BAD_REQUEST;
        pem_append_certificate(&pem, x);
        if ((st = bytes_status(&pem)) == ST_OK)
            json_put_text(w, NULL, bytes_span(&pem));
        bytes_clear(&pem);
        X509_free(x);
    }
    json_close_array(w);
    return st;
}

static void put(struct json_writer *w, const char *name, ProtobufCBinaryData d)
{
    json_put_base64url(w, name, span_of(d.data, d.len));
}

enum status statement_file_make(const Ks__SignedStatement *s, struct bytes *out)
{
    struct json_writer w;
    enum status st;

    json_begin(&w, out);
    json_open_object(&w, NULL);
    json_put_int(&w, "version", 1);
    put(&w, "statement", s->statement);
    put(&w, "signature", s->signature);
    st = put_certificates(&w, s);
    if (s->quote.len > 0) {
        json_open_object(&w, "quote");
        put(&w, "attest", s->quote);
        put(&w, "signature", s->quote_signature);
        put(&w, "key", s->quote_key);
        json_close_object(&w);
    }
    json_close_object(&w);
    bytes_append_char(out, '\n');
    return st == ST_OK ? bytes_status(out) : st;
}

int statement_file_write(const struct invocation *in, const char *path, const Ks__SignedStatement *s)
{
    struct bytes text = { 0 };
    enum status st = statement_file_make(s, &text);
    int code = st == ST_OK ? result_file_write(in, path, 0444, bytes_span(&text))
                           : command_refuse(in, "%s: %s", path, status_name(st));

    bytes_clear(&text);
    return code;
}

/* --- reading --- */

static bool take(const json_t *object, const char *name, size_t max, struct bytes *out)
{
    struct span text;

    return json_get_text(object, name, &text) == ST_OK && text.len > 0 && base64url_decoded_len(text.len) <= max &&
           base64url_decode(out, text) == ST_OK;
}

static bool take_chain(const json_t *root, struct signed_statement *out)
{
    json_t *list;
    size_t count;
    unsigned one;

    if (json_get_array(root, "certificates", &list) != ST_OK)
        return false;
    if ((count = json_array_size(list)) < 1 || count > CERTIFICATE_CHAIN_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *pem = json_array_get(list, i);

        if (!json_is_string(pem) || pem_certificates(span_of(json_string_value(pem), json_string_length(pem)), 1,
                                                     &out->chain[out->chain_count], &one) != ST_OK)
            return false;
        out->chain_count++;
    }
    return true;
}

static bool take_quote(const json_t *root, struct signed_statement *out)
{
    json_t *quote;
    enum status st = json_get_object(root, "quote", &quote);

    if (st == ST_NOT_FOUND)
        return json_object_size(root) == 4;
    out->has_quote = true;
    return st == ST_OK && json_object_size(root) == 5 && json_object_size(quote) == 3 &&
           take(quote, "attest", 1024, &out->quote) && take(quote, "signature", 256, &out->quote_signature) &&
           take(quote, "key", 1024, &out->quote_key);
}

/* Canonical, so nothing can be added that nobody reads: packed again it is the same. */
static bool is_canonical(const ProtobufCMessage *m, struct span packed)
{
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *again = len == packed.len ? malloc(len + 1) : NULL;
    bool same = again != NULL && span_equal(span_of(again, protobuf_c_message_pack(m, again)), packed);

    free(again);
    return same;
}

/* Each attribute once, and told: whoever looks for one finds what all others find. */
static bool key_is_plain(const Ks__AttestedKey *k)
{
    for (size_t i = 0; k != NULL && i < k->n_attributes; i++) {
        if (k->attributes[i]->state != 0)
            return false;
        for (size_t n = 0; n < i; n++)
            if (k->attributes[n]->type == k->attributes[i]->type)
                return false;
    }
    return true;
}

/* No clock and no counter gets this far, and no reader of JSON. */
static bool numbers_fit(const Ks__Statement *s)
{
    return s->time_ms <= INT64_MAX && s->counter <= INT64_MAX && s->audit_sequence <= INT64_MAX &&
           (s->destruction == NULL || s->destruction->objects <= INT64_MAX);
}

static const char *take_content(struct signed_statement *out)
{
    struct span packed = bytes_span(&out->statement);

    out->content = ks__statement__unpack(NULL, packed.len, packed.p);
    if (out->content == NULL || validate_statement(out->content) != ST_OK || out->content->format != 1)
        return "the statement is no statement of format 1";
    if (!is_canonical(&out->content->base, packed))
        return "the statement has bytes that do not belong to it";
    if (!numbers_fit(out->content))
        return "the statement has a number that is too large";
    return key_is_plain(out->content->key) ? NULL : "the statement says an attribute twice, or that it does not say it";
}

static bool copy(struct bytes *out, ProtobufCBinaryData d)
{
    return bytes_set(out, span_of(d.data, d.len)) == ST_OK;
}

static bool copy_chain(struct signed_statement *out, const Ks__SignedStatement *s)
{
    for (size_t i = 0; i < s->n_certificates; i++) { /* at most CERTIFICATE_CHAIN_MAX: that has been checked */
        const uint8_t *p = s->certificates[i].data;
        X509 *x = d2i_X509(NULL, &p, (long)s->certificates[i].len);

        if (x == NULL)
            return false;
        out->chain[out->chain_count++] = x;
        if (p != s->certificates[i].data + s->certificates[i].len)
            return false;
    }
    return out->chain_count > 0;
}

/* All of its parts, or none. */
static bool quote_is_whole(const Ks__SignedStatement *s)
{
    return (s->quote.len > 0) == (s->quote_signature.len > 0) && (s->quote.len > 0) == (s->quote_key.len > 0);
}

static bool take_packed(struct span packed, struct signed_statement *out)
{
    Ks__SignedStatement *s =
        packed.len <= FILE_MAX_LEN ? ks__signed_statement__unpack(NULL, packed.len, packed.p) : NULL;
    bool ok = s != NULL && validate_signed_statement(s) == ST_OK && is_canonical(&s->base, packed) &&
              quote_is_whole(s) && copy(&out->statement, s->statement) && copy(&out->signature, s->signature) &&
              copy(&out->quote, s->quote) && copy(&out->quote_signature, s->quote_signature) &&
              copy(&out->quote_key, s->quote_key) && copy_chain(out, s);

    out->has_quote = ok && s->quote.len > 0;
    if (s != NULL)
        ks__signed_statement__free_unpacked(s, NULL);
    return ok;
}

static enum status parse_packed(struct span packed, struct signed_statement *out, const char **why)
{
    if (!take_packed(packed, out))
        *why = "the file is neither a JSON object nor a packed statement";
    else
        *why = take_content(out);
    return *why == NULL ? ST_OK : ST_BAD_REQUEST;
}

/* As a board leaves it: in PEM from the first byte on, and nothing behind it but the line ends that cover a longer one
 * from before. */
static enum status parse_pem(struct span text, struct signed_statement *out, const char **why)
{
    BIO *memory = text.len <= FILE_MAX_LEN ? BIO_new_mem_buf(text.p, (int)text.len) : NULL;
    char *name = NULL, *header = NULL;
    unsigned char *packed = NULL;
    enum status st = ST_BAD_REQUEST;
    long len = 0;
    char rest;

    *why = "the file is no statement in PEM";
    if (memory != NULL && PEM_read_bio(memory, &name, &header, &packed, &len) == 1 && strcmp(name, PEM_NAME) == 0 &&
        header[0] == '\0') {
        *why = NULL;
        while (*why == NULL && BIO_read(memory, &rest, 1) == 1)
            if (rest != '\n')
                *why = "there is something behind the statement";
        if (*why == NULL)
            st = parse_packed(span_of(packed, (size_t)len), out, why);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(packed);
    BIO_free(memory);
    ERR_clear_error();
    return st;
}

enum status statement_file_parse(struct span text, struct signed_statement *out, const char **why)
{
    int64_t version;
    json_t *root;

    *out = (struct signed_statement){ 0 };
    *why = NULL;
    if (span_starts_with(text, span_text(PEM_BEGIN)))
        return parse_pem(text, out, why);
    if (text.len > 0 && text.p[0] != '{')
        return parse_packed(text, out, why);
    if (json_read_object(text, FILE_MAX_LEN, &root) != ST_OK)
        *why = "the file is no JSON object, or has a member twice";
    else if (json_get_int(root, "version", 1, 1, &version) != ST_OK)
        *why = "the file is not of version 1";
    else if (!take(root, "statement", STATEMENT_MAX, &out->statement) || !take(root, "signature", 256, &out->signature))
        *why = "statement or signature is missing or no base64url";
    else if (!take_chain(root, out))
        *why = "the certificates are missing or no PEM";
    else if (!take_quote(root, out))
        *why = "the quote is incomplete, or the file has members that are not known";
    else
        *why = take_content(out);
    json_decref(root);
    return *why == NULL ? ST_OK : ST_BAD_REQUEST;
}

void signed_statement_clear(struct signed_statement *s)
{
    for (unsigned i = 0; i < s->chain_count; i++)
        X509_free(s->chain[i]);
    bytes_clear(&s->statement);
    bytes_clear(&s->signature);
    bytes_clear(&s->quote);
    bytes_clear(&s->quote_signature);
    bytes_clear(&s->quote_key);
    if (s->content != NULL)
        ks__statement__free_unpacked(s->content, NULL);
    *s = (struct signed_statement){ 0 };
}
