/* link_keys.h - the function of the token interface: strongroom.h says what it does. */
#ifndef STRONGROOM_PKCS11_MODULE_LINK_KEYS_H
#define STRONGROOM_PKCS11_MODULE_LINK_KEYS_H

#include "pkcs11/module/strongroom.h"

CK_RV link_keys(CK_SLOT_ID slot, CK_ULONG_PTR count);

#endif
