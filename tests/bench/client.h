/* client.h - a PKCS#11 client as bench_module is one: some module, its token, and a key for each kind of work. */
#ifndef STRONGROOM_BENCH_CLIENT_H
#define STRONGROOM_BENCH_CLIENT_H

#include "pkcs11/module/strongroom.h"
#include "tests/bench/order.h"

#define CLIENT_OUT_MAX  4096
#define CLIENT_SEAL_MAX 2048

/* One kind of work: key, mechanism and input; everything an operation needs. */
struct task {
    bool made;
    CK_MECHANISM mechanism;
    CK_OBJECT_HANDLE key, checker; /* checker: the public key, or the same one */
    uint8_t input[1024];
    CK_ULONG input_len;
    CK_GCM_PARAMS gcm;
    uint8_t iv[12];
    /* WORK_LOAD: */
    uint8_t wrapped[CLIENT_SEAL_MAX];
    CK_ULONG wrapped_len;
    CK_OBJECT_HANDLE unwrapping;
    CK_STRONGROOM_SEAL_PARAMS seal;
    uint8_t context[32];
};

struct client {
    CK_FUNCTION_LIST *f;
    const CK_STRONGROOM_FUNCTION_LIST *batch; /* NULL: the module has none */
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE owner; /* of the keys */
    struct task tasks[WORK_COUNT_];
};

/* Load $TOKEN_MODULE, find the token of $TOKEN_LABEL, log in with the PIN in the file $TOKEN_PIN_FILE. Says what fails
 * on standard error. */
MUST_CHECK enum status client_open(struct client *c);
void client_close(struct client *c);
CK_RV client_session(struct client *c, CK_SESSION_HANDLE *out);
/* The key of that work, made at the first call. CKR_MECHANISM_INVALID: the token has none. */
CK_RV client_task(struct client *c, enum work work, struct task **out);
/* What C_UnwrapKey of the sealed key needs to be told; our own seal needs nothing. */
CK_ULONG client_unwrap_template(const struct client *c, CK_ATTRIBUTE **out);
/* Is it the result of this task? As the token itself says. */
CK_RV client_check(struct client *c, CK_SESSION_HANDLE session, struct task *t, CK_BYTE_PTR result, CK_ULONG len);

#endif
