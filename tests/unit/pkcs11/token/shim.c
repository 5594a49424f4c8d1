#include "tests/unit/pkcs11/token/shim.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern const struct shim_controls shim_controls;

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;
static pthread_rwlock_t inside = PTHREAD_RWLOCK_INITIALIZER; /* calls read; taking the token away writes */
static CK_RV away = CKR_OK;                                  /* under `inside` */
static atomic_ulong sign_answer;
static atomic_ulong hidden = CKM_VENDOR_DEFINED;
static atomic_ulong more_flags;
static atomic_uint unwraps, logins, opens, finds, destroys;
static atomic_int opens_left = -1; /* negative: none fails */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_open = PTHREAD_COND_INITIALIZER;
static bool held;

/* A call that goes to SoftHSM unless the token is away. */
#define FORWARD(name, params, args)                                                                                    \
    static CK_RV my_##name params                                                                                      \
    {                                                                                                                  \
        CK_RV rv;                                                                                                      \
                                                                                                                       \
        pthread_rwlock_rdlock(&inside);                                                                                \
        rv = away != CKR_OK ? away : real->name args;                                                                  \
        pthread_rwlock_unlock(&inside);                                                                                \
        return rv;                                                                                                     \
    }

FORWARD(C_GetSlotList, (CK_BBOOL p, CK_SLOT_ID *l, CK_ULONG *n), (p, l, n))
FORWARD(C_GetSlotInfo, (CK_SLOT_ID s, CK_SLOT_INFO *i), (s, i))
FORWARD(C_CloseSession, (CK_SESSION_HANDLE h), (h))
FORWARD(C_GetSessionInfo, (CK_SESSION_HANDLE h, CK_SESSION_INFO *i), (h, i))
FORWARD(C_GetAttributeValue, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n), (h, o, a, n))
FORWARD(C_FindObjects, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *o, CK_ULONG m, CK_ULONG *n), (h, o, m, n))
FORWARD(C_FindObjectsFinal, (CK_SESSION_HANDLE h), (h))
FORWARD(C_SignInit, (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE k), (h, m, k))
FORWARD(C_EncryptInit, (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE k), (h, m, k))
FORWARD(C_DecryptInit, (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE k), (h, m, k))
FORWARD(C_GenerateRandom, (CK_SESSION_HANDLE h, CK_BYTE *p, CK_ULONG n), (h, p, n))
FORWARD(C_GenerateKeyPair,
        (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG an, CK_ATTRIBUTE *b, CK_ULONG bn,
         CK_OBJECT_HANDLE *x, CK_OBJECT_HANDLE *y),
        (h, m, a, an, b, bn, x, y))
FORWARD(C_WrapKey,
        (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE w, CK_OBJECT_HANDLE k, CK_BYTE *p, CK_ULONG *n),
        (h, m, w, k, p, n))

static CK_RV my_C_GetTokenInfo(CK_SLOT_ID s, CK_TOKEN_INFO *i)
{
    CK_RV rv;

    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_GetTokenInfo(s, i);
    pthread_rwlock_unlock(&inside);
    if (rv == CKR_OK)
        i->flags |= atomic_load(&more_flags);
    return rv;
}

static CK_RV my_C_OpenSession(CK_SLOT_ID s, CK_FLAGS f, void *a, CK_NOTIFY n, CK_SESSION_HANDLE *h)
{
    CK_RV rv;

    if (atomic_load(&opens_left) >= 0 && atomic_fetch_sub(&opens_left, 1) == 0)
        return CKR_DEVICE_ERROR;
    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_OpenSession(s, f, a, n, h);
    pthread_rwlock_unlock(&inside);
    if (rv == CKR_OK)
        atomic_fetch_add(&opens, 1);
    return rv;
}

static CK_RV my_C_FindObjectsInit(CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n)
{
    CK_RV rv;

    atomic_fetch_add(&finds, 1);
    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_FindObjectsInit(h, a, n);
    pthread_rwlock_unlock(&inside);
    return rv;
}

static CK_RV my_C_Sign(CK_SESSION_HANDLE h, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
    CK_RV answer = atomic_exchange(&sign_answer, CKR_OK), rv;

    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_Sign(h, in, in_len, out, out_len);
    pthread_rwlock_unlock(&inside);
    return answer != CKR_OK ? answer : rv;
}

static CK_RV my_C_Login(CK_SESSION_HANDLE h, CK_USER_TYPE u, CK_UTF8CHAR *pin, CK_ULONG n)
{
    CK_RV rv;

    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_Login(h, u, pin, n);
    if (away == CKR_OK)
        atomic_fetch_add(&logins, 1);
    pthread_rwlock_unlock(&inside);
    return rv;
}

static CK_RV my_C_UnwrapKey(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE w, CK_BYTE *p, CK_ULONG n,
                            CK_ATTRIBUTE *a, CK_ULONG an, CK_OBJECT_HANDLE *k)
{
    CK_RV rv;

    atomic_fetch_add(&unwraps, 1);
    pthread_mutex_lock(&gate);
    while (held)
        pthread_cond_wait(&gate_open, &gate);
    pthread_mutex_unlock(&gate);
    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_UnwrapKey(h, m, w, p, n, a, an, k);
    pthread_rwlock_unlock(&inside);
    return rv;
}

static CK_RV my_C_DestroyObject(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o)
{
    CK_RV rv;

    atomic_fetch_add(&destroys, 1);
    pthread_rwlock_rdlock(&inside);
    rv = away != CKR_OK ? away : real->C_DestroyObject(h, o);
    pthread_rwlock_unlock(&inside);
    return rv;
}

static CK_RV my_C_GetMechanismList(CK_SLOT_ID s, CK_MECHANISM_TYPE *types, CK_ULONG *n)
{
    CK_RV rv = real->C_GetMechanismList(s, types, n);

    for (CK_ULONG i = 0; rv == CKR_OK && types != NULL && i < *n; i++)
        if (types[i] == atomic_load(&hidden))
            types[i--] = types[--*n];
    return rv;
}

static void take_away(CK_RV answer)
{
    CK_SLOT_ID slots[16];
    CK_ULONG n = 16;

    pthread_rwlock_wrlock(&inside);
    if (real->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK)
        while (n > 0)
            real->C_CloseAllSessions(slots[--n]);
    away = answer;
    pthread_rwlock_unlock(&inside);
}

static void bring_back(void)
{
    pthread_rwlock_wrlock(&inside);
    away = CKR_OK;
    pthread_rwlock_unlock(&inside);
}

static void finalise(void)
{
    pthread_rwlock_wrlock(&inside);
    real->C_Finalize(NULL);
    pthread_rwlock_unlock(&inside);
}

static void fail_sign(CK_RV answer)
{
    atomic_store(&sign_answer, answer);
}

static void fail_open(unsigned after)
{
    atomic_store(&opens_left, (int)after);
}

static void hold_unwraps(bool hold)
{
    pthread_mutex_lock(&gate);
    held = hold;
    pthread_cond_broadcast(&gate_open);
    pthread_mutex_unlock(&gate);
}

static void hide(CK_MECHANISM_TYPE type)
{
    atomic_store(&hidden, type);
}

static void set_flags(CK_FLAGS flags)
{
    atomic_store(&more_flags, flags);
}

static unsigned unwraps_so_far(void)
{
    return atomic_load(&unwraps);
}

static unsigned logins_so_far(void)
{
    return atomic_load(&logins);
}

static unsigned opens_so_far(void)
{
    return atomic_load(&opens);
}

static unsigned finds_so_far(void)
{
    return atomic_load(&finds);
}

static unsigned destroys_so_far(void)
{
    return atomic_load(&destroys);
}

const struct shim_controls shim_controls = {
    .take_away = take_away,
    .bring_back = bring_back,
    .finalise = finalise,
    .fail_sign = fail_sign,
    .fail_open = fail_open,
    .hold_unwraps = hold_unwraps,
    .hide = hide,
    .set_flags = set_flags,
    .unwraps = unwraps_so_far,
    .logins = logins_so_far,
    .opens = opens_so_far,
    .finds = finds_so_far,
    .destroys = destroys_so_far,
};

static void override_calls(void)
{
    list.C_GetFunctionList = C_GetFunctionList;
    list.C_GetSlotList = my_C_GetSlotList;
    list.C_GetSlotInfo = my_C_GetSlotInfo;
    list.C_GetTokenInfo = my_C_GetTokenInfo;
    list.C_GetMechanismList = my_C_GetMechanismList;
    list.C_OpenSession = my_C_OpenSession;
    list.C_CloseSession = my_C_CloseSession;
    list.C_GetSessionInfo = my_C_GetSessionInfo;
    list.C_Login = my_C_Login;
    list.C_DestroyObject = my_C_DestroyObject;
    list.C_GetAttributeValue = my_C_GetAttributeValue;
    list.C_FindObjectsInit = my_C_FindObjectsInit;
    list.C_FindObjects = my_C_FindObjects;
    list.C_FindObjectsFinal = my_C_FindObjectsFinal;
    list.C_SignInit = my_C_SignInit;
    list.C_Sign = my_C_Sign;
    list.C_EncryptInit = my_C_EncryptInit;
    list.C_DecryptInit = my_C_DecryptInit;
    list.C_GenerateRandom = my_C_GenerateRandom;
    list.C_GenerateKeyPair = my_C_GenerateKeyPair;
    list.C_WrapKey = my_C_WrapKey;
    list.C_UnwrapKey = my_C_UnwrapKey;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    const char *path = getenv("STRONGROOM_SOFTHSM");
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    void *library = dlopen(path != NULL ? path : "/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return CKR_GENERAL_ERROR;
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (get_list == NULL || get_list(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    memcpy(&list, real, sizeof list);
    override_calls();
    *out = &list;
    return CKR_OK;
}
