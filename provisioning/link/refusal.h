/* refusal.h - why the keystore refused, in words for the one who asked. */
#ifndef STRONGROOM_PROVISIONING_REFUSAL_H
#define STRONGROOM_PROVISIONING_REFUSAL_H

#include <stdint.h>

/* Of a CK_RV; never NULL. */
const char *refusal_reason(uint32_t rv);

#endif
