/* rig.h - a keystore on a board in memory, and clients of it, in one process: both ends of the link without a
 * transport. Clients may be on several threads, so what must hold here ends the program: CUnit is for one thread. */
#ifndef STRONGROOM_TESTS_RIG_H
#define STRONGROOM_TESTS_RIG_H

#include "firmware/keystore.h"
#include "firmware/wire/body.h"
#include "firmware/wire/pkcs11.h"
#include "tests/unit/firmware/ceremony.h"
#include "tests/unit/firmware/flash/memory_hal.h"
#include "tests/unit/harness.h"

#define RIG_PIN    "user-pin-1234"
#define RIG_SO_PIN "so-pin-5678"

struct rig_identity {
    EVP_PKEY *key;
    X509 *certificate;
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
};

/* One end of a link. */
struct rig_client {
    struct peer *peer;
    struct link *link;
    struct link_identity *identity;
    struct budget budget;
    uint8_t *block;
    unsigned wakes; /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t woken;
    uint32_t next_id;
};

struct rig {
    struct memory_hal *hal;
    struct keystore *ks;
    struct rig_identity owner, user, other;
};

/* A board with an owner; not provisioned. */
void rig_open(struct rig *r);
void rig_close(struct rig *r);
/* Close the keystore and open it again on the same board. */
void rig_restart(struct rig *r);
/* Open it: it has been closed, and perhaps the board exchanged. */
void rig_reopen(struct rig *r);
/* Domain, one partition "one" with `user` as its client. */
void rig_provision(struct rig *r, const char *policy);
enum status rig_connect(struct rig *r, const struct rig_identity *who, struct rig_client *out);
/* As rig_connect(), and ATTACH. */
void rig_attach(struct rig *r, const struct rig_identity *who, struct rig_client *out);
void rig_disconnect(struct rig_client *c);
/* One request and its answer. *answer (may be NULL) is borrowed until the next call. */
CK_RV rig_call(struct rig_client *c, uint16_t kind, const ProtobufCMessage *request, void *answer);
/* The same link for ceremony.h. */
struct ceremony_link rig_link(struct rig_client *c);
/* Token initialised, user PIN set, a read-write session with the user logged in. */
uint64_t rig_ready_session(struct rig_client *c);
/* All of that on a new board with a strict partition and a cheap PIN hash: what most suites begin with. */
uint64_t rig_open_ready(struct rig *r, struct rig_client *c);
uint64_t rig_session(struct rig_client *c, bool read_write);
CK_RV rig_login(struct rig_client *c, uint64_t session, CK_USER_TYPE user, const char *pin);

/* A template on the stack. */
struct rig_template {
    Ks__Template t;
    Ks__Attribute items[TEMPLATE_ATTRIBUTES_MAX], *list[TEMPLATE_ATTRIBUTES_MAX];
    CK_ULONG numbers[TEMPLATE_ATTRIBUTES_MAX];
    CK_BBOOL bools[TEMPLATE_ATTRIBUTES_MAX];
};
void rig_template_init(struct rig_template *t);
void rig_bool(struct rig_template *t, CK_ATTRIBUTE_TYPE type, bool value);
void rig_ulong(struct rig_template *t, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void rig_bytes(struct rig_template *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t len);

/* Keys, with the template given on top of class and size. */
CK_RV rig_generate_ec(struct rig_client *c, uint64_t session, const struct rig_template *more, uint64_t *public,
                      uint64_t *private);
CK_RV rig_generate_aes(struct rig_client *c, uint64_t session, CK_ULONG bytes, struct rig_template *more,
                       uint64_t *key);
CK_RV rig_compute(struct rig_client *c, uint64_t session, uint32_t operation, CK_MECHANISM_TYPE mechanism, uint64_t key,
                  struct span data, struct span signature, struct bytes *out);

#endif
