#include "tests/bench/client.h"

#include <dlfcn.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "firmware/base/secret.h"
#include "pkcs11/module/pkcs11_3.h"

#define SLOTS_MAX 64

/* DER of DigestInfo up to a SHA-256 digest (RFC 8017, 9.2, note 1): CKM_RSA_PKCS signs what it is given. */
static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static CK_BYTE p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 }, f4[] = { 1, 0, 1 };
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* A key with the rights that the service's keys have: what is measured is the same object. */
#define SECRET_KEY                                                                                                     \
    { CKA_TOKEN, &no, 1 }, { CKA_PRIVATE, &yes, 1 }, { CKA_SENSITIVE, &yes, 1 },                                       \
    {                                                                                                                  \
        CKA_EXTRACTABLE, &no, 1                                                                                        \
    }
/* of CKM_STRONGROOM_SEAL no template is needed */
static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static CK_KEY_TYPE ec_type = CKK_EC;
static CK_ATTRIBUTE unwrapped[] = {
    { CKA_CLASS, &private_class, sizeof private_class },
    { CKA_KEY_TYPE, &ec_type, sizeof ec_type },
    SECRET_KEY,
    { CKA_SIGN, &yes, 1 },
};

static bool find_slot(struct client *c, const char *label)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    size_t len = strlen(label);

    if (len > sizeof info.label || c->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (c->f->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, label, len) == 0 &&
            (len == sizeof info.label || info.label[len] == ' ')) {
            c->slot = slots[i];
            return true;
        }
    return false;
}

static bool load_module(struct client *c, const char *path)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_RV (*get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS) = NULL;
    CK_C_GetFunctionList get = NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_INTERFACE_PTR interface;

    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get = dlsym(module, "C_GetFunctionList"); /* POSIX's way to make a function pointer of it */
    if (get == NULL || get(&c->f) != CKR_OK || c->f->C_Initialize(&args) != CKR_OK)
        return false;
    *(void **)&get_interface = dlsym(module, "C_GetInterface");
    if (get_interface != NULL &&
        get_interface((CK_UTF8CHAR_PTR)STRONGROOM_BATCH_INTERFACE, NULL, &interface, 0) == CKR_OK)
        c->batch = interface->pFunctionList;
    return true;
}

enum status client_open(struct client *c)
{
    const char *module = getenv("TOKEN_MODULE"), *label = getenv("TOKEN_LABEL"), *pin_file = getenv("TOKEN_PIN_FILE");
    struct secret pin = { 0 };
    enum status st;

    *c = (struct client){ 0 };
    if (module == NULL || label == NULL || pin_file == NULL || !load_module(c, module) || !find_slot(c, label)) {
        fputs("bench_module: no module or no token; see TOKEN_MODULE and TOKEN_LABEL\n", stderr);
        return ST_NOT_FOUND;
    }
    if ((st = secret_read_file(&pin, pin_file)) != ST_OK)
        return st;
    if (client_session(c, &c->owner) != CKR_OK || c->f->C_Login(c->owner, CKU_USER, pin.p, pin.len) != CKR_OK)
        st = ST_UNAVAILABLE;
    secret_clear(&pin);
    return st;
}

void client_close(struct client *c)
{
    if (c->f != NULL)
        (void)c->f->C_Finalize(NULL);
}

CK_RV client_session(struct client *c, CK_SESSION_HANDLE *out)
{
    return c->f->C_OpenSession(c->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, out);
}

/* Making keys */

static CK_RV make_pair(struct client *c, enum work work, struct task *t)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_ULONG bits = work == WORK_RSA4096 ? 4096 : 2048, set = CKP_ML_DSA_65;
    CK_ATTRIBUTE ec[] = { { CKA_TOKEN, &no, 1 }, { CKA_EC_PARAMS, p256, sizeof p256 }, { CKA_VERIFY, &yes, 1 } };
    CK_ATTRIBUTE rsa[] = { { CKA_TOKEN, &no, 1 },
                           { CKA_MODULUS_BITS, &bits, sizeof bits },
                           { CKA_PUBLIC_EXPONENT, f4, sizeof f4 },
                           { CKA_VERIFY, &yes, 1 } };
    CK_ATTRIBUTE ml_dsa[] = { { CKA_TOKEN, &no, 1 }, { CKA_PARAMETER_SET, &set, sizeof set }, { CKA_VERIFY, &yes, 1 } };
    CK_ATTRIBUTE rights[] = { SECRET_KEY, { CKA_SIGN, &yes, 1 } };
    CK_ATTRIBUTE *public = ec;
    CK_ULONG count = ARRAY_LEN(ec);

    t->mechanism.mechanism = CKM_ECDSA;
    if (work == WORK_P384) {
        ec[1] = (CK_ATTRIBUTE){ CKA_EC_PARAMS, p384, sizeof p384 };
    } else if (work == WORK_RSA2048 || work == WORK_RSA4096) {
        mechanism.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
        t->mechanism.mechanism = CKM_RSA_PKCS;
        public = rsa;
        count = ARRAY_LEN(rsa);
    } else if (work == WORK_ML_DSA65) {
        mechanism.mechanism = CKM_ML_DSA_KEY_PAIR_GEN;
        t->mechanism.mechanism = CKM_ML_DSA;
        public = ml_dsa;
    }
    if (work == WORK_LOAD && c->batch == NULL)
        rights[3].pValue = &yes; /* SoftHSM wraps no other; what is unwrapped is not extractable again */
    return c->f->C_GenerateKeyPair(c->owner, &mechanism, public, count, rights, ARRAY_LEN(rights), &t->checker,
                                   &t->key);
}

static CK_RV make_secret(struct client *c, CK_MECHANISM_TYPE type, CK_ATTRIBUTE_TYPE right, CK_ATTRIBUTE_TYPE other,
                         CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM mechanism = { .mechanism = type };
    CK_ULONG len = 32;
    CK_ATTRIBUTE template[] = {
        SECRET_KEY, { CKA_VALUE_LEN, &len, sizeof len }, { right, &yes, 1 }, { other, &yes, 1 }
    };

    return c->f->C_GenerateKey(c->owner, &mechanism, template, ARRAY_LEN(template), key);
}

static CK_RV seal(struct client *c, struct task *t)
{
    CK_RV rv;

    t->wrapped_len = sizeof t->wrapped;
    if (c->batch != NULL) {
        t->seal = (CK_STRONGROOM_SEAL_PARAMS){ t->context, sizeof t->context };
        t->mechanism = (CK_MECHANISM){ CKM_STRONGROOM_SEAL, &t->seal, sizeof t->seal };
    } else {
        t->mechanism = (CK_MECHANISM){ CKM_AES_KEY_WRAP_PAD, NULL, 0 };
        if ((rv = make_secret(c, CKM_AES_KEY_GEN, CKA_WRAP, CKA_UNWRAP, &t->unwrapping)) != CKR_OK)
            return rv;
    }
    return c->f->C_WrapKey(c->owner, &t->mechanism, t->unwrapping, t->key, t->wrapped, &t->wrapped_len);
}

static CK_RV make_key(struct client *c, enum work work, struct task *t)
{
    CK_RV rv;

    switch (work) {
    case WORK_GCM64:
    case WORK_GCM1K:
        t->gcm = (CK_GCM_PARAMS){ .pIv = t->iv, .ulIvLen = sizeof t->iv, .ulIvBits = 96, .ulTagBits = 128 };
        t->mechanism = (CK_MECHANISM){ CKM_AES_GCM, &t->gcm, sizeof t->gcm };
        rv = make_secret(c, CKM_AES_KEY_GEN, CKA_ENCRYPT, CKA_DECRYPT, &t->key);
        t->checker = t->key;
        return rv;
    case WORK_HMAC64:
        t->mechanism.mechanism = CKM_SHA256_HMAC;
        rv = make_secret(c, CKM_GENERIC_SECRET_KEY_GEN, CKA_SIGN, CKA_VERIFY, &t->key);
        t->checker = t->key;
        return rv;
    case WORK_LOAD:
        return (rv = make_pair(c, work, t)) == CKR_OK ? seal(c, t) : rv;
    default:
        return make_pair(c, work, t);
    }
}

CK_RV client_task(struct client *c, enum work work, struct task **out)
{
    struct task *t = &c->tasks[work];
    size_t info_len = work == WORK_RSA2048 || work == WORK_RSA4096 ? sizeof sha256_info : 0;
    CK_RV rv;

    *out = t;
    if (t->made)
        return CKR_OK;
    if (RAND_bytes(t->input, sizeof t->input) != 1)
        return CKR_GENERAL_ERROR;
    memcpy(t->input, sha256_info, info_len);
    t->input_len = info_len + work_input_len(work);
    rv = make_key(c, work, t);
    t->made = rv == CKR_OK;
    return rv;
}

CK_ULONG client_unwrap_template(const struct client *c, CK_ATTRIBUTE **out)
{
    *out = c->batch != NULL ? NULL : unwrapped;
    return c->batch != NULL ? 0 : ARRAY_LEN(unwrapped);
}

CK_RV client_check(struct client *c, CK_SESSION_HANDLE session, struct task *t, CK_BYTE_PTR result, CK_ULONG len)
{
    CK_BYTE plain[CLIENT_OUT_MAX];
    CK_ULONG plain_len = sizeof plain;
    CK_RV rv;

    if (t->mechanism.mechanism != CKM_AES_GCM) {
        rv = c->f->C_VerifyInit(session, &t->mechanism, t->checker);
        return rv == CKR_OK ? c->f->C_Verify(session, t->input, t->input_len, result, len) : rv;
    }
    if ((rv = c->f->C_DecryptInit(session, &t->mechanism, t->checker)) == CKR_OK)
        rv = c->f->C_Decrypt(session, result, len, plain, &plain_len);
    if (rv != CKR_OK)
        return rv;
    return plain_len == t->input_len && memcmp(plain, t->input, plain_len) == 0 ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}
