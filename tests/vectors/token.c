#include "tests/vectors/token.h"

#include <dlfcn.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "firmware/base/secret.h"
#include "tests/vectors/pkcs11_32.h"

#define SLOTS_MAX  64
#define OUTPUT_MAX (512u * 1024)

void template_add(struct template *tp, CK_ATTRIBUTE_TYPE type, struct span value)
{
    INVARIANT(tp->count < TEMPLATE_MAX);
    tp->items[tp->count++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)value.p, value.len };
}

void template_add_number(struct template *tp, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    INVARIANT(tp->count < TEMPLATE_MAX);
    tp->numbers[tp->count] = value;
    template_add(tp, type, span_of(&tp->numbers[tp->count], sizeof tp->numbers[0]));
}

void template_add_bool(struct template *tp, CK_ATTRIBUTE_TYPE type, bool value)
{
    static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

    template_add(tp, type, span_of(value ? &yes : &no, sizeof yes));
}

CK_MECHANISM mechanism_of(CK_MECHANISM_TYPE type, const void *parameter, size_t len)
{
    return (CK_MECHANISM){ type, (void *)(uintptr_t)parameter, len };
}

static CK_BYTE *bytes_in(struct span s)
{
    static CK_BYTE none[1];

    return s.p != NULL ? (CK_BYTE *)(uintptr_t)s.p : none; /* empty is not NULL: NULL would be CKR_ARGUMENTS_BAD */
}

static bool has_label(const CK_TOKEN_INFO *info, const char *label)
{
    size_t len = strlen(label);

    if (len > sizeof info->label || memcmp(info->label, label, len) != 0)
        return false;
    for (size_t i = len; i < sizeof info->label; i++)
        if (info->label[i] != ' ')
            return false;
    return true;
}

static bool find_slot(struct token *t, const char *label)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;

    if (t->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (t->f->C_GetTokenInfo(slots[i], &info) == CKR_OK && has_label(&info, label)) {
            t->slot = slots[i];
            return true;
        }
    return false;
}

static void find_interface_32(struct token *t, void *module)
{
    CK_RV (*get)(CK_UTF8CHAR_PTR, CK_VERSION *, struct interface **, CK_FLAGS) = NULL;
    CK_UTF8CHAR name[] = "PKCS 11";
    CK_VERSION version = { 3, 2 };
    struct interface *found = NULL;

    *(void **)&get = dlsym(module, "C_GetInterface"); /* POSIX's way to make a function pointer of it */
    if (get == NULL || get(name, &version, &found, 0) != CKR_OK || found == NULL)
        return;
    t->encapsulate = (encapsulate_function)found->functions->entries[FUNCTION_ENCAPSULATE_KEY];
    t->decapsulate = (decapsulate_function)found->functions->entries[FUNCTION_DECAPSULATE_KEY];
}

static bool load(struct token *t, const char *path)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_C_GetFunctionList get = NULL;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (module == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get == NULL || get(&t->f) != CKR_OK || t->f->C_Initialize(&args) != CKR_OK) {
        fprintf(stderr, "%s does not initialise\n", path);
        return false;
    }
    find_interface_32(t, module);
    return true;
}

static bool login(struct token *t, const char *pin_file)
{
    struct secret pin = { 0 };
    bool ok = secret_read_file(&pin, pin_file) == ST_OK &&
              t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &t->session) == CKR_OK &&
              t->f->C_Login(t->session, CKU_USER, pin.p, pin.len) == CKR_OK;

    secret_clear(&pin);
    return ok;
}

static void template_secret(const struct token *t, struct template *tp, size_t len)
{
    template_add_number(tp, CKA_CLASS, CKO_SECRET_KEY);
    template_add_number(tp, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    template_add_bool(tp, CKA_TOKEN, false);
    template_add_bool(tp, CKA_SIGN, true);
    if (t->gives_values) {
        template_add_bool(tp, CKA_SENSITIVE, false);
        template_add_bool(tp, CKA_EXTRACTABLE, true);
    }
    if (len > 0)
        template_add_number(tp, CKA_VALUE_LEN, len);
}

/* What policy says about readable secrets is asked of the token, once. */
static bool gives_values(struct token *t)
{
    CK_MECHANISM m = mechanism_of(CKM_GENERIC_SECRET_KEY_GEN, NULL, 0);
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    struct template tp = { 0 };
    struct bytes value = { 0 };
    bool gives;

    t->gives_values = true;
    template_secret(t, &tp, 32);
    gives = t->f->C_GenerateKey(t->session, &m, tp.items, tp.count, &key) == CKR_OK &&
            token_read(t, key, CKA_VALUE, &value) == CKR_OK;
    token_destroy(t, key);
    bytes_clear(&value);
    return gives;
}

bool token_open(struct token *t, const char *module, const char *label, const char *pin_file)
{
    *t = (struct token){ 0 };
    if (!load(t, module))
        return false;
    if (!find_slot(t, label) || !login(t, pin_file)) {
        fprintf(stderr, "no token \"%s\", or its PIN is wrong\n", label);
        return false;
    }
    t->gives_values = gives_values(t);
    return true;
}

void token_close(struct token *t)
{
    if (t->f != NULL)
        t->f->C_Finalize(NULL);
}

bool token_offers(const struct token *t, CK_MECHANISM_TYPE type, CK_FLAGS flag)
{
    CK_MECHANISM_INFO info;

    return t->f->C_GetMechanismInfo(t->slot, type, &info) == CKR_OK && (info.flags & flag) == flag;
}

CK_RV token_create(struct token *t, struct template *tp, CK_OBJECT_HANDLE *out)
{
    *out = CK_INVALID_HANDLE;
    return t->f->C_CreateObject(t->session, tp->items, tp->count, out);
}

void token_destroy(struct token *t, CK_OBJECT_HANDLE h)
{
    if (h != CK_INVALID_HANDLE)
        t->f->C_DestroyObject(t->session, h);
}

/* All that gives bytes has room for more than any of it may give, so nothing is done twice to learn a length. */
static CK_RV output(struct token *t, CK_RV (*call)(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR),
                    struct span in, struct bytes *out)
{
    static CK_BYTE room[OUTPUT_MAX];
    CK_ULONG len = sizeof room;
    CK_RV rv = call(t->session, bytes_in(in), in.len, room, &len);

    bytes_reset(out);
    if (rv == CKR_OK)
        bytes_append(out, room, len);
    return rv;
}

CK_RV token_sign(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct bytes *out)
{
    CK_RV rv = t->f->C_SignInit(t->session, m, key);

    return rv == CKR_OK ? output(t, t->f->C_Sign, in, out) : rv;
}

CK_RV token_verify(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct span signature)
{
    CK_RV rv = t->f->C_VerifyInit(t->session, m, key);

    if (rv == CKR_OK)
        rv = t->f->C_Verify(t->session, bytes_in(in), in.len, bytes_in(signature), signature.len);
    return rv;
}

CK_RV token_encrypt(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct bytes *out)
{
    CK_RV rv = t->f->C_EncryptInit(t->session, m, key);

    return rv == CKR_OK ? output(t, t->f->C_Encrypt, in, out) : rv;
}

CK_RV token_decrypt(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, struct span in, struct bytes *out)
{
    CK_RV rv = t->f->C_DecryptInit(t->session, m, key);

    return rv == CKR_OK ? output(t, t->f->C_Decrypt, in, out) : rv;
}

CK_RV token_digest(struct token *t, CK_MECHANISM *m, struct span in, struct bytes *out)
{
    CK_RV rv = t->f->C_DigestInit(t->session, m);

    return rv == CKR_OK ? output(t, t->f->C_Digest, in, out) : rv;
}

CK_RV token_wrap(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE kek, CK_OBJECT_HANDLE key, struct bytes *out)
{
    CK_BYTE room[8192];
    CK_ULONG len = sizeof room;
    CK_RV rv = t->f->C_WrapKey(t->session, m, kek, key, room, &len);

    bytes_reset(out);
    if (rv == CKR_OK)
        bytes_append(out, room, len);
    return rv;
}

CK_RV token_unwrap(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE kek, struct span in, CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };

    *out = CK_INVALID_HANDLE;
    template_secret(t, &tp, 0);
    return t->f->C_UnwrapKey(t->session, m, kek, bytes_in(in), in.len, tp.items, tp.count, out);
}

CK_RV token_derive(struct token *t, CK_MECHANISM *m, CK_OBJECT_HANDLE key, size_t len, CK_OBJECT_HANDLE *out)
{
    struct template tp = { 0 };

    *out = CK_INVALID_HANDLE;
    template_secret(t, &tp, len);
    return t->f->C_DeriveKey(t->session, m, key, tp.items, tp.count, out);
}

CK_RV token_decapsulate(struct token *t, CK_OBJECT_HANDLE key, struct span ciphertext, CK_OBJECT_HANDLE *out)
{
    CK_MECHANISM m = mechanism_of(CKM_ML_KEM, NULL, 0);
    struct template tp = { 0 };

    *out = CK_INVALID_HANDLE;
    template_secret(t, &tp, 0);
    return t->decapsulate(t->session, &m, key, tp.items, tp.count, bytes_in(ciphertext), ciphertext.len, out);
}

CK_RV token_encapsulate(struct token *t, CK_OBJECT_HANDLE key, struct bytes *ciphertext, CK_OBJECT_HANDLE *out)
{
    CK_MECHANISM m = mechanism_of(CKM_ML_KEM, NULL, 0);
    struct template tp = { 0 };
    CK_BYTE room[4096];
    CK_ULONG len = sizeof room;
    CK_RV rv;

    *out = CK_INVALID_HANDLE;
    template_secret(t, &tp, 0);
    rv = t->encapsulate(t->session, &m, key, tp.items, tp.count, room, &len, out);
    bytes_reset(ciphertext);
    if (rv == CKR_OK)
        bytes_append(ciphertext, room, len);
    return rv;
}

CK_RV token_read(struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, struct bytes *out)
{
    CK_BYTE room[32768];
    CK_ATTRIBUTE a = { type, room, sizeof room };
    CK_RV rv = t->f->C_GetAttributeValue(t->session, object, &a, 1);

    bytes_reset(out);
    if (rv == CKR_OK)
        bytes_append(out, room, a.ulValueLen);
    return rv;
}

bool token_secret_is(struct token *t, CK_OBJECT_HANDLE secret, struct span value)
{
    static const uint8_t text[] = "the same secret";
    CK_MECHANISM m = mechanism_of(CKM_SHA256_HMAC, NULL, 0);
    struct bytes out = { 0 };
    uint8_t mac[32];
    unsigned len = sizeof mac;
    bool same = false;

    if (t->gives_values)
        same = token_read(t, secret, CKA_VALUE, &out) == CKR_OK && span_equal(bytes_span(&out), value);
    else if (value.len <= INT32_MAX &&
             HMAC(EVP_sha256(), value.p, (int)value.len, text, sizeof text, mac, &len) != NULL)
        same = token_sign(t, &m, secret, span_of(text, sizeof text), &out) == CKR_OK &&
               span_equal(bytes_span(&out), span_of(mac, len));
    bytes_clear(&out);
    return same;
}

CK_RV token_generate_pair(struct token *t, CK_MECHANISM_TYPE type, struct template *public, struct template *private,
                          CK_OBJECT_HANDLE *public_out, CK_OBJECT_HANDLE *private_out)
{
    CK_MECHANISM m = mechanism_of(type, NULL, 0);

    *public_out = *private_out = CK_INVALID_HANDLE;
    return t->f->C_GenerateKeyPair(t->session, &m, public->items, public->count, private->items, private->count,
                                   public_out, private_out);
}
