/* The function lists, and the three functions that the library exports. */
#include <string.h>

#include "firmware/base/bytes.h"
#include "pkcs11/module/attest.h"
#include "pkcs11/module/batch.h"
#include "pkcs11/module/link_keys.h"
#include "pkcs11/module/pkcs11_3.h"
#include "pkcs11/module/strongroom.h"

#define EXPORT __attribute__((visibility("default")))

#define ENTRY_2_40(name)       .name = name,
#define ENTRY(name, arguments) .name = name,

static CK_FUNCTION_LIST list_2_40 = { .version = { 2, 40 }, PKCS11_2_40_FUNCTIONS(ENTRY_2_40) };
static CK_FUNCTION_LIST_3_0 list_3_0 = { .version = { 3, 0 },
                                         PKCS11_2_40_FUNCTIONS(ENTRY_2_40) PKCS11_3_0_FUNCTIONS(ENTRY) };
static CK_FUNCTION_LIST_3_2 list_3_2 = { .version = { 3, 2 },
                                         PKCS11_2_40_FUNCTIONS(ENTRY_2_40) PKCS11_3_0_FUNCTIONS(ENTRY)
                                             PKCS11_3_2_FUNCTIONS(ENTRY) };
static CK_STRONGROOM_FUNCTION_LIST list_batch = { .version = { 1, 0 },
                                                  .OpenBatch = batch_open,
                                                  .Submit = batch_submit,
                                                  .Reap = batch_reap,
                                                  .WantsWrite = batch_wants_write,
                                                  .CloseBatch = batch_close };
static CK_STRONGROOM_ATTESTATION_FUNCTION_LIST list_attestation = { .version = { 1, 0 }, .C_StrongroomAttest = attest };

static CK_STRONGROOM_TOKEN_FUNCTION_LIST list_token = { .version = { 1, 0 }, .C_StrongroomLinkKeys = link_keys };

static CK_UTF8CHAR standard_name[] = "PKCS 11", batch_name[] = STRONGROOM_BATCH_INTERFACE,
                   attestation_name[] = STRONGROOM_ATTESTATION_INTERFACE, token_name[] = STRONGROOM_TOKEN_INTERFACE;

/* The first of a name is its default: the newest list that clients know widely. Asking for 3.2 by version gives 3.2. */
static CK_INTERFACE interfaces[] = {
    { standard_name, &list_3_0, 0 },
    { standard_name, &list_3_2, 0 },
    { standard_name, &list_2_40, 0 },
    { batch_name, &list_batch, 0 },
    { attestation_name, &list_attestation, 0 },
    { token_name, &list_token, 0 },
};

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = &list_2_40;
    return CKR_OK;
}

EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
    CK_ULONG room;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    room = *count;
    *count = ARRAY_LEN(interfaces);
    if (list == NULL)
        return CKR_OK;
    if (room < ARRAY_LEN(interfaces))
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof interfaces);
    return CKR_OK;
}

static bool fits(const CK_INTERFACE *i, const CK_UTF8CHAR *name, const CK_VERSION *version, CK_FLAGS flags)
{
    const CK_VERSION *own = i->pFunctionList;

    return (name == NULL || strcmp((const char *)name, (const char *)i->pInterfaceName) == 0) &&
           (version == NULL || (version->major == own->major && version->minor == own->minor)) &&
           (i->flags & flags) == flags;
}

EXPORT CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface,
                            CK_FLAGS flags)
{
    if (interface == NULL)
        return CKR_ARGUMENTS_BAD;
    for (unsigned i = 0; i < ARRAY_LEN(interfaces); i++)
        if (fits(&interfaces[i], name, version, flags)) {
            *interface = &interfaces[i];
            return CKR_OK;
        }
    return CKR_FUNCTION_FAILED; /* 3.0, 5.4.6 */
}
