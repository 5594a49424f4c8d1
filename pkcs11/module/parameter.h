/* parameter.h - do the values of a parameter make sense? Asked at C_*Init, where a caller looks for
 * CKR_MECHANISM_PARAM_INVALID, since the keystore hears of an operation only with its data. It checks them all again.
 */
#ifndef STRONGROOM_PKCS11_MODULE_PARAMETER_H
#define STRONGROOM_PKCS11_MODULE_PARAMETER_H

#include "pkcs11/module/mechanism_wire.h"

/* `key_bits`: of the modulus, for PSS. Errors: CKR_MECHANISM_PARAM_INVALID. */
MUST_CHECK CK_RV parameter_check(const struct mechanism *m, const struct mechanism_shape *shape, unsigned key_bits);

#endif
