/* template.h - which attributes there are, who may set them when, and what an object gets that its template does not
 * say. The keystore trusts nobody's template (THREATS.md 5.7). Pure: no objects, no sessions.
 *
 * Two policies. Strict is the default. Compatible lets stock tools make keys with conflicting rights and gives rights
 * that a template leaves out as SoftHSM does; transfer.h still lets no sensitive value out. */
#ifndef STRONGROOM_TEMPLATE_H
#define STRONGROOM_TEMPLATE_H

#include "firmware/crypto/attributes.h"
#include "firmware/wire/body.h"

enum policy { POLICY_STRICT, POLICY_COMPATIBLE };

enum template_use {
    TEMPLATE_CREATE = 1 << 0,
    TEMPLATE_GENERATE = 1 << 1,
    TEMPLATE_ARRIVE = 1 << 2, /* unwrap, derive, decapsulate */
    TEMPLATE_COPY = 1 << 3,
    TEMPLATE_SET = 1 << 4,
};

/* Who asks. */
struct actor {
    enum policy policy;
    bool user, so;
    struct span origin; /* fingerprint of the device where it is asked */
};

/* A template as it came: every attribute known, once, and of a right length. Errors: CKR_ATTRIBUTE_TYPE_INVALID;
 * CKR_ATTRIBUTE_VALUE_INVALID; CKR_TEMPLATE_INCONSISTENT one twice; CKR_HOST_MEMORY. */
MUST_CHECK CK_RV template_read(const Ks__Template *t, struct budget *b, struct attributes *out);
/* A new object out of a template: `a` has CKA_CLASS and, for keys, CKA_KEY_TYPE. Errors: CKR_ATTRIBUTE_READ_ONLY;
 * CKR_ATTRIBUTE_TYPE_INVALID not of this class; CKR_TEMPLATE_INCONSISTENT; CKR_TEMPLATE_INCOMPLETE;
 * CKR_ATTRIBUTE_VALUE_INVALID. */
MUST_CHECK CK_RV template_check_new(const struct attributes *a, enum template_use use, const struct actor *who);
/* Give the new object what the template left out. `base`: what a derived key comes from; NULL otherwise. `mechanism`:
 * of a generation, else CK_UNAVAILABLE_INFORMATION. */
MUST_CHECK CK_RV template_complete(struct attributes *a, enum template_use use, const struct actor *who,
                                   const struct attributes *base, CK_MECHANISM_TYPE mechanism);
/* May `changes` be made to an object with the attributes `now` (TEMPLATE_SET), or to its copy (TEMPLATE_COPY)? */
MUST_CHECK CK_RV template_check_change(const struct attributes *now, const struct attributes *changes,
                                       enum template_use use, const struct actor *who);
/* Does an object with `a` match? Values that may not be read never match. */
bool template_matches(const struct attributes *a, const struct attributes *wanted);
/* Is it one of the value attributes that CKA_SENSITIVE closes? */
bool template_is_secret(CK_ATTRIBUTE_TYPE type, CK_OBJECT_CLASS class);
/* Does it say what may be done with an object: is it CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_SIGN or another truth value?
 */
bool template_is_right(CK_ATTRIBUTE_TYPE type);
/* Is the value a template (CKA_WRAP_TEMPLATE and kin), kept as packed attributes? */
bool template_is_nested(CK_ATTRIBUTE_TYPE type);
/* The nested template's demands on `a` (CKA_WRAP_TEMPLATE and kin of a key): all must be met. */
bool template_nested_met(const struct attributes *key, CK_ATTRIBUTE_TYPE nested, const struct attributes *a);

#endif
