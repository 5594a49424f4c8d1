/* strongroom attest: create, key, verify, show. What a keystore says of itself and its keys, and whether to believe it.
 */
#include "firmware/base/clock.h"
#include "firmware/base/hex.h"
#include "firmware/wire/act.h"
#include "firmware/wire/validate.h"
#include "provisioning/attest/key_attest.h"
#include "provisioning/attest/statement_print.h"
#include "provisioning/attest/verbs.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/moment.h"
#include "provisioning/cli/private_file.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/link/keystore_link.h"
#include "provisioning/link/pem.h"
#include "provisioning/token/site.h"

#define STATEMENT_FILE_MAX (256u * 1024)

struct nonce {
    uint8_t bytes[NONCE_MAX];
    size_t len;
};

static int read_nonce_file(const struct invocation *in, const char *path, struct nonce *out)
{
    struct bytes content = { 0 };
    enum status st = file_read(path, NONCE_MAX, &content);

    if (st == ST_OK && content.len < NONCE_MIN)
        st = ST_TOO_LARGE;
    if (st == ST_OK) {
        memcpy(out->bytes, content.p, content.len);
        out->len = content.len;
    }
    bytes_clear(&content);
    if (st == ST_TOO_LARGE)
        return command_refuse(in, "%s: a nonce has %d to %d bytes", path, NONCE_MIN, NONCE_MAX);
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, status_name(st));
}

static int read_nonce(const struct invocation *in, struct nonce *out)
{
    const char *text = command_value(in, "nonce"), *path = command_value(in, "nonce-file");

    *out = (struct nonce){ .len = text != NULL ? strlen(text) / 2 : 0 };
    if ((text == NULL) == (path == NULL))
        return command_misused(in, "one of --nonce and --nonce-file is needed");
    if (path != NULL)
        return read_nonce_file(in, path, out);
    if (strlen(text) % 2 != 0 || out->len < NONCE_MIN || out->len > NONCE_MAX ||
        hex_decode(out->bytes, out->len, span_text(text)) != ST_OK)
        return command_misused(in, "--nonce takes %d to %d bytes in hexadecimal", NONCE_MIN, NONCE_MAX);
    return EXIT_DONE;
}

static int reserve(const struct invocation *in)
{
    return result_file_reserve(in, command_value(in, "out"), 0444, STATEMENT_FILE_MAX);
}

static int attest_create(struct invocation *in)
{
    Ks__Attest m = KS__ATTEST__INIT;
    Ks__SignedStatement *answer;
    struct keystore_link *k = NULL;
    struct nonce nonce;
    int code;

    if ((code = read_nonce(in, &nonce)) != EXIT_DONE)
        return code;
    m.nonce = (ProtobufCBinaryData){ .len = nonce.len, .data = nonce.bytes };
    if ((code = reserve(in)) == EXIT_DONE && (code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_ATTEST, &m.base, &answer)) == EXIT_DONE)
        code = statement_file_write(in, command_value(in, "out"), answer);
    keystore_link_close(k);
    return code;
}

static int write_packed(const struct invocation *in, const struct bytes *packed)
{
    Ks__SignedStatement *s = ks__signed_statement__unpack(NULL, packed->len, packed->p);
    int code;

    if (s != NULL && validate_signed_statement(s) == ST_OK)
        code = statement_file_write(in, command_value(in, "out"), s);
    else
        code = command_refuse(in, "the token's answer is no statement");
    if (s != NULL)
        ks__signed_statement__free_unpacked(s, NULL);
    return code;
}

static int attest_key(struct invocation *in)
{
    struct bytes packed = { 0 };
    struct site site = { 0 };
    struct nonce nonce;
    int code;

    if ((code = read_nonce(in, &nonce)) != EXIT_DONE)
        return code;
    if ((code = reserve(in)) == EXIT_DONE && (code = site_open(in, &site)) == EXIT_DONE &&
        (code = key_attest(in, &site.config, command_value(in, "label"), span_of(nonce.bytes, nonce.len), &packed)) ==
            EXIT_DONE)
        code = write_packed(in, &packed);
    bytes_clear(&packed);
    site_close(&site);
    return code;
}

/* --- verify, show --- */

static int read_statement(const struct invocation *in, struct signed_statement *out)
{
    const char *path = command_value(in, "statement"), *why;
    struct bytes text = { 0 };
    int code = input_file_read(in, path, STATEMENT_FILE_MAX, &text);

    *out = (struct signed_statement){ 0 };
    if (code == EXIT_DONE && statement_file_parse(bytes_span(&text), out, &why) != ST_OK)
        code = command_refuse(in, "form: %s", why);
    bytes_clear(&text);
    return code;
}

static int read_moment(const struct invocation *in, int64_t *out)
{
    const char *text = command_value(in, "at");
    uint64_t ms;

    *out = clock_unix_s();
    if (text == NULL)
        return EXIT_DONE;
    if (moment_parse(span_text(text), &ms) != ST_OK)
        return command_misused(in, "--at takes a time like 2026-01-05T01:32:01Z");
    *out = (int64_t)(ms / 1000);
    return EXIT_DONE;
}

static int judge(const struct invocation *in, struct verification *v)
{
    const char *failed = statement_verify(v);

    if (failed != NULL)
        return command_refuse(in, "%s: %s", failed, v->why);
    if (in->json)
        statement_print_json(in, v->file->content, &v->claims);
    else
        statement_print(in, v->file->content, &v->claims);
    return EXIT_DONE;
}

/* A destruction answers nobody's question. */
static int read_question(const struct invocation *in, const struct expected *e, struct nonce *out)
{
    *out = (struct nonce){ 0 };
    if (e->purpose == STATEMENT_DESTRUCTION && !command_given(in, "nonce") && !command_given(in, "nonce-file"))
        return EXIT_DONE;
    return read_nonce(in, out);
}

static int attest_verify(struct invocation *in)
{
    struct signed_statement file = { 0 };
    struct expected expected = { 0 };
    struct verification v = { .file = &file, .expected = &expected };
    struct nonce nonce;
    int code;

    if ((code = expected_read(in, command_value(in, "expect"), &expected)) == EXIT_DONE &&
        (code = read_question(in, &expected, &nonce)) == EXIT_DONE && (code = read_moment(in, &v.at_s)) == EXIT_DONE &&
        (code = pem_read_certificate(in, command_value(in, "ca"), &v.ca)) == EXIT_DONE &&
        (code = read_statement(in, &file)) == EXIT_DONE) {
        v.nonce = span_of(nonce.bytes, nonce.len);
        code = judge(in, &v);
    }
    signed_statement_clear(&file);
    expected_clear(&expected);
    X509_free(v.ca);
    return code;
}

static int attest_show(struct invocation *in)
{
    struct signed_statement file = { 0 };
    int code = read_statement(in, &file);

    if (code == EXIT_DONE && in->json)
        statement_print_json(in, file.content, NULL);
    else if (code == EXIT_DONE)
        statement_print(in, file.content, NULL);
    signed_statement_clear(&file);
    return code;
}

#define NONCE_OPTIONS                                                                                                  \
    { "nonce", "HEX", false, false, "16 to 64 bytes that nobody could know before" },                                  \
    {                                                                                                                  \
        "nonce-file", "FILE", false, false, "the same, as the bytes of a file"                                         \
    }

static const struct verb_option create_options[] = {
    KEYSTORE_LINK_OPTIONS,
    NONCE_OPTIONS,
    { "out", "JSON", true, false, "where the statement goes" },
    { 0 },
};
static const struct verb_option key_options[] = {
    { "label", "TEXT", true, false, "of the key in the token of the configuration" },
    NONCE_OPTIONS,
    { "out", "JSON", true, false, "where the statement goes" },
    { 0 },
};
static const struct verb_option verify_options[] = {
    { "statement", "JSON", true, false, "what is to be believed" },
    { "ca", "PEM", true, false, "the factory's certificate" },
    { "expect", "JSON", true, false, "the expected values" },
    NONCE_OPTIONS,
    { "at", "TIME", false, false, "the moment it is to hold for, 2026-01-05T01:32:01Z (default: now)" },
    { 0 },
};
static const struct verb_option show_options[] = {
    { "statement", "JSON", true, false, "which" },
    { 0 },
};

const struct verb attest_verbs[] = {
    { "create", "have a keystore say what it is", NULL, false, true, create_options, attest_create },
    { "key", "have a keystore say what one of its keys is", NULL, false, false, key_options, attest_key },
    { "verify", "check a statement, offline",
      "The expected values are a JSON object: \"version\": 1 and \"firmwareHashes\": [SHA-256, ...] must be there;\n"
      "\"firmwareVersions\", \"boards\", \"roots\", \"hardware\", \"quoted\", \"serialNumber\", \"counterMin\",\n"
      "\"states\" ([\"operational\"]), \"maxAgeSeconds\" (300), \"domainId\", \"purpose\" (\"attestation\") may be.\n"
      "\"key\": {\"attributes\": {\"CKA_...\": value}, \"partition\", \"publicKeySha256\", \"restored\" (false)} says "
      "that\n"
      "the statement is about a key. docs/attestation.md has it all.",
      true, true, verify_options, attest_verify },
    { "show", "print a statement without checking it", NULL, true, true, show_options, attest_show },
    { 0 },
};
