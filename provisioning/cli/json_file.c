#include "provisioning/cli/json_file.h"

#include "firmware/base/base64url.h"
#include "firmware/base/hex.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/result_file.h"

int json_file_read(const struct invocation *in, const char *path, size_t max, json_t **out)
{
    struct bytes text = { 0 };
    int64_t version;
    enum status st;
    int code;

    *out = NULL;
    if ((code = input_file_read(in, path, max, &text)) != EXIT_DONE) {
        bytes_clear(&text);
        return code;
    }
    if ((st = json_read_object(bytes_span(&text), max, out)) == ST_OK &&
        json_get_int(*out, "version", 1, 1, &version) != ST_OK)
        st = ST_UNSUPPORTED;
    bytes_clear(&text);
    if (st == ST_OK)
        return EXIT_DONE;
    json_decref(*out);
    *out = NULL;
    return command_refuse(in, "%s: %s", path,
                          st == ST_BAD_REQUEST   ? "not well-formed JSON, or a member stands there twice"
                          : st == ST_UNSUPPORTED ? "no file of version 1"
                                                 : status_name(st));
}

int json_file_refuse(const struct invocation *in, const char *path, const char *what, enum status st)
{
    if (st == ST_BAD_REQUEST)
        return command_refuse(in, "%s: no %s, or it has been changed", path, what);
    return command_refuse(in, "%s: %s", path, status_name(st));
}

void json_file_begin(struct json_writer *w, struct bytes *text)
{
    json_begin(w, text);
    json_open_object(w, NULL);
    json_put_int(w, "version", 1);
}

int json_file_end(const struct invocation *in, const char *path, unsigned mode, struct json_writer *w,
                  struct bytes *text)
{
    enum status st;
    int code;

    json_close_object(w);
    bytes_append_char(text, '\n');
    code = (st = bytes_status(text)) == ST_OK ? result_file_write(in, path, mode, bytes_span(text))
                                              : command_refuse(in, "%s: %s", path, status_name(st));
    bytes_clear(text);
    return code;
}

static enum status text_of(const json_t *object, const char *name, struct span *out)
{
    return json_get_text(object, name, out) == ST_OK ? ST_OK : ST_BAD_REQUEST;
}

enum status json_file_hex(const json_t *object, const char *name, uint8_t *out, size_t len)
{
    struct span text;
    enum status st = text_of(object, name, &text);

    return st == ST_OK ? hex_decode(out, len, text) : st;
}

enum status json_file_base64url(const json_t *object, const char *name, size_t max, struct bytes *out)
{
    struct span text;
    enum status st = text_of(object, name, &text);

    if (st == ST_OK && base64url_decoded_len(text.len) > max)
        st = ST_BAD_REQUEST;
    return st == ST_OK ? base64url_decode(out, text) : st;
}

enum status json_file_number(const json_t *object, const char *name, int64_t max, uint64_t *out)
{
    int64_t value;

    if (json_get_int(object, name, 0, max, &value) != ST_OK)
        return ST_BAD_REQUEST;
    *out = (uint64_t)value;
    return ST_OK;
}

enum status json_file_text(const json_t *object, const char *name, size_t max, char *out)
{
    struct span text;
    enum status st = text_of(object, name, &text);

    if (st != ST_OK || text.len > max)
        return ST_BAD_REQUEST;
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return ST_OK;
}

void json_file_put_hex(struct json_writer *w, const char *name, struct span value)
{
    struct bytes hex = { 0 };

    hex_append(&hex, value);
    json_put_text(w, name, bytes_span(&hex));
    bytes_clear(&hex);
}
