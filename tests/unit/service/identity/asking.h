/* asking.h - asking an authority for a token and waiting for the answer, for the tests. */
#ifndef STRONGROOM_TESTS_IDENTITY_ASKING_H
#define STRONGROOM_TESTS_IDENTITY_ASKING_H

#include <jansson.h>

#include "service/identity/authority.h"
#include "tests/unit/service/identity/signer.h"

#define BASE_URL   "https://login.localhost:8444"
#define MANAGEMENT "https://management.localhost:8444"

struct answer {
    unsigned http_status;
    json_t *json;
    const char *outcome;
    struct guid client_id, object_id;
};

/* `form` to the endpoint of version 2, or 1, of tenant TENANT, or `tenant`; `basic`: the Authorization header. */
void ask(struct answer *out, struct authority *a, const char *form);
void ask_v1(struct answer *out, struct authority *a, const char *form);
void ask_full(struct answer *out, struct authority *a, const char *tenant, bool v1, const char *form,
              const char *basic);
void answer_clear(struct answer *a);
const char *answer_text(const struct answer *a, const char *name); /* "" when absent */
/* The only member of error_codes. */
int answer_code(const struct answer *a);

#endif
