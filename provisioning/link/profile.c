#include "provisioning/link/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE    "STRONGROOM_PROFILE"
#define PROFILE_MAX (64u * 1024)
#define PATH_LEN    1024

static const char *const names[PROFILE_PATH_COUNT_] = { "socket", "certificate", "key", "keystore" };

void profile_clear(struct profile *p)
{
    for (unsigned i = 0; i < PROFILE_PATH_COUNT_; i++)
        free(p->owned[i]);
    *p = (struct profile){ 0 };
}

/* Without the white space around it, which an editor of Windows adds to. */
static struct span trimmed(struct span s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.len - 1);
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* A relative one is meant from where the profile lies, so it is the same file from wherever the command is run. */
static const char *set_path(struct profile *p, const char *file, unsigned which, struct span value)
{
    const char *slash = strrchr(file, '/');
    struct bytes path = { 0 };

    if (p->owned[which] != NULL)
        return "set twice";
    if (value.len == 0 || value.len > PATH_LEN || memchr(value.p, '\0', value.len) != NULL)
        return "no path";
    if (value.p[0] != '/' && slash != NULL)
        bytes_append(&path, file, (size_t)(slash + 1 - file));
    bytes_append_span(&path, value);
    if (bytes_status(&path) == ST_OK)
        p->owned[which] = span_dup_text(bytes_span(&path));
    bytes_clear(&path);
    return p->owned[which] != NULL ? NULL : "out of memory";
}

/* NULL, or what is wrong with the line. */
static const char *take_line(struct profile *p, const char *file, struct span line)
{
    const uint8_t *equals;
    struct span name, value;

    if ((equals = memchr(line.p, '=', line.len)) == NULL)
        return "not of the form `name = value`";
    name = trimmed(span_of(line.p, (size_t)(equals - line.p)));
    value = trimmed(span_of(equals + 1, line.len - (size_t)(equals + 1 - line.p)));
    for (unsigned i = 0; i < PROFILE_PATH_COUNT_; i++)
        if (span_is(name, names[i]))
            return set_path(p, file, i, value);
    return "unknown name";
}

static bool has_any(const struct profile *p)
{
    for (unsigned i = 0; i < PROFILE_PATH_COUNT_; i++)
        if (p->owned[i] != NULL)
            return true;
    return false;
}

static int parse(const struct invocation *in, const char *path, struct span text, struct profile *p)
{
    unsigned sections = 0;

    for (unsigned number = 1; text.len > 0; number++) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.p) : text.len;
        struct span line = trimmed(span_of(text.p, len));
        const char *fault = NULL;

        if (line.len > 0 && line.p[0] == '[') {
            if (sections++ > 0 || has_any(p))
                return EXIT_DONE; /* a further token */
        } else if (line.len > 0 && line.p[0] != '#') {
            fault = take_line(p, path, line);
        }
        if (fault != NULL)
            return command_refuse(in, "%s:%u: %s", path, number, fault);
        len += end != NULL;
        text = span_of(text.p + len, text.len - len);
    }
    return EXIT_DONE;
}

/* It says which key is used against whom: nobody else may write it. */
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
        if (text->len > PROFILE_MAX)
            return ST_TOO_LARGE;
    }
    return n == 0 ? bytes_status(text) : ST_IO;
}

static int load(const struct invocation *in, const char *path, struct profile *p)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY), code;
    struct bytes text = { 0 };
    enum status st;

    if (fd < 0)
        return command_refuse(in, "the profile %s: %s", path, strerror(errno));
    if ((st = read_text(fd, &text)) == ST_NOT_PERMITTED)
        code = command_refuse(in, "the profile %s must be a file of yours or root's that nobody else may write", path);
    else if (st != ST_OK)
        code = command_refuse(in, "the profile %s: %s", path, status_name(st));
    else
        code = parse(in, path, bytes_span(&text), p);
    close(fd);
    bytes_clear(&text);
    return code;
}

static int check_whole(const struct invocation *in, const struct profile *p)
{
    for (unsigned i = 0; i < PROFILE_PATH_COUNT_; i++)
        if (p->path[i] == NULL)
            return command_misused(
                in,
                "--%s is missing: give it, or name a file with the line \"%s = ...\" by --profile or "
                "$" VARIABLE,
                names[i], names[i]);
    return EXIT_DONE;
}

int profile_take(const struct invocation *in, struct profile *out)
{
    const char *file = command_given(in, "profile") ? command_value(in, "profile") : getenv(VARIABLE);
    bool all_given = true;
    int code;

    *out = (struct profile){ 0 };
    for (unsigned i = 0; i < PROFILE_PATH_COUNT_; i++)
        all_given = all_given && command_given(in, names[i]);
    /* One that is named on the command line is read in any case: a wrong one must not go unnoticed. */
    if (file != NULL && (!all_given || command_given(in, "profile")) && (code = load(in, file, out)) != EXIT_DONE)
        return code;
    for (unsigned i = 0; i < PROFILE_PATH_COUNT_; i++)
        out->path[i] = command_given(in, names[i]) ? command_value(in, names[i]) : out->owned[i];
    return check_whole(in, out);
}
