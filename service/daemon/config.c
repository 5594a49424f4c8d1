#include "service/daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/log.h"

enum option_kind { OPTION_TEXT, OPTION_PATH, OPTION_PIN, OPTION_NUMBER, OPTION_GUID, OPTION_LISTEN };

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;      /* in struct config */
    const char *preset; /* NULL: must be given */
    unsigned min, max;  /* OPTION_NUMBER */
};

#define AT(member) offsetof(struct config, member)

static const struct option options[] = {
    { "domain", OPTION_TEXT, AT(domain), "localhost", 0, 0 },
    { "listen", OPTION_LISTEN, AT(listen), "127.0.0.1 ::1", 0, 0 },
    { "data_port", OPTION_NUMBER, AT(data_port), "8443", 1, 65535 },
    { "management_port", OPTION_NUMBER, AT(management_port), "8444", 1, 65535 },
    { "tenant_id", OPTION_GUID, AT(tenant_id), NULL, 0, 0 },
    { "location", OPTION_TEXT, AT(location), "local", 0, 0 },
    { "management_store", OPTION_PATH, AT(management_store), NULL, 0, 0 },
    { "vault_store", OPTION_PATH, AT(vault_store), "", 0, 0 },
    { "audit_directory", OPTION_PATH, AT(audit_directory), NULL, 0, 0 },
    { "certificate_file", OPTION_PATH, AT(certificate_file), NULL, 0, 0 },
    { "token_module", OPTION_PATH, AT(token_module), NULL, 0, 0 },
    { "token_label", OPTION_TEXT, AT(token_label), NULL, 0, 0 },
    { "token_pin_file", OPTION_PIN, AT(token_pin_file), NULL, 0, 0 },
    { "token_config", OPTION_PATH, AT(token_config), "", 0, 0 },
    { "io_threads", OPTION_NUMBER, AT(io_threads), "0", 0, 256 },
    { "token_workers", OPTION_NUMBER, AT(token_workers), "0", 0, 256 },
    { "key_cache", OPTION_NUMBER, AT(key_cache), "10000", 1, 1000000 },
    { "token_lifetime_s", OPTION_NUMBER, AT(token_lifetime_s), "3600", 60, 86400 },
};

static void *place(struct config *c, const struct option *o)
{
    return (char *)c + o->offset;
}

static bool parse_number(struct span text, unsigned min, unsigned max, unsigned *out)
{
    unsigned long v = 0;

    if (text.len == 0 || text.len > 9)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (unsigned long)(text.p[i] - '0');
    }
    *out = (unsigned)v;
    return v >= min && v <= max;
}

static bool set_text(char **to, struct span text)
{
    *to = span_dup_text(text);
    return *to != NULL;
}

/* Addresses separated by spaces. */
static bool set_listen(char **to, struct span text)
{
    size_t n = 0, i = 0;

    while (i < text.len) {
        size_t start = i;

        while (i < text.len && text.p[i] != ' ')
            i++;
        if (i > start && (n == CONFIG_LISTEN_MAX || !set_text(&to[n++], span_of(text.p + start, i - start))))
            return false;
        i++;
    }
    return n > 0;
}

static bool starts(struct span text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len > len && memcmp(text.p, prefix, len) == 0;
}

/* What pkcs11/token/pin_source.h reads: a path, or a name after its kind. */
static bool is_pin_source(struct span value)
{
    return starts(value, "/") || starts(value, "credential:") || starts(value, "keyring:");
}

static bool set_value(struct config *c, const struct option *o, struct span value)
{
    switch (o->kind) {
    case OPTION_TEXT:
        return value.len > 0 && set_text(place(c, o), value);
    case OPTION_PATH: /* daemons change no directory, but their operators do: no relative path */
        return (value.len == 0 || value.p[0] == '/') && set_text(place(c, o), value);
    case OPTION_PIN:
        return is_pin_source(value) && set_text(place(c, o), value);
    case OPTION_NUMBER:
        return parse_number(value, o->min, o->max, place(c, o));
    case OPTION_GUID:
        return guid_parse(place(c, o), value) == ST_OK;
    case OPTION_LISTEN:
        return set_listen(place(c, o), value);
    }
    return false;
}

static struct span trimmed(struct span s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.len - 1);
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static const char *parse_line(struct config *c, struct span line, bool *seen)
{
    const uint8_t *equals = line.len > 0 ? memchr(line.p, '=', line.len) : NULL;
    struct span name, value;

    line = trimmed(line);
    if (line.len == 0 || line.p[0] == '#')
        return NULL;
    if (equals == NULL)
        return "not of the form `name = value`";
    name = trimmed(span_of(line.p, (size_t)(equals - line.p)));
    value = trimmed(span_of(equals + 1, (size_t)(line.p + line.len - (equals + 1))));
    if (value.len > CONFIG_VALUE_MAX)
        return "the value is too long";
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!span_is(name, options[i].name))
            continue;
        if (seen[i])
            return "set twice";
        seen[i] = true;
        return set_value(c, &options[i], value) ? NULL : "the value is not valid here";
    }
    return "unknown name";
}

static enum status parse(struct config *c, const char *path, struct span text)
{
    bool seen[ARRAY_LEN(options)] = { false };
    unsigned line_no = 0;

    while (text.len > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.p) : text.len;
        const char *fault = parse_line(c, span_of(text.p, len), seen);

        line_no++;
        if (fault != NULL) {
            log_error("%s:%u: %s", path, line_no, fault);
            return ST_BAD_REQUEST;
        }
        len += end != NULL;
        text = span_of(text.p + len, text.len - len);
    }
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (seen[i])
            continue;
        if (options[i].preset == NULL || !set_value(c, &options[i], span_text(options[i].preset))) {
            log_error("%s: `%s` is missing", path, options[i].name);
            return ST_BAD_REQUEST;
        }
    }
    return ST_OK;
}

static enum status read_whole(const char *path, struct bytes *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum status st = ST_OK;
    struct stat info;
    char block[4096];
    ssize_t n;

    if (fd < 0) {
        log_error("%s: cannot be opened: %s", path, strerror(errno));
        return errno == ENOENT ? ST_NOT_FOUND : ST_NOT_PERMITTED;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 022) != 0 ||
        (info.st_uid != geteuid() && info.st_uid != 0)) {
        log_error("%s: must be a regular file of this user or root that nobody else may write", path);
        st = ST_NOT_PERMITTED;
    }
    while (st == ST_OK && (n = read(fd, block, sizeof block)) != 0) {
        if (n > 0)
            bytes_append(text, block, (size_t)n);
        if (n < 0 || text->len > CONFIG_FILE_MAX || bytes_status(text) != ST_OK) {
            log_error("%s: cannot be read, or is larger than %u bytes", path, CONFIG_FILE_MAX);
            st = ST_BAD_REQUEST;
        }
    }
    close(fd);
    return st;
}

enum status config_load(const char *path, struct config *out)
{
    struct bytes text = { 0 };
    enum status st;

    *out = (struct config){ 0 };
    if ((st = read_whole(path, &text)) == ST_OK && (st = parse(out, path, bytes_span(&text))) != ST_OK)
        config_clear(out);
    bytes_clear(&text);
    return st;
}

void config_clear(struct config *c)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (options[i].kind == OPTION_TEXT || options[i].kind == OPTION_PATH || options[i].kind == OPTION_PIN)
            free(*(char **)place(c, &options[i]));
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        free(c->listen[i]);
    *c = (struct config){ 0 };
}

static char *url(const char *host, const char *domain, unsigned port)
{
    struct bytes b = { 0 };

    bytes_printf(&b, "https://%s.%s", host, domain);
    if (port != 443)
        bytes_printf(&b, ":%u", port);
    if (bytes_status(&b) != ST_OK)
        bytes_clear(&b);
    return (char *)b.p;
}

char *config_vault_resource(const struct config *c)
{
    return url("vault", c->domain, c->data_port);
}

char *config_management_url(const struct config *c)
{
    return url("management", c->domain, c->management_port);
}

char *config_login_url(const struct config *c)
{
    return url("login", c->domain, c->management_port);
}
