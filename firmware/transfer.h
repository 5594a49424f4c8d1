/* transfer.h - may this key carry that one out, or in? The rules of THREATS.md 5.7 that no policy softens for a
 * sensitive key: it leaves only under a key whose value nobody knows and which can do nothing else with what it
 * wrapped, by a mechanism that authenticates, and comes back unreadable. Pure. */
#ifndef STRONGROOM_TRANSFER_H
#define STRONGROOM_TRANSFER_H

#include "firmware/object.h"
#include "firmware/template.h"

/* Errors: CKR_KEY_UNEXTRACTABLE; CKR_KEY_NOT_WRAPPABLE foreign, untrusted or unsafe wrapping key, or its
 * CKA_WRAP_TEMPLATE; CKR_WRAPPING_KEY_SIZE_RANGE weaker than what it wraps; CKR_MECHANISM_INVALID. */
MUST_CHECK CK_RV transfer_check_wrap(enum policy policy, const struct object *kek, const struct object *target,
                                     CK_MECHANISM_TYPE mechanism);
/* The template of what arrives: what CKA_UNWRAP_TEMPLATE demands is added to it. Errors: CKR_MECHANISM_INVALID;
 * CKR_TEMPLATE_INCONSISTENT. */
MUST_CHECK CK_RV transfer_check_unwrap(enum policy policy, const struct object *kek, CK_MECHANISM_TYPE mechanism,
                                       struct attributes *template);
/* What follows from a sensitive key is sensitive, and extractable only if that key is: the same bytes could be derived
 * once for keeping and once for reading. Errors: CKR_TEMPLATE_INCONSISTENT. */
MUST_CHECK CK_RV transfer_check_derive(const struct object *base, const struct attributes *template);
/* The demands of CKA_UNWRAP_TEMPLATE and kin: added to the template. Errors: CKR_TEMPLATE_INCONSISTENT. */
MUST_CHECK CK_RV transfer_apply_template(const struct object *key, CK_ATTRIBUTE_TYPE nested,
                                         struct attributes *template);

#endif
