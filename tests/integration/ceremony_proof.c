#include "tests/integration/ceremony_proof.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/base/secret.h"
#include "tests/integration/pkcs11_module.h"

#define FILLERS    64
#define FILLER_LEN (8u * 1024)
#define POINT_LEN  65 /* uncompressed, on P-256; PKCS#11 wraps it in an OCTET STRING of 67 */
#define BLOB_ROOM  (16u * 1024)
#define P256_LEN   32

struct proof {
    const char *label, *pin_file, *files;
    CK_SESSION_HANDLE session;
    bool so;
};

static CK_BYTE p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static CK_BYTE context[] = "ceremony";
static CK_BYTE digest[32] = "thirty-two bytes to be signed...";

/* ---- files ---- */

static int open_file(const struct proof *p, const char *name, int flags)
{
    char path[300];

    snprintf(path, sizeof path, "%s-%s", p->files, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static bool save(const struct proof *p, const char *name, const void *from, size_t len)
{
    int fd = open_file(p, name, O_WRONLY | O_CREAT | O_TRUNC);
    bool ok = fd >= 0 && write(fd, from, len) == (ssize_t)len;

    if (fd >= 0)
        close(fd);
    return ok;
}

static size_t load(const struct proof *p, const char *name, void *out, size_t room)
{
    int fd = open_file(p, name, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, out, room) : -1;

    if (fd >= 0)
        close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* ---- keys ---- */

static CK_RV make_pair(CK_SESSION_HANDLE s, bool token, CK_OBJECT_HANDLE *private_key, uint8_t point[POINT_LEN])
{
    CK_BBOOL on_token = token ? CK_TRUE : CK_FALSE;
    CK_ATTRIBUTE public_template[] = { P11_BYTES(CKA_EC_PARAMS, p256, sizeof p256),
                                       P11_YES(CKA_VERIFY),
                                       { CKA_TOKEN, &on_token, sizeof on_token } };
    CK_ATTRIBUTE private_template[] = { P11_YES(CKA_SIGN),
                                        P11_YES(CKA_SENSITIVE),
                                        P11_YES(CKA_PRIVATE),
                                        P11_TEXT(CKA_LABEL, "proof"),
                                        { CKA_TOKEN, &on_token, sizeof on_token } };
    uint8_t wrapped[POINT_LEN + 2];
    CK_ATTRIBUTE value = { CKA_EC_POINT, wrapped, sizeof wrapped };
    CK_OBJECT_HANDLE public_key;
    CK_RV rv = p11->C_GenerateKeyPair(s, &(CK_MECHANISM){ CKM_EC_KEY_PAIR_GEN, NULL, 0 }, public_template,
                                      ARRAY_LEN(public_template), private_template, ARRAY_LEN(private_template),
                                      &public_key, private_key);

    if (rv == CKR_OK && (rv = p11->C_GetAttributeValue(s, public_key, &value, 1)) == CKR_OK)
        memcpy(point, wrapped + 2, POINT_LEN);
    return rv;
}

static CK_RV make_filler(CK_SESSION_HANDLE s)
{
    static uint8_t value[FILLER_LEN];
    CK_ATTRIBUTE template[] = { P11_NUMBER(CKA_CLASS, CKO_DATA), P11_YES(CKA_TOKEN), P11_YES(CKA_PRIVATE),
                                P11_TEXT(CKA_LABEL, "filler"), P11_BYTES(CKA_VALUE, value, sizeof value) };
    CK_OBJECT_HANDLE made;

    return p11->C_CreateObject(s, template, ARRAY_LEN(template), &made);
}

static const char *make(struct proof *p)
{
    CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context - 1 };
    CK_MECHANISM mechanism = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    uint8_t token_point[POINT_LEN], sealed_point[POINT_LEN];
    static CK_BYTE blob[BLOB_ROOM];
    CK_ULONG len = sizeof blob;
    CK_OBJECT_HANDLE key;

    if (make_pair(p->session, true, &key, token_point) != CKR_OK ||
        make_pair(p->session, false, &key, sealed_point) != CKR_OK)
        return "the keys cannot be made";
    if (p11->C_WrapKey(p->session, &mechanism, CK_INVALID_HANDLE, key, blob, &len) != CKR_OK)
        return "the key cannot be sealed";
    for (unsigned i = 0; i < FILLERS; i++)
        if (make_filler(p->session) != CKR_OK)
            return "an object cannot be made";
    return save(p, "token", token_point, POINT_LEN) && save(p, "sealed", sealed_point, POINT_LEN) &&
                   save(p, "blob", blob, len)
               ? NULL
               : "the files cannot be written";
}

/* ---- signatures ---- */

static EVP_PKEY *key_of_point(uint8_t point[POINT_LEN])
{
    char group[] = "prime256v1";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, POINT_LEN),
                            OSSL_PARAM_construct_end() };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* PKCS#11's signature: r and s, each of 32 bytes. */
static bool is_good(EVP_PKEY *key, const uint8_t raw[2 * P256_LEN])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    unsigned char *der = NULL;
    bool ok = false;
    int len;

    if (sig != NULL && ctx != NULL &&
        ECDSA_SIG_set0(sig, BN_bin2bn(raw, P256_LEN, NULL), BN_bin2bn(raw + P256_LEN, P256_LEN, NULL)) == 1 &&
        (len = i2d_ECDSA_SIG(sig, &der)) > 0)
        ok = EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, der, (size_t)len, digest, sizeof digest) == 1;
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    ECDSA_SIG_free(sig);
    return ok;
}

static bool signs(const struct proof *p, CK_OBJECT_HANDLE key, const char *point_name)
{
    uint8_t point[POINT_LEN], raw[2 * P256_LEN];
    CK_ULONG len = sizeof raw;
    EVP_PKEY *public_key;
    bool ok = false;

    if (load(p, point_name, point, sizeof point) == POINT_LEN && (public_key = key_of_point(point)) != NULL) {
        ok = p11->C_SignInit(p->session, &(CK_MECHANISM){ CKM_ECDSA, NULL, 0 }, key) == CKR_OK &&
             p11->C_Sign(p->session, digest, sizeof digest, raw, &len) == CKR_OK && len == sizeof raw &&
             is_good(public_key, raw);
        EVP_PKEY_free(public_key);
    }
    return ok;
}

static const char *check(struct proof *p)
{
    CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context - 1 };
    CK_MECHANISM mechanism = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    CK_ATTRIBUTE proof[] = { P11_NUMBER(CKA_CLASS, CKO_PRIVATE_KEY), P11_TEXT(CKA_LABEL, "proof") };
    CK_ATTRIBUTE filler[] = { P11_TEXT(CKA_LABEL, "filler") };
    CK_OBJECT_HANDLE key, found[FILLERS + 1];
    static CK_BYTE blob[BLOB_ROOM];
    size_t len = load(p, "blob", blob, sizeof blob);
    CK_ULONG count = 0;

    if (p11_find(p->session, proof, ARRAY_LEN(proof), &key) != CKR_OK || !signs(p, key, "token"))
        return "the token's key does not sign any more";
    if (p11->C_UnwrapKey(p->session, &mechanism, CK_INVALID_HANDLE, blob, len, NULL, 0, &key) != CKR_OK ||
        !signs(p, key, "sealed"))
        return "the sealed key does not open any more, or does not sign";
    if (p11->C_FindObjectsInit(p->session, filler, 1) != CKR_OK ||
        p11->C_FindObjects(p->session, found, FILLERS + 1, &count) != CKR_OK || count != FILLERS)
        return "objects are missing";
    return NULL;
}

/* ---- a process for each ---- */

static const char *log_in(struct proof *p)
{
    struct secret pin = { 0 };
    CK_SLOT_ID slot;
    CK_RV rv;

    if (secret_init_process() != ST_OK || secret_read_file(&pin, p->pin_file) != ST_OK)
        return "the PIN cannot be read";
    if (!p11_open(getenv("TOKEN_MODULE")) || p11_find_slot(p->label, &slot) != CKR_OK)
        return "there is no token";
    rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &p->session);
    if (rv == CKR_OK)
        rv = p11->C_Login(p->session, p->so ? CKU_SO : CKU_USER, (CK_BYTE *)(uintptr_t)pin.p, pin.len);
    secret_clear(&pin);
    return rv == CKR_OK ? NULL : rv == CKR_PIN_INCORRECT ? "" : "the token lets nobody in";
}

/* 0; 1: no, and it has said why; 2: the PIN is wrong. */
static int apart(struct proof *p, const char *(*what)(struct proof *))
{
    const char *wrong;
    int status = 0;
    pid_t pid;

    fflush(stdout);
    if ((pid = fork()) == 0) {
        alarm(60);
        if ((wrong = log_in(p)) == NULL && what != NULL)
            wrong = what(p);
        if (wrong != NULL && wrong[0] != '\0')
            printf("%s\n", wrong);
        fflush(stdout);
        _exit(wrong == NULL ? 0 : wrong[0] != '\0' ? 1 : 2);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 1;
    return WEXITSTATUS(status);
}

bool proof_make(const char *label, const char *pin_file, const char *files)
{
    struct proof p = { .label = label, .pin_file = pin_file, .files = files };

    return apart(&p, make) == 0;
}

bool proof_holds(const char *label, const char *pin_file, const char *files)
{
    struct proof p = { .label = label, .pin_file = pin_file, .files = files };

    return apart(&p, check) == 0;
}

bool proof_opens(const char *label, const char *pin_file, bool so)
{
    struct proof p = { .label = label, .pin_file = pin_file, .so = so };

    return apart(&p, NULL) == 0;
}
