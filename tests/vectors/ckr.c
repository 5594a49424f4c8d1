#include <stdio.h>

#include "tests/vectors/token.h"

/* Verdicts first; then what else is worth a name. */
static const struct {
    CK_RV rv;
    bool verdict;
    const char *name;
} names[] = {
#define VERDICT(x)                                                                                                     \
    {                                                                                                                  \
        x, true, #x                                                                                                    \
    }
#define TROUBLE(x)                                                                                                     \
    {                                                                                                                  \
        x, false, #x                                                                                                   \
    }
    VERDICT(CKR_SIGNATURE_INVALID),
    VERDICT(CKR_SIGNATURE_LEN_RANGE),
    VERDICT(CKR_ENCRYPTED_DATA_INVALID),
    VERDICT(CKR_ENCRYPTED_DATA_LEN_RANGE),
    VERDICT(CKR_DATA_INVALID),
    VERDICT(CKR_DATA_LEN_RANGE),
    VERDICT(CKR_ATTRIBUTE_VALUE_INVALID),
    VERDICT(CKR_TEMPLATE_INCONSISTENT),
    VERDICT(CKR_TEMPLATE_INCOMPLETE),
    VERDICT(CKR_KEY_SIZE_RANGE),
    VERDICT(CKR_MECHANISM_PARAM_INVALID),
    VERDICT(CKR_DOMAIN_PARAMS_INVALID),
    VERDICT(CKR_CURVE_NOT_SUPPORTED),
    VERDICT(CKR_WRAPPED_KEY_INVALID),
    VERDICT(CKR_WRAPPED_KEY_LEN_RANGE),
    TROUBLE(CKR_OK),
    TROUBLE(CKR_MECHANISM_INVALID),
    TROUBLE(CKR_ARGUMENTS_BAD),
    TROUBLE(CKR_BUFFER_TOO_SMALL),
    TROUBLE(CKR_KEY_TYPE_INCONSISTENT),
    TROUBLE(CKR_KEY_FUNCTION_NOT_PERMITTED),
    TROUBLE(CKR_KEY_HANDLE_INVALID),
    TROUBLE(CKR_KEY_NOT_WRAPPABLE),
    TROUBLE(CKR_ATTRIBUTE_TYPE_INVALID),
    TROUBLE(CKR_ATTRIBUTE_READ_ONLY),
    TROUBLE(CKR_ATTRIBUTE_SENSITIVE),
    TROUBLE(CKR_ACTION_PROHIBITED),
    TROUBLE(CKR_FUNCTION_FAILED),
    TROUBLE(CKR_FUNCTION_NOT_SUPPORTED),
    TROUBLE(CKR_GENERAL_ERROR),
    TROUBLE(CKR_HOST_MEMORY),
    TROUBLE(CKR_DEVICE_ERROR),
    TROUBLE(CKR_DEVICE_MEMORY),
    TROUBLE(CKR_DEVICE_REMOVED),
    TROUBLE(CKR_OPERATION_ACTIVE),
    TROUBLE(CKR_OPERATION_NOT_INITIALIZED),
    TROUBLE(CKR_SESSION_HANDLE_INVALID),
    TROUBLE(CKR_USER_NOT_LOGGED_IN),
    TROUBLE(CKR_TOKEN_RESOURCE_EXCEEDED),
};

const char *rv_name(CK_RV rv)
{
    static char number[32];

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].rv == rv)
            return names[i].name;
    snprintf(number, sizeof number, "CKR 0x%lx", rv);
    return number;
}

bool rv_is_verdict(CK_RV rv)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].rv == rv)
            return names[i].verdict;
    return false;
}

bool rv_is_policy(CK_RV rv)
{
    return rv == CKR_KEY_SIZE_RANGE || rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_TEMPLATE_INCONSISTENT ||
           rv == CKR_MECHANISM_PARAM_INVALID;
}
