/* crash_object.h - token objects that can be recognised: all their attributes follow from who made them, the number
 * they have there, and how often they have been changed. What the token draws itself (a generated key) is recognised by
 * what it did when it was new: `proof`. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CRASH_OBJECT_H
#define STRONGROOM_TESTS_INTEGRATION_CRASH_OBJECT_H

#include "tests/integration/pkcs11_module.h"

enum crash_kind { CRASH_DATA, CRASH_AES_IMPORTED, CRASH_AES_GENERATED, CRASH_EC, CRASH_KIND_COUNT_ };

enum crash_life {
    LIFE_NONE,   /* never made, or its deletion was acknowledged */
    LIFE_COMING, /* its creation is under way */
    LIFE_THERE,  /* its creation was acknowledged */
    LIFE_GOING,  /* its deletion is under way */
};

/* One object as PKCS#11 counts them; a key pair is two. */
struct crash_part {
    enum crash_life life;
    unsigned revision; /* the one that was acknowledged */
    bool changing;     /* to the next one; that is under way */
    bool seen;         /* by the search after the kill */
};

#define CRASH_PROOF_LEN 67 /* an EC point on P-256, as PKCS#11 wraps it; or the first block of AES-ECB */

struct crash_object {
    unsigned worker, number;
    enum crash_kind kind;
    struct crash_part part[2]; /* [0] the object or the private key, [1] the public key */
    uint8_t proof[CRASH_PROOF_LEN];
    bool proof_known;
};

unsigned crash_object_parts(const struct crash_object *o);
/* Make it. */
CK_RV crash_object_create(CK_SESSION_HANDLE s, const struct crash_object *o);
/* Ask for the proof of what has been made. */
CK_RV crash_object_prove(CK_SESSION_HANDLE s, struct crash_object *o);
/* Two attributes in one call: whoever sees one changed must see the other changed. */
CK_RV crash_object_change(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part);
CK_RV crash_object_destroy(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part);

/* Whose object is it? False: it is none of ours. */
bool crash_object_identify(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE handle, unsigned *worker, unsigned *number,
                           unsigned *part, unsigned *revision);
/* Every attribute is as revision `revision` has it, and the key does what it did. NULL, or what is wrong. */
const char *crash_object_check(CK_SESSION_HANDLE s, const struct crash_object *o, unsigned part, unsigned revision,
                               CK_OBJECT_HANDLE handle);

#endif
