/* fixture.h - struct plane: managementd without a network: a management plane over a memory store, and requests that
 * are plain data. The functions of service/http/http.h that the routes call are the fixture's own. */
#ifndef STRONGROOM_TESTS_MANAGEMENT_FIXTURE_H
#define STRONGROOM_TESTS_MANAGEMENT_FIXTURE_H

#include "service/management/management.h"
#include "tests/unit/harness.h"

#define TENANT       "11111111-1111-4111-8111-111111111111"
#define SUBSCRIPTION "22222222-2222-4222-8222-222222222222"
#define ELSEWHERE    "33333333-3333-4333-8333-333333333333"
#define OWNER        "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa" /* Owner of SUBSCRIPTION */
#define NOBODY       "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb" /* without any role */
#define MANAGEMENT   "management.localhost:8444"

#define SUB   "/subscriptions/" SUBSCRIPTION
#define ROOMS SUB "/resourceGroups/Rooms"
#define VAULT ROOMS "/providers/Microsoft.KeyVault/vaults/"

struct plane {
    struct config config;
    struct management m;
    EVP_PKEY *token_key, *audit_key;
};

/* Opens all of it, with two subscriptions, a group "Rooms" in each, and OWNER. */
void plane_open(struct plane *f);
void plane_close(struct plane *f);
/* A role for a principal, as an operator gives it. */
void plane_assign(struct plane *f, const char *principal, const char *role, const char *scope);

struct answer {
    unsigned status;
    struct bytes body;
    char www_authenticate[512], allow[64];
};
/* Send a request as `object_id` (NULL: without a token) and wait for the answer; the last one is overwritten. */
const struct answer *ask_at(struct plane *f, const char *authority, const char *object_id, const char *method,
                            const char *target, const char *body);
const struct answer *ask(struct plane *f, const char *object_id, const char *method, const char *target,
                         const char *body);
/* POST a form to the login host. */
const struct answer *post_form(struct plane *f, const char *target, const char *form);
/* As ask, with this Authorization header. */
const struct answer *ask_with(struct plane *f, const char *authorization, const char *target);
/* A signed access token of our issuer. */
void plane_token(const struct plane *f, const char *object_id, const char *audience, struct bytes *out);
/* "error.code" of the last answer, "" when there is none. */
const char *answer_code(const struct answer *a);
bool answer_has(const struct answer *a, const char *text);

#endif
