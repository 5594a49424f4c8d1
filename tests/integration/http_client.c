/* The HTTP client of appliance.h, by libcurl: a new connection for each request, so that each stands alone. */
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>

#include "tests/integration/appliance.h"

#define REPLY_MAX (16u * 1024 * 1024)

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
    struct reply *r = arg;

    if (r->body.len + size * n > REPLY_MAX)
        return 0;
    bytes_append(&r->body, p, size * n);
    return size * n;
}

/* Called for each line, also for those of interim answers: a status line begins anew. */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
    struct reply *r = arg;
    size_t len = size * n, colon = 0;

    while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == '\n'))
        len--;
    if (len > 5 && memcmp(p, "HTTP/", 5) == 0) {
        bytes_reset(&r->headers);
        return size * n;
    }
    while (colon < len && p[colon] != ':')
        bytes_append_char(&r->headers, (char)tolower((unsigned char)p[colon++]));
    bytes_append(&r->headers, p + colon, len - colon);
    bytes_append_char(&r->headers, '\n');
    return size * n;
}

static long tls_version(const char *name)
{
    static const struct {
        const char *name;
        long version;
    } versions[] = {
        { "1.0", CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_0 },
        { "1.1", CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1 },
        { "1.2", CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2 },
        { "1.3", CURL_SSLVERSION_TLSv1_3 | CURL_SSLVERSION_MAX_TLSv1_3 },
    };

    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (strcmp(versions[i].name, name) == 0)
            return versions[i].version;
    invariant_broken("a TLS version we know", __FILE__, __LINE__);
}

static void add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);

    INVARIANT(longer != NULL);
    *list = longer;
}

static struct curl_slist *make_headers(const struct request *rq)
{
    struct curl_slist *list = NULL;

    if (rq->json != NULL)
        add_header(&list, "content-type: application/json");
    if (rq->token != NULL) {
        char *text = text_of("authorization: Bearer %s", rq->token);

        add_header(&list, text);
        free(text);
    }
    for (size_t i = 0; i < REQUEST_HEADERS_MAX && rq->headers[i] != NULL; i++)
        add_header(&list, rq->headers[i]);
    return list;
}

static void set_method_and_body(CURL *c, const struct request *rq)
{
    const char *body = rq->json != NULL ? rq->json : rq->form;

    if (body != NULL) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    } else if (rq->method != NULL && strcmp(rq->method, "HEAD") == 0) {
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (rq->method != NULL && strcmp(rq->method, "POST") == 0) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
    }
    if (rq->method != NULL)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, rq->method);
}

static void set_transport(CURL *c, const struct appliance *a, const struct request *rq, struct curl_slist *resolve)
{
    curl_easy_setopt(c, CURLOPT_RESOLVE, resolve);
    curl_easy_setopt(c, CURLOPT_CAINFO, a->ca);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)(rq->timeout_s != 0 ? rq->timeout_s : 60));
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
                     (long)(rq->http == 1   ? CURL_HTTP_VERSION_1_1
                            : rq->http == 2 ? CURL_HTTP_VERSION_2TLS
                                            : CURL_HTTP_VERSION_NONE));
    if (rq->tls != NULL) {
        curl_easy_setopt(c, CURLOPT_SSLVERSION, tls_version(rq->tls));
        /* OpenSSL's own level would keep the client from even offering TLS 1.1: it is the server that must say no. */
        curl_easy_setopt(c, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
    }
}

static struct curl_slist *make_resolve(const struct appliance *a, const struct request *rq)
{
    const char *address = rq->address != NULL ? rq->address : "127.0.0.1";
    unsigned ports[] = { a->data_port, a->management_port };
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        char *text = text_of("*:%u:%s", ports[i], address);

        add_header(&list, text);
        free(text);
    }
    return list;
}

bool appliance_request(const struct appliance *a, const struct request *rq, struct reply *reply)
{
    struct curl_slist *headers = make_headers(rq), *resolve = make_resolve(a, rq);
    CURL *c = curl_easy_init();
    long version = 0;
    CURLcode code;

    INVARIANT(c != NULL);
    reply_clear(reply);
    curl_easy_setopt(c, CURLOPT_URL, rq->url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, reply);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reply->error);
    set_transport(c, a, rq, resolve);
    set_method_and_body(c, rq);
    code = curl_easy_perform(c);
    if (code == CURLE_OK) {
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply->status);
        curl_easy_getinfo(c, CURLINFO_HTTP_VERSION, &version);
        reply->http = version == CURL_HTTP_VERSION_2_0 ? 2 : 1;
    } else if (reply->error[0] == '\0') {
        snprintf(reply->error, sizeof reply->error, "%s", curl_easy_strerror(code));
    }
    curl_easy_cleanup(c);
    curl_slist_free_all(headers);
    curl_slist_free_all(resolve);
    return code == CURLE_OK;
}

const char *reply_header(const struct reply *r, const char *name)
{
    static _Thread_local char value[4096];
    const char *line = bytes_text(&r->headers);
    size_t len = strlen(name);

    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, len) != 0 || line[len] != ':')
            continue;
        line += len + 1;
        line += strspn(line, " ");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\n"), line);
        return value;
    }
    return "";
}

json_t *reply_json(const struct reply *r)
{
    return json_loadb((const char *)r->body.p, r->body.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

const char *reply_text(const struct reply *r, const char *path)
{
    static _Thread_local char value[32768];
    json_t *root = reply_json(r), *at = root;
    char *copy = text_of("%s", path), *rest = copy, *name;

    while (at != NULL && (name = strsep(&rest, ".")) != NULL)
        at = json_object_get(at, name);
    snprintf(value, sizeof value, "%s", at != NULL && json_is_string(at) ? json_string_value(at) : "");
    json_decref(root);
    free(copy);
    return value;
}

void reply_clear(struct reply *r)
{
    bytes_clear(&r->headers);
    bytes_clear(&r->body);
    *r = (struct reply){ 0 };
}
