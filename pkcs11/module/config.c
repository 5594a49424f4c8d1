#include "pkcs11/module/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const names[CONFIG_PATH_COUNT_] = { "socket", "certificate", "key", "keystore" };
static const char *const variables[CONFIG_PATH_COUNT_] = {
    "STRONGROOM_PKCS11_SOCKET",
    "STRONGROOM_PKCS11_CERTIFICATE",
    "STRONGROOM_PKCS11_KEY",
    "STRONGROOM_PKCS11_KEYSTORE",
};

void config_clear(struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        for (unsigned k = 0; k < CONFIG_PATH_COUNT_; k++)
            free(c->slots[i].path[k]);
    *c = (struct config){ 0 };
}

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.len - 1);
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static enum status set_path(char **path, enum config_path which, struct span value)
{
    size_t max = which == CONFIG_SOCKET ? sizeof((struct sockaddr_un *)0)->sun_path - 1 : CONFIG_PATH_MAX;

    if (value.len == 0 || value.p[0] != '/' || memchr(value.p, '\0', value.len) != NULL)
        return ST_BAD_REQUEST;
    if (value.len > max)
        return ST_TOO_LARGE;
    free(*path);
    *path = span_dup_text(value);
    return *path != NULL ? ST_OK : ST_NO_MEMORY;
}

/* `[name]`: the slot that follows. */
static enum status begin_slot(struct config *c, struct span name)
{
    struct slot_config *s = &c->slots[c->count];

    if (c->count == CONFIG_SLOTS_MAX)
        return ST_TOO_LARGE;
    if (name.len == 0 || name.len > CONFIG_NAME_MAX)
        return ST_BAD_REQUEST;
    for (size_t i = 0; i < name.len; i++)
        if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
              (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-' || name.p[i] == '_' || name.p[i] == '.'))
            return ST_BAD_REQUEST;
    for (unsigned i = 0; i < c->count; i++)
        if (span_is(name, c->slots[i].name))
            return ST_BAD_REQUEST;
    memcpy(s->name, name.p, name.len);
    c->count++;
    return ST_OK;
}

static enum status parse_line(struct config *c, struct span line)
{
    const uint8_t *equals;
    struct span name, value;

    line = trim(line);
    if (line.len == 0 || line.p[0] == '#')
        return ST_OK;
    if (line.p[0] == '[')
        return line.p[line.len - 1] == ']' ? begin_slot(c, span_of(line.p + 1, line.len - 2)) : ST_BAD_REQUEST;
    if ((equals = memchr(line.p, '=', line.len)) == NULL)
        return ST_BAD_REQUEST;
    name = trim(span_of(line.p, (size_t)(equals - line.p)));
    value = trim(span_of(equals + 1, line.len - (size_t)(equals + 1 - line.p)));
    if (c->count == 0)
        c->count = 1; /* the first token needs no `[name]` */
    for (unsigned k = 0; k < CONFIG_PATH_COUNT_; k++) {
        char **path = &c->slots[c->count - 1].path[k];

        if (span_is(name, names[k]))
            return *path == NULL ? set_path(path, k, value) : ST_BAD_REQUEST;
    }
    return ST_BAD_REQUEST;
}

enum status config_parse(struct span text, struct config *out, unsigned *line)
{
    enum status st = ST_OK;

    for (*line = 1; st == ST_OK && text.len > 0; ++*line) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.p) : text.len;

        if ((st = parse_line(out, span_of(text.p, len))) != ST_OK)
            break;
        len += end != NULL;
        text = span_of(text.p + len, text.len - len);
    }
    if (st != ST_OK)
        config_clear(out);
    return st;
}

static enum status read_text(int fd, struct bytes *text)
{
    char block[4096];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0)
        return ST_IO;
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (st.st_uid != geteuid() && st.st_uid != 0))
        return ST_NOT_PERMITTED;
    while ((n = read(fd, block, sizeof block)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0)
            bytes_append(text, block, (size_t)n);
        if (text->len > CONFIG_FILE_MAX)
            return ST_TOO_LARGE;
    }
    return n == 0 ? bytes_status(text) : ST_IO;
}

static enum status load_file(const char *path, struct config *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct bytes text = { 0 };
    enum status st;
    unsigned line;

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ST_NOT_FOUND
               : errno == ELOOP || errno == EACCES ? ST_NOT_PERMITTED
                                                   : ST_IO;
    if ((st = read_text(fd, &text)) == ST_OK)
        st = config_parse(bytes_span(&text), out, &line);
    close(fd);
    bytes_clear(&text);
    return st;
}

static enum status load_from(const char *folder, const char *rest, struct config *out)
{
    char path[CONFIG_PATH_MAX + 64];
    int n;

    if (folder == NULL || folder[0] != '/')
        return ST_NOT_FOUND;
    n = snprintf(path, sizeof path, "%s%s", folder, rest);
    return n < 0 || (size_t)n >= sizeof path ? ST_TOO_LARGE : load_file(path, out);
}

static enum status load_first(struct config *out)
{
    const char *named = secure_getenv("STRONGROOM_PKCS11_CONF");
    enum status st;

    if (named != NULL)
        return load_file(named, out);
    if ((st = load_from(secure_getenv("XDG_CONFIG_HOME"), "/strongroom/pkcs11.conf", out)) != ST_NOT_FOUND ||
        (st = load_from(secure_getenv("HOME"), "/.config/strongroom/pkcs11.conf", out)) != ST_NOT_FOUND)
        return st;
    st = load_file("/etc/strongroom/pkcs11.conf", out);
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status apply_environment(struct config *c)
{
    for (unsigned k = 0; k < CONFIG_PATH_COUNT_; k++) {
        const char *value = secure_getenv(variables[k]);
        enum status st;

        if (value == NULL)
            continue;
        if (c->count == 0)
            c->count = 1;
        if ((st = set_path(&c->slots[0].path[k], k, span_text(value))) != ST_OK)
            return st;
    }
    return ST_OK;
}

static bool is_whole(const struct config *c)
{
    for (unsigned i = 0; i < c->count; i++)
        for (unsigned k = 0; k < CONFIG_PATH_COUNT_; k++)
            if (c->slots[i].path[k] == NULL)
                return false;
    return true;
}

enum status config_load(struct config *out)
{
    enum status st;

    *out = (struct config){ 0 };
    if ((st = load_first(out)) == ST_OK && (st = apply_environment(out)) == ST_OK && !is_whole(out))
        st = ST_BAD_REQUEST;
    if (st != ST_OK)
        config_clear(out);
    return st;
}
