/* ceremony.h - the people of a ceremony: holders with RSA keys, and their approvals, over whatever link a test has to
 * its keystore. Keys are made once in a process. */
#ifndef STRONGROOM_TESTS_CEREMONY_H
#define STRONGROOM_TESTS_CEREMONY_H

#include "firmware/wire/act.h"
#include "firmware/wire/pkcs11.h"

/* The owner's link: one request and its answer, borrowed until the next. */
struct ceremony_link {
    CK_RV (*call)(void *client, uint16_t kind, const ProtobufCMessage *request, void *answer);
    void *client;
};

struct ceremony_holder {
    EVP_PKEY *key;
    struct bytes certificate; /* DER */
    uint8_t id[32];
    char name[16]; /* "holder0" ... */
};

/* The holder of this number, below HOLDERS_MAX + 2. Never freed. */
struct ceremony_holder *ceremony_holder(unsigned i);

/* The first `count` holders, as a request has them. */
struct ceremony_people {
    Ks__Holder items[HOLDERS_MAX + 1], *list[HOLDERS_MAX + 1];
};
void ceremony_people(struct ceremony_people *p, unsigned first, unsigned count);

/* DOMAIN_CREATE, _EXPORT, _CONFIRM by the owner, with the first `count` holders. */
void ceremony_domain(struct ceremony_link owner, const char *name, unsigned count, unsigned required);

/* An authorisation of `request`, by the holders whose bits are set in `who`, for the keystore's act number and state of
 * now; `until_ms` from its clock. Bits HOLDERS_MAX and above are people who hold nothing. */
struct ceremony_approvals {
    Ks__Authorisation authorisation;
    Ks__Approval items[2 * HOLDERS_MAX], *list[2 * HOLDERS_MAX];
    uint8_t signatures[2 * HOLDERS_MAX][HOLDER_KEY_BITS_MAX / 8];
    struct act act;
};
void ceremony_prepare(struct ceremony_link owner, uint16_t kind, ProtobufCMessage *request, int64_t until_ms,
                      struct ceremony_approvals *out);
void ceremony_sign(struct ceremony_approvals *a, unsigned holder);
/* Both, and into the request. */
void ceremony_approve(struct ceremony_link owner, uint16_t kind, ProtobufCMessage *request, unsigned who,
                      struct ceremony_approvals *out);
/* Where the request keeps it. */
void ceremony_attach(uint16_t kind, ProtobufCMessage *request, struct ceremony_approvals *a);

#define CEREMONY_HOUR_MS (3600 * 1000)

#endif
