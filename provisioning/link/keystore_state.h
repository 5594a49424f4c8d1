/* keystore_state.h - the keystore's states by name. */
#ifndef STRONGROOM_PROVISIONING_KEYSTORE_STATE_H
#define STRONGROOM_PROVISIONING_KEYSTORE_STATE_H

#include <stdint.h>

const char *keystore_state_name(uint32_t state);   /* "unknown" for one that is not */
uint32_t keystore_state_by_name(const char *name); /* 0: there is none */

#endif
