/* probe.h - one attempt to get at key bytes, or at the power that leads to them, through the functions of a PKCS#11
 * module that the attacker may call: a logged-in user of one token (THREATS.md A3). A probe that succeeds has shown it:
 * the bytes it has make the key's own MAC, ciphertext or public key; or the power works without the key's consent. */
#ifndef STRONGROOM_PROBES_PROBE_H
#define STRONGROOM_PROBES_PROBE_H

#include "tests/conformance/client.h"
#include "tests/conformance/keys.h"
#include "tests/conformance/oracle.h"

enum outcome_kind { PROBE_SUCCEEDED = 1, PROBE_REFUSED, PROBE_NOT_OFFERED, PROBE_BROKEN };

struct outcome {
    enum outcome_kind kind;
    CK_RV rv;          /* of the refusal */
    const char *where; /* the call that was refused */
};

struct probe {
    const char *name;
    struct outcome (*run)(void);
};

struct outcome succeeded(void);
/* A mechanism that is not there is "not offered"; whatever else said no has refused. */
struct outcome refused(CK_RV rv, const char *where);
/* No call was refused, but what came out is not the key. */
struct outcome in_vain(const char *what);

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        CK_RV rv_ = (call);                                                                                            \
        if (rv_ != CKR_OK)                                                                                             \
            return refused(rv_, #call);                                                                                \
    } while (0)

extern const struct probe probes_read[], probes_wrap[], probes_unwrap[], probes_derive[], probes_rsa[], probes_use[];
extern const size_t probes_read_count, probes_wrap_count, probes_unwrap_count, probes_derive_count, probes_rsa_count,
    probes_use_count;

#endif
