#include "provisioning/link/keystore_state.h"

#include "firmware/wire/message.h"

static const char *const names[] = {
    [KEYSTORE_FACTORY] = "factory", [KEYSTORE_PROVISIONED] = "provisioned", [KEYSTORE_OPERATIONAL] = "operational",
    [KEYSTORE_ERROR] = "error",     [KEYSTORE_ZEROISED] = "zeroised",
};

const char *keystore_state_name(uint32_t state)
{
    return state < ARRAY_LEN(names) && names[state] != NULL ? names[state] : "unknown";
}

uint32_t keystore_state_by_name(const char *name)
{
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return i;
    return 0;
}
