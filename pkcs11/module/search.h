/* search.h - C_FindObjectsInit and what follows it. All handles that match are fetched when a search begins: a search
 * sees the objects as they were then. */
#ifndef STRONGROOM_PKCS11_MODULE_SEARCH_H
#define STRONGROOM_PKCS11_MODULE_SEARCH_H

#include "pkcs11/module/session.h"

MUST_CHECK CK_RV search_begin(struct session *s, const CK_ATTRIBUTE *attributes, CK_ULONG count);
MUST_CHECK CK_RV search_take(struct session *s, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count);
MUST_CHECK CK_RV search_end(struct session *s);
void search_clear(struct session *s);

#endif
