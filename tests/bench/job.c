#include "tests/bench/job.h"

#include <stdio.h>

#define LINE_LEN_MAX 2048

static enum status set_once(char **to, struct span value)
{
    if (*to != NULL || value.len == 0)
        return ST_BAD_REQUEST;
    *to = span_dup_text(value);
    return *to != NULL ? ST_OK : ST_NO_MEMORY;
}

static enum status set_authority(struct job *j, struct span authority)
{
    const uint8_t *colon = memchr(authority.p, ':', authority.len);
    size_t host_len = colon != NULL ? (size_t)(colon - authority.p) : authority.len;
    struct span port = colon != NULL ? span_of(colon + 1, authority.len - host_len - 1) : span_text("443");

    if (j->authority != NULL)
        return span_is(authority, j->authority) ? ST_OK : ST_CONFLICT;
    if (host_len == 0 || host_len >= sizeof j->host || port.len == 0 || port.len >= sizeof j->port)
        return ST_BAD_REQUEST;
    memcpy(j->host, authority.p, host_len);
    memcpy(j->port, port.p, port.len);
    return set_once(&j->authority, authority);
}

static enum status add_key(struct job *j, struct span url)
{
    static const char scheme[] = "https://";
    const uint8_t *slash;
    enum status st;

    if (!span_starts_with(url, span_text(scheme)) || j->key_count == JOB_KEYS_MAX)
        return ST_BAD_REQUEST;
    url = span_of(url.p + strlen(scheme), url.len - strlen(scheme));
    if ((slash = memchr(url.p, '/', url.len)) == NULL)
        return ST_BAD_REQUEST;
    if ((st = set_authority(j, span_of(url.p, (size_t)(slash - url.p)))) != ST_OK)
        return st;
    return set_once(&j->keys[j->key_count++].path, span_of(slash, url.len - (size_t)(slash - url.p)));
}

static enum status read_line(struct job *j, char *line)
{
    char *equals = strstr(line, " = ");
    struct span name, value;

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return ST_OK;
    if (equals == NULL)
        return ST_BAD_REQUEST;
    name = span_of(line, (size_t)(equals - line));
    value = span_text(equals + 3);
    if (span_is(name, "address"))
        return set_once(&j->address, value);
    if (span_is(name, "ca"))
        return set_once(&j->ca_file, value);
    if (span_is(name, "token"))
        return set_once(&j->token_file, value);
    return span_is(name, "key") ? add_key(j, value) : ST_BAD_REQUEST;
}

static enum status read_lines(struct job *j, FILE *file)
{
    char line[LINE_LEN_MAX];
    unsigned number = 0;
    enum status st;

    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        if ((st = read_line(j, line)) != ST_OK) {
            fprintf(stderr, "bench_load: line %u of the job: %s\n", number, status_name(st));
            return st;
        }
    }
    if (ferror(file) || j->address == NULL || j->ca_file == NULL || j->token_file == NULL || j->key_count == 0) {
        fputs("bench_load: the job lacks address, ca, token or keys\n", stderr);
        return ST_BAD_REQUEST;
    }
    return ST_OK;
}

static enum status read_token(struct job *j)
{
    struct secret token = { 0 };
    enum status st = secret_read_file(&token, j->token_file);

    if (st == ST_OK) {
        bytes_append_text(&j->bearer, "Bearer ");
        bytes_append_span(&j->bearer, secret_span(&token));
        st = bytes_status(&j->bearer);
    } else {
        fprintf(stderr, "bench_load: %s: %s\n", j->token_file, status_name(st));
    }
    secret_clear(&token);
    return st;
}

enum status job_read(const char *path, struct job *out)
{
    FILE *file = fopen(path, "re");
    enum status st;

    *out = (struct job){ 0 };
    if (file == NULL) {
        fprintf(stderr, "bench_load: %s cannot be opened\n", path);
        return ST_NOT_FOUND;
    }
    out->keys = calloc(JOB_KEYS_MAX, sizeof *out->keys);
    st = out->keys != NULL ? read_lines(out, file) : ST_NO_MEMORY;
    fclose(file);
    if (st == ST_OK)
        st = read_token(out);
    if (st != ST_OK)
        job_clear(out);
    return st;
}

void job_clear(struct job *j)
{
    for (size_t i = 0; i < j->key_count; i++) {
        free(j->keys[i].path);
        EVP_PKEY_free(j->keys[i].public);
    }
    free(j->keys);
    free(j->address);
    free(j->ca_file);
    free(j->token_file);
    free(j->authority);
    if (j->bearer.p != NULL)
        secret_wipe(j->bearer.p, j->bearer.cap);
    bytes_clear(&j->bearer);
    *j = (struct job){ 0 };
}
