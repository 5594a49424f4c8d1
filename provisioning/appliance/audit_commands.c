/* strongroom audit: key, verify. */
#include <inttypes.h>
#include <openssl/pem.h>

#include "provisioning/appliance/verbs.h"
#include "provisioning/cli/output.h"
#include "provisioning/cli/private_file.h"
#include "provisioning/token/site.h"
#include "service/audit/verify.h"
#include "service/json/json.h"

#define KEY_FILE_MAX (16u * 1024)

static int token_audit_key(const struct invocation *in, struct site *s, EVP_PKEY **out)
{
    enum status st;
    int code;

    if ((code = site_open_token(in, s)) != EXIT_DONE)
        return code;
    if ((st = token_public_key(s->token, TOKEN_LABEL_AUDIT, out)) != ST_OK)
        return command_refuse(in, "the token has no audit key: %s", status_name(st));
    return EXIT_DONE;
}

static int print_key(const struct invocation *in, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    int code;
    long len;

    if (memory != NULL && PEM_write_bio_PUBKEY(memory, key) == 1 && (len = BIO_get_mem_data(memory, &text)) > 0)
        code = output_value(in, "publicKey", span_of(text, (size_t)len));
    else
        code = command_refuse(in, "the key cannot be written");
    BIO_free(memory);
    return code;
}

static int audit_key(struct invocation *in)
{
    struct site s = { 0 };
    EVP_PKEY *key = NULL;
    int code;

    if ((code = site_open(in, &s)) == EXIT_DONE && (code = token_audit_key(in, &s, &key)) == EXIT_DONE)
        code = print_key(in, key);
    EVP_PKEY_free(key);
    site_close(&s);
    return code;
}

static int file_audit_key(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    struct bytes text = { 0 };
    enum status st = file_read(path, KEY_FILE_MAX, &text);
    BIO *memory = NULL;

    if (st == ST_OK && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL);
    BIO_free(memory);
    bytes_clear(&text);
    if (*out == NULL)
        return command_refuse(in, "%s: %s", path, st == ST_OK ? "no public key in PEM" : status_name(st));
    return EXIT_DONE;
}

static void print_report(const struct invocation *in, const char *directory, const struct audit_report *r, bool good)
{
    struct bytes text = { 0 };
    struct json_writer w;

    if (!in->json) {
        fprintf(in->out, "%s: %s\n  records %" PRIu64 ", checkpoints %" PRIu64 ", segments %" PRIu64 "\n", directory,
                good ? "complete and unaltered" : "NOT as it was written", r->records, r->checkpoints, r->segments);
        if (good && !r->closed)
            fprintf(in->out,
                    "  still open, or its daemon did not end in order; lines behind the last signature: %" PRIu64 "\n",
                    r->unsigned_tail);
        return;
    }
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_text(&w, "directory", span_text(directory));
    json_put_bool(&w, "good", good);
    json_put_int(&w, "records", (int64_t)r->records);
    json_put_int(&w, "checkpoints", (int64_t)r->checkpoints);
    json_put_int(&w, "segments", (int64_t)r->segments);
    json_put_int(&w, "unsignedTail", (int64_t)r->unsigned_tail);
    json_put_bool(&w, "closed", r->closed);
    if (good)
        json_put_null(&w, "problem");
    else
        json_put_text(&w, "problem", bytes_span(&r->problem));
    json_close_object(&w);
    fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
}

static int verify(const struct invocation *in, const char *directory, EVP_PKEY *key)
{
    struct audit_report report = { 0 };
    enum status st = audit_verify(directory, key, &report);
    int code = EXIT_DONE;

    if (st == ST_OK || st == ST_CORRUPT)
        print_report(in, directory, &report, st == ST_OK);
    if (st == ST_CORRUPT)
        code = command_refuse(in, "%s: %s", directory, bytes_text(&report.problem));
    else if (st != ST_OK)
        code = command_refuse(in, "%s: %s", directory, st == ST_NOT_FOUND ? "no audit trail there" : status_name(st));
    audit_report_clear(&report);
    return code;
}

static int audit_check(struct invocation *in)
{
    const char *directory = command_value(in, "directory"), *key_file = command_value(in, "key");
    struct site s = { 0 };
    EVP_PKEY *key = NULL;
    int code = EXIT_DONE;

    if (directory == NULL || key_file == NULL) {
        if (in->config_path == NULL)
            return command_misused(in, "give --directory and --key, or a configuration that names them");
        code = site_open(in, &s);
    }
    if (code == EXIT_DONE)
        code = key_file != NULL ? file_audit_key(in, key_file, &key) : token_audit_key(in, &s, &key);
    if (code == EXIT_DONE)
        code = verify(in, directory != NULL ? directory : s.config.audit_directory, key);
    EVP_PKEY_free(key);
    site_close(&s);
    return code;
}

static const struct verb_option verify_options[] = {
    { "directory", "DIRECTORY", false, false, "the trail (default: the configuration's audit_directory)" },
    { "key", "PEM", false, false, "its public key, from `strongroom audit key` (default: asks the token)" },
    { 0 },
};

const struct verb audit_verbs[] = {
    { "key", "the public key of the audit's signatures, as PEM; keep it away from the appliance",
      "The daemon that owns the token must not be running.", true, false, NULL, audit_key },
    { "verify", "check a trail: nothing edited, cut, reordered or removed",
      "Exit code 1 and the first fault when anything is not as it was written. With --directory and --key neither a\n"
      "configuration nor the token is needed, so it works beside a running daemon and on another machine.",
      true, true, verify_options, audit_check },
    { 0 },
};
