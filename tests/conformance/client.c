#include "tests/conformance/client.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS_MAX 64

struct client client;
CK_BBOOL client_yes = CK_TRUE, client_no = CK_FALSE;

static bool read_pin(const char *variable, CK_BYTE *pin, CK_ULONG *len)
{
    const char *path = getenv(variable);
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, pin, PIN_ROOM) : -1;

    if (fd >= 0)
        close(fd);
    if (n <= 0) {
        fprintf(stderr, "%s: no PIN to read\n", variable);
        return false;
    }
    *len = (CK_ULONG)n;
    return true;
}

/* The 3.0 interface, where the module exports C_GetInterface (PKCS#11 3.0, 5.4.6). */
static void *get_interface(CK_BYTE major, CK_BYTE minor)
{
    CK_RV (*get)(CK_UTF8CHAR *, CK_VERSION *, struct interface **, CK_FLAGS) = NULL;
    struct interface *found = NULL;
    CK_UTF8CHAR name[] = "PKCS 11";
    CK_VERSION version = { major, minor };

    *(void **)&get = dlsym(client.module, "C_GetInterface");
    if (get == NULL || get(name, &version, &found, 0) != CKR_OK || found == NULL)
        return NULL;
    return found->functions;
}

bool client_load(void)
{
    const char *path = getenv("TOKEN_MODULE");
    CK_C_GetFunctionList get = NULL;

    if (path == NULL || getenv("TOKEN_LABEL") == NULL) {
        fputs("TOKEN_MODULE and TOKEN_LABEL are needed\n", stderr);
        return false;
    }
    if (!read_pin("TOKEN_PIN_FILE", client.pin, &client.pin_len) ||
        !read_pin("TOKEN_SO_PIN_FILE", client.so_pin, &client.so_pin_len))
        return false;
    client.module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (client.module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get = dlsym(client.module, "C_GetFunctionList"); /* POSIX's way to make a function pointer of it */
    if (get == NULL || get(&client.f) != CKR_OK || client.f == NULL)
        return false;
    client.f3 = get_interface(3, 0);
    client.f32 = get_interface(3, 2);
    return true;
}

CK_RV client_initialize(void)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };

    return client.f->C_Initialize(&args);
}

bool client_find_slot(void)
{
    const char *label = getenv("TOKEN_LABEL");
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    size_t len = strlen(label);

    if (client.f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (client.f->C_GetTokenInfo(slots[i], &info) == CKR_OK && (info.flags & CKF_TOKEN_INITIALIZED) != 0 &&
            memcmp(info.label, label, len) == 0 && (len == sizeof info.label || info.label[len] == ' ')) {
            client.slot = slots[i];
            return true;
        }
    return false;
}

static bool open_session(CK_SESSION_HANDLE *s)
{
    return client.f->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, s) == CKR_OK;
}

static bool log_in(void)
{
    CK_SESSION_INFO info;

    if (client.keeper != 0 && client.f->C_GetSessionInfo(client.keeper, &info) == CKR_OK &&
        info.state == CKS_RW_USER_FUNCTIONS)
        return true;
    client.f->C_CloseAllSessions(client.slot);
    client.keeper = 0;
    return open_session(&client.keeper) &&
           client.f->C_Login(client.keeper, CKU_USER, client.pin, client.pin_len) == CKR_OK;
}

bool client_reach(enum level level, bool afresh)
{
    CK_INFO info;

    if (client.s != 0 && !afresh)
        client.f->C_CloseSession(client.s);
    client.s = 0;
    if (afresh || level == LEVEL_RAW) {
        client.keeper = 0;
        client.f->C_Finalize(NULL);
    }
    if (level == LEVEL_RAW)
        return true;
    if (client.f->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED) {
        client.keeper = 0;
        if (client_initialize() != CKR_OK)
            return false;
    }
    if (!client_find_slot())
        return false;
    if (level < LEVEL_USER) {
        client.f->C_CloseAllSessions(client.slot);
        client.keeper = 0;
    } else if (!log_in()) {
        return false;
    }
    return level < LEVEL_PUBLIC || open_session(&client.s);
}

void client_clean(CK_SESSION_HANDLE s)
{
    CK_OBJECT_HANDLE found[64];
    CK_ULONG count;

    do {
        count = 0;
        if (client.f->C_FindObjectsInit(s, NULL, 0) != CKR_OK)
            return;
        if (client.f->C_FindObjects(s, found, COUNT_OF(found), &count) != CKR_OK)
            count = 0;
        client.f->C_FindObjectsFinal(s);
        for (CK_ULONG i = 0; i < count; i++)
            if (client.f->C_DestroyObject(s, found[i]) != CKR_OK)
                return;
    } while (count == COUNT_OF(found));
}

bool client_offers(CK_MECHANISM_TYPE type, CK_FLAGS flags)
{
    CK_MECHANISM_INFO info;

    return client.f->C_GetMechanismInfo(client.slot, type, &info) == CKR_OK && (info.flags & flags) == flags;
}

bool client_takes_size(CK_MECHANISM_TYPE type, CK_ULONG size)
{
    CK_MECHANISM_INFO info;

    return client.f->C_GetMechanismInfo(client.slot, type, &info) == CKR_OK && size >= info.ulMinKeySize &&
           size <= info.ulMaxKeySize;
}

size_t client_attribute(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *out, size_t room)
{
    CK_ATTRIBUTE a = { type, out, room };

    if (client.f->C_GetAttributeValue(s, o, &a, 1) != CKR_OK || a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
        return (size_t)-1;
    return a.ulValueLen;
}

int client_flag(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL on = 2;

    return client_attribute(s, o, type, &on, sizeof on) == sizeof on && on <= 1 ? on : -1;
}

CK_ULONG client_number(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG n = 0;

    return client_attribute(s, o, type, &n, sizeof n) == sizeof n ? n : CK_UNAVAILABLE_INFORMATION;
}

CK_RV client_count(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *count)
{
    CK_OBJECT_HANDLE found[64];
    CK_ULONG got = 0;
    CK_RV rv = client.f->C_FindObjectsInit(s, t, n);

    *count = 0;
    if (rv != CKR_OK)
        return rv;
    do {
        rv = client.f->C_FindObjects(s, found, COUNT_OF(found), &got);
        *count += rv == CKR_OK ? got : 0;
    } while (rv == CKR_OK && got > 0);
    client.f->C_FindObjectsFinal(s);
    return rv;
}

static const struct curve {
    const char *name;
    CK_ULONG len;
    CK_BYTE der[16];
} curves[] = {
    { "P-256", 10, { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 } },
    { "P-384", 7, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 } },
    { "P-521", 7, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 } },
    { "secp256k1", 7, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a } },
    { "secp160r1", 7, { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x08 } },
    { "Ed25519", 5, { 0x06, 0x03, 0x2b, 0x65, 0x70 } },
    { "X25519", 5, { 0x06, 0x03, 0x2b, 0x65, 0x6e } },
};

static const struct curve *curve_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(curves); i++)
        if (strcmp(curves[i].name, name) == 0)
            return &curves[i];
    return NULL;
}

const CK_BYTE *client_curve(const char *name, CK_ULONG *len)
{
    const struct curve *found = curve_of(name);

    *len = found != NULL ? found->len : 0;
    return found != NULL ? found->der : NULL;
}

CK_ULONG client_curve_len(const char *name)
{
    const struct curve *found = curve_of(name);

    return found != NULL ? found->len : 0;
}
