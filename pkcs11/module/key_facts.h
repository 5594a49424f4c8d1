/* key_facts.h - what the module asks about a key before it is used, through the cache. */
#ifndef STRONGROOM_PKCS11_MODULE_KEY_FACTS_H
#define STRONGROOM_PKCS11_MODULE_KEY_FACTS_H

#include "pkcs11/module/session.h"

/* Errors: CKR_KEY_HANDLE_INVALID it is not there, or no key; of the transport. */
MUST_CHECK CK_RV key_facts_get(struct session *s, CK_OBJECT_HANDLE key, struct key_summary *out);
/* May `key` do this with this mechanism? Errors: CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED,
 * CKR_MECHANISM_INVALID by its CKA_ALLOWED_MECHANISMS. */
MUST_CHECK CK_RV key_facts_permit(const struct key_summary *k, enum operation_kind kind,
                                  const struct mechanism_shape *shape, CK_MECHANISM_TYPE type);

#endif
