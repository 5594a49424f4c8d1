#include "tests/integration/pkcs11_module.h"

#include <dlfcn.h>
#include <stdio.h>

#define SLOTS_MAX 64

CK_FUNCTION_LIST *p11;
CK_BBOOL p11_yes = CK_TRUE, p11_no = CK_FALSE;

bool p11_open(const char *path)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = NULL;
    CK_RV rv;

    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get = dlsym(module, "C_GetFunctionList"); /* POSIX's way to make a function pointer of it */
    if (get == NULL || get(&p11) != CKR_OK) {
        fprintf(stderr, "%s: no function list\n", path);
        return false;
    }
    if ((rv = p11->C_Initialize(&args)) != CKR_OK)
        fprintf(stderr, "%s: C_Initialize: 0x%lx\n", path, rv);
    return rv == CKR_OK;
}

static bool has_label(const CK_TOKEN_INFO *info, struct span label)
{
    for (size_t i = 0; i < sizeof info->label; i++)
        if (info->label[i] != (i < label.len ? label.p[i] : ' '))
            return false;
    return (info->flags & CKF_TOKEN_INITIALIZED) != 0;
}

CK_RV p11_find_slot(const char *label, CK_SLOT_ID *out)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    CK_RV rv;

    if ((rv = p11->C_GetSlotList(CK_TRUE, slots, &count)) != CKR_OK)
        return rv;
    for (CK_ULONG i = 0; i < count; i++)
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && has_label(&info, span_text(label))) {
            *out = slots[i];
            return CKR_OK;
        }
    return CKR_TOKEN_NOT_PRESENT;
}

CK_RV p11_log_in(CK_SLOT_ID slot, struct span pin, CK_SESSION_HANDLE *out)
{
    CK_RV rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out);

    if (rv != CKR_OK)
        return rv;
    rv = p11->C_Login(*out, CKU_USER, (CK_BYTE *)(uintptr_t)pin.p, pin.len);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return CKR_OK;
    p11->C_CloseSession(*out);
    return rv;
}

CK_RV p11_find(CK_SESSION_HANDLE s, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_HANDLE found[2];
    CK_ULONG n = 0;
    CK_RV rv = p11->C_FindObjectsInit(s, template, count);

    if (rv != CKR_OK)
        return rv;
    rv = p11->C_FindObjects(s, found, 2, &n);
    p11->C_FindObjectsFinal(s);
    if (rv == CKR_OK && n != 1)
        rv = CKR_OBJECT_HANDLE_INVALID;
    if (rv == CKR_OK)
        *out = found[0];
    return rv;
}
