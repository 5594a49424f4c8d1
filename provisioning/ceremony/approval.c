#include "provisioning/ceremony/approval.h"

#include <openssl/sha.h>

#include "provisioning/cli/json_file.h"

void approval_put(struct json_writer *w, const struct approval *a)
{
    json_put_text(w, "name", span_text(a->name));
    json_file_put_hex(w, "holder", span_of(a->holder, sizeof a->holder));
    json_file_put_hex(w, "act", span_of(a->act, sizeof a->act));
    json_put_base64url(w, "signature", bytes_span(&a->signature));
    json_put_base64url(w, "certificate", bytes_span(&a->certificate));
}

enum status approval_get(const json_t *object, struct approval *out)
{
    uint8_t id[HOLDER_ID_LEN];
    enum status st;

    if ((st = json_file_text(object, "name", PARTITION_NAME_MAX, out->name)) != ST_OK ||
        (st = json_file_hex(object, "holder", out->holder, sizeof out->holder)) != ST_OK ||
        (st = json_file_hex(object, "act", out->act, sizeof out->act)) != ST_OK ||
        (st = json_file_base64url(object, "signature", APPROVAL_SIGNATURE_MAX, &out->signature)) != ST_OK ||
        (st = json_file_base64url(object, "certificate", CERTIFICATE_MAX, &out->certificate)) != ST_OK)
        return st;
    SHA256(out->certificate.p, out->certificate.len, id);
    return memcmp(id, out->holder, sizeof id) == 0 ? ST_OK : ST_BAD_REQUEST;
}

int approval_read(const struct invocation *in, const char *path, struct approval *out)
{
    enum status st = ST_BAD_REQUEST;
    struct span kind;
    json_t *object;
    int code;

    approval_clear(out);
    if ((code = json_file_read(in, path, APPROVAL_FILE_MAX, &object)) != EXIT_DONE)
        return code;
    if (json_get_text(object, "kind", &kind) == ST_OK && span_is(kind, "approval"))
        st = approval_get(object, out);
    json_decref(object);
    if (st == ST_OK)
        return EXIT_DONE;
    approval_clear(out);
    return json_file_refuse(in, path, "approval", st);
}

int approval_write(const struct invocation *in, const char *path, const struct approval *a)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_file_begin(&w, &text);
    json_put_text(&w, "kind", span_text("approval"));
    approval_put(&w, a);
    return json_file_end(in, path, 0644, &w, &text);
}

void approval_clear(struct approval *a)
{
    bytes_clear(&a->signature);
    bytes_clear(&a->certificate);
    *a = (struct approval){ 0 };
}

int approvals_read(const struct invocation *in, struct approval out[HOLDERS_MAX], size_t *count)
{
    const char *path;
    int code = EXIT_DONE;

    for (size_t i = 0; code == EXIT_DONE && (path = command_value_at(in, "approval", i)) != NULL; i++) {
        if (*count == HOLDERS_MAX)
            return command_misused(in, "there are at most %d holders", HOLDERS_MAX);
        code = approval_read(in, path, &out[(*count)++]);
    }
    return code;
}
