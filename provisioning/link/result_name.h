/* result_name.h - what a keystore answered, by the name that PKCS#11 and firmware/wire/pkcs11.h have for it. */
#ifndef STRONGROOM_PROVISIONING_RESULT_NAME_H
#define STRONGROOM_PROVISIONING_RESULT_NAME_H

#include <stdint.h>

/* "CKR_OK"; "?" for a result of a later keystore. */
const char *result_name(uint32_t rv);

#endif
