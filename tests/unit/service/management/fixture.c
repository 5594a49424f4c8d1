#include "tests/unit/service/management/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "firmware/base/base64url.h"
#include "firmware/base/clock.h"
#include "service/vault/resource_group.h"
#include "service/vault/role_store.h"

/* ---- what stands in for service/http ---- */

struct http_request {
    enum http_method method;
    const char *method_name, *authority, *target, *body, *authorization, *content_type;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool answered;
    struct answer *answer;
};

enum http_method http_method(const struct http_request *rq)
{
    return rq->method;
}

struct span http_method_text(const struct http_request *rq)
{
    return span_text(rq->method_name);
}

struct span http_authority(const struct http_request *rq)
{
    return span_text(rq->authority);
}

struct span http_target(const struct http_request *rq)
{
    return span_text(rq->target);
}

struct span http_body(const struct http_request *rq)
{
    return rq->body != NULL ? span_text(rq->body) : (struct span){ 0 };
}

struct span http_header(const struct http_request *rq, const char *name)
{
    const char *value = strcmp(name, "authorization") == 0  ? rq->authorization
                        : strcmp(name, "content-type") == 0 ? rq->content_type
                                                            : NULL;

    return value != NULL ? span_text(value) : (struct span){ 0 };
}

unsigned http_header_count(const struct http_request *rq, const char *name)
{
    return http_header(rq, name).p != NULL;
}

int http_version(const struct http_request *rq)
{
    (void)rq;
    return 20;
}

const char *http_tls_version(const struct http_request *rq)
{
    (void)rq;
    return "TLSv1.3";
}

const char *http_peer_address(const struct http_request *rq)
{
    (void)rq;
    return "127.0.0.1";
}

uint64_t http_received_us(const struct http_request *rq)
{
    (void)rq;
    return clock_monotonic_us();
}

static void keep_field(char *out, size_t size, const struct http_field *field)
{
    snprintf(out, size, "%.*s", (int)field->value.len, (const char *)field->value.p);
}

void http_respond(struct http_request *rq, struct http_response *response)
{
    struct answer *a = rq->answer;

    a->status = response->status;
    for (size_t i = 0; i < response->field_count; i++) {
        if (strcmp(response->fields[i].name, "www-authenticate") == 0)
            keep_field(a->www_authenticate, sizeof a->www_authenticate, &response->fields[i]);
        if (strcmp(response->fields[i].name, "allow") == 0)
            keep_field(a->allow, sizeof a->allow, &response->fields[i]);
    }
    bytes_move(&a->body, &response->body);
    pthread_mutex_lock(&rq->lock);
    rq->answered = true;
    pthread_cond_signal(&rq->done);
    pthread_mutex_unlock(&rq->lock);
}

/* ---- tokens ---- */

static void sign(EVP_PKEY *key, struct span text, struct bytes *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[512];
    size_t len = sizeof signature;

    CU_ASSERT_EQUAL_FATAL(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    CU_ASSERT_EQUAL_FATAL(EVP_DigestSign(ctx, signature, &len, text.p, text.len), 1);
    base64url_append(out, span_of(signature, len));
    EVP_MD_CTX_free(ctx);
}

void plane_token(const struct plane *f, const char *object_id, const char *audience, struct bytes *out)
{
    struct bytes claims = { 0 }, signature = { 0 };
    long long now = (long long)clock_unix_s();

    bytes_printf(&claims,
                 "{\"aud\":\"%s\",\"iss\":\"%s/%s/v2.0\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,"
                 "\"appid\":\"99999999-9999-4999-8999-999999999999\",\"idtyp\":\"app\",\"oid\":\"%s\",\"sub\":\"%s\","
                 "\"tid\":\"%s\",\"ver\":\"2.0\",\"uti\":\"x\"}",
                 audience, f->m.login_url, TENANT, now, now, now + 600, object_id, object_id, TENANT);
    bytes_reset(out);
    base64url_append(out, span_text("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"test\"}"));
    bytes_append_char(out, '.');
    base64url_append(out, bytes_span(&claims));
    sign(f->token_key, bytes_span(out), &signature);
    bytes_append_char(out, '.');
    bytes_append_span(out, bytes_span(&signature));
    bytes_clear(&signature);
    bytes_clear(&claims);
}

static void set_keys(struct plane *f)
{
    struct bytes jwks = { 0 };
    BIGNUM *n = NULL;
    uint8_t modulus[256];

    CU_ASSERT_EQUAL_FATAL(EVP_PKEY_get_bn_param(f->token_key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    CU_ASSERT_EQUAL_FATAL(BN_bn2binpad(n, modulus, sizeof modulus), (int)sizeof modulus);
    bytes_append_text(&jwks, "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"test\",\"e\":"
                             "\"AQAB\",\"n\":\"");
    base64url_append(&jwks, span_of(modulus, sizeof modulus));
    bytes_append_text(&jwks, "\"}]}");
    CU_ASSERT_EQUAL_FATAL(verifier_set_keys(f->m.verifier, bytes_span(&jwks)), ST_OK);
    BN_free(n);
    bytes_clear(&jwks);
}

/* ---- the plane ---- */

static void make_group(struct plane *f, const char *subscription)
{
    struct subscription s = { .display_name = "one" };
    struct resource_group g = { .name = "Rooms", .location = "local" }, out;
    struct admin_fault fault = { 0 };
    bool created;

    CU_ASSERT_EQUAL_FATAL(guid_parse(&s.id, span_text(subscription)), ST_OK);
    CU_ASSERT_EQUAL_FATAL(subscription_create(f->m.store, &s), ST_OK);
    g.subscription_id = s.id;
    CU_ASSERT_FATAL(group_put(f->m.store, &g, &out, &created, &fault));
    resource_group_clear(&out);
}

void plane_assign(struct plane *f, const char *principal, const char *role, const char *scope)
{
    struct assignment wanted = { .id = guid_random() }, out;
    struct admin_fault fault = { 0 };
    bool created;

    CU_ASSERT_EQUAL_FATAL(guid_parse(&wanted.principal_id, span_text(principal)), ST_OK);
    CU_ASSERT_FATAL(role_by_name(span_text(role), &wanted.role_id));
    snprintf(wanted.scope, sizeof wanted.scope, "%s", scope);
    CU_ASSERT_FATAL(assignment_put(f->m.store, &wanted, &out, &created, &fault));
}

static void open_audit(struct plane *f)
{
    static unsigned trails;
    struct bytes directory = { 0 };
    struct audit_config ac = { .source = "test" };

    bytes_printf(&directory, "%s/audit-%u", scratch_directory(), trails++);
    CU_ASSERT_EQUAL_FATAL(mkdir(bytes_text(&directory), 0700), 0);
    ac.directory = bytes_text(&directory);
    ac.signing_key = f->audit_key;
    CU_ASSERT_EQUAL_FATAL(audit_open(&ac, &f->m.audit), ST_OK);
    bytes_clear(&directory);
}

void plane_open(struct plane *f)
{
    struct verifier_config vc = { .issuer = "https://login.localhost:8444/" TENANT "/v2.0",
                                  .audience = "https://" MANAGEMENT };

    *f = (struct plane){ 0 };
    f->config = (struct config){ .data_port = 8443, .management_port = 8444 };
    f->config.domain = strdup("localhost");
    f->config.location = strdup("local");
    CU_ASSERT_EQUAL_FATAL(guid_parse(&f->config.tenant_id, span_text(TENANT)), ST_OK);
    vc.tenant_id = f->config.tenant_id;
    f->m.config = &f->config;
    f->m.management_url = "https://" MANAGEMENT;
    f->m.login_url = "https://login.localhost:8444";
    f->m.challenge = "Bearer authorization_uri=\"https://login.localhost:8444/" TENANT "\"";
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->token_key = EVP_RSA_gen(2048));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->audit_key = EVP_EC_gen("P-256"));
    open_audit(f);
    CU_ASSERT_EQUAL_FATAL(store_open_memory(&f->m.store), ST_OK);
    make_group(f, SUBSCRIPTION);
    make_group(f, ELSEWHERE);
    plane_assign(f, OWNER, "Owner", SUB);
    CU_ASSERT_EQUAL_FATAL(catalog_open(f->m.store, &f->m.catalog), ST_OK);
    CU_ASSERT_EQUAL_FATAL(verifier_new(&vc, &f->m.verifier), ST_OK);
    set_keys(f);
    CU_ASSERT_EQUAL_FATAL(work_queue_start(2, 16, &f->m.work), ST_OK);
    f->m.admin = (struct vault_admin){ f->m.store, f->config.tenant_id, f->config.location, NULL };
}

static struct answer last;

void plane_close(struct plane *f)
{
    work_queue_stop(f->m.work);
    verifier_free(f->m.verifier);
    catalog_close(f->m.catalog);
    store_close(f->m.store);
    audit_close(f->m.audit);
    EVP_PKEY_free(f->token_key);
    EVP_PKEY_free(f->audit_key);
    free(f->config.domain);
    free(f->config.location);
    bytes_clear(&last.body);
}

/* ---- asking ---- */

static enum http_method method_of(const char *name)
{
    static const char *const names[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return (enum http_method)i;
    return HTTP_OTHER;
}

static const struct answer *deliver(struct plane *f, struct http_request *rq)
{
    bytes_clear(&last.body);
    last = (struct answer){ 0 };
    rq->answer = &last;
    pthread_mutex_init(&rq->lock, NULL);
    pthread_cond_init(&rq->done, NULL);
    management_handle(rq, &f->m);
    pthread_mutex_lock(&rq->lock);
    while (!rq->answered)
        pthread_cond_wait(&rq->done, &rq->lock);
    pthread_mutex_unlock(&rq->lock);
    pthread_cond_destroy(&rq->done);
    pthread_mutex_destroy(&rq->lock);
    return &last;
}

const struct answer *ask_at(struct plane *f, const char *authority, const char *object_id, const char *method,
                            const char *target, const char *body)
{
    struct http_request rq = { .method = method_of(method),
                               .method_name = method,
                               .authority = authority,
                               .target = target,
                               .body = body,
                               .content_type = body != NULL ? "application/json" : NULL };
    struct bytes token = { 0 }, header = { 0 };

    if (object_id != NULL) {
        plane_token(f, object_id, f->m.management_url, &token);
        bytes_append_text(&header, "Bearer ");
        bytes_append_span(&header, bytes_span(&token));
        rq.authorization = bytes_text(&header);
    }
    deliver(f, &rq);
    bytes_clear(&token);
    bytes_clear(&header);
    return &last;
}

const struct answer *ask(struct plane *f, const char *object_id, const char *method, const char *target,
                         const char *body)
{
    return ask_at(f, MANAGEMENT, object_id, method, target, body);
}

const struct answer *post_form(struct plane *f, const char *target, const char *form)
{
    struct http_request rq = { .method = HTTP_POST,
                               .method_name = "POST",
                               .authority = "login.localhost:8444",
                               .target = target,
                               .body = form,
                               .content_type = "application/x-www-form-urlencoded;charset=utf-8" };

    return deliver(f, &rq);
}

const struct answer *ask_with(struct plane *f, const char *authorization, const char *target)
{
    struct http_request rq = { .method = HTTP_GET,
                               .method_name = "GET",
                               .authority = MANAGEMENT,
                               .target = target,
                               .authorization = authorization };

    return deliver(f, &rq);
}

const char *answer_code(const struct answer *a)
{
    static char code[64];
    const char *at = a->body.len > 0 ? strstr(bytes_text(&a->body), "{\"error\":{\"code\":\"") : NULL;

    code[0] = '\0';
    if (at != NULL)
        sscanf(at + strlen("{\"error\":{\"code\":\""), "%63[^\"]", code);
    return code;
}

bool answer_has(const struct answer *a, const char *text)
{
    bool has = a->body.len > 0 && strstr(bytes_text(&a->body), text) != NULL;

    if (!has)
        printf("\nnot in %u %s: %s\n", a->status, bytes_text(&a->body), text);
    return has;
}
