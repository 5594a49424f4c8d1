#include "pkcs11/module/slot.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware/base/secret.h"
#include "pkcs11/module/client.h"
#include "pkcs11/module/guard.h"
#include "pkcs11/module/identity.h"

#define PEM_MAX (64u * 1024)

void pad_text(CK_UTF8CHAR *field, size_t room, const char *text)
{
    size_t len = strnlen(text, room);

    memset(field, ' ', room);
    memcpy(field, text, len);
}

static X509 *read_certificate(const char *path)
{
    BIO *in = BIO_new_file(path, "re"); /* closed on exec */
    X509 *x = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

    BIO_free(in);
    return x;
}

/* No prompt for a passphrase, ever: we are a guest. */
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    struct secret pem = { 0 };
    EVP_PKEY *key = NULL;
    BIO *in = NULL;

    if (secret_read_file(&pem, path) == ST_OK && (in = BIO_new_mem_buf(pem.p, (int)pem.len)) != NULL)
        key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
    BIO_free(in);
    secret_clear(&pem);
    return key;
}

static CK_RV load_identity(struct slot *s)
{
    char *const *path = s->config->path;
    X509 *own = read_certificate(path[CONFIG_CERTIFICATE]), *keystore = read_certificate(path[CONFIG_KEYSTORE]);
    EVP_PKEY *key = read_key(path[CONFIG_KEY]);
    uint8_t pinned[LINK_FINGERPRINT_LEN];
    CK_RV rv = CKR_GENERAL_ERROR;

    if (own != NULL && keystore != NULL && key != NULL && link_fingerprint(keystore, pinned) == ST_OK &&
        identity_get(key, own, pinned, &s->identity) == ST_OK)
        rv = CKR_OK;
    EVP_PKEY_free(key);
    X509_free(keystore);
    X509_free(own);
    return rv;
}

CK_RV slot_new(CK_SLOT_ID id, const struct slot_config *config, struct slot **out)
{
    struct slot *s = calloc(1, sizeof *s);
    struct guard g;
    CK_RV rv;

    *out = NULL;
    if (s == NULL)
        return CKR_HOST_MEMORY;
    s->id = id;
    s->config = config;
    if (!guard_enter(&g)) {
        free(s);
        return CKR_GENERAL_ERROR;
    }
    rv = load_identity(s);
    guard_leave(&g);
    if (rv != CKR_OK)
        goto no_identity;
    rv = CKR_HOST_MEMORY;
    if (pthread_mutex_init(&s->lock, NULL) != 0)
        goto no_identity;
    if (key_cache_init(&s->keys) != CKR_OK)
        goto no_keys;
    if (pool_init(&s->pool, s->identity, config->path[CONFIG_SOCKET]) != CKR_OK)
        goto no_pool;
    *out = s;
    return CKR_OK;
no_pool:
    key_cache_destroy(&s->keys);
no_keys:
    pthread_mutex_destroy(&s->lock);
no_identity:
    free(s);
    return rv;
}

void slot_free(struct slot *s)
{
    if (s == NULL)
        return;
    pool_clear(&s->pool);
    key_cache_destroy(&s->keys);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* With the lock. */
static CK_RV load_mechanisms(struct slot *s)
{
    struct reply reply;
    CK_RV rv;

    if (s->mechanisms_generation == s->pool.generation)
        return CKR_OK;
    if ((rv = client_call(s, POOL_ANY, MESSAGE_MECHANISM_LIST, NULL, CALL_MS, &reply)) == CKR_OK) {
        const Ks__MechanismList *list = (const Ks__MechanismList *)reply.message;

        s->mechanism_count = 0;
        for (size_t i = 0; i < list->n_mechanisms && i < SLOT_MECHANISMS_MAX; i++)
            s->mechanisms[s->mechanism_count++] = *list->mechanisms[i];
        s->mechanisms_generation = reply.connection->generation;
    }
    reply_done(&reply);
    return rv;
}

CK_RV slot_mechanism(struct slot *s, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *out)
{
    CK_RV rv;

    pthread_mutex_lock(&s->lock);
    if ((rv = load_mechanisms(s)) == CKR_OK) {
        rv = CKR_MECHANISM_INVALID;
        for (unsigned i = 0; i < s->mechanism_count && rv != CKR_OK; i++)
            if (s->mechanisms[i].type == type) {
                *out = (CK_MECHANISM_INFO){ .ulMinKeySize = s->mechanisms[i].min,
                                            .ulMaxKeySize = s->mechanisms[i].max,
                                            .flags = s->mechanisms[i].flags | CKF_HW }; /* done by the device */
                rv = CKR_OK;
            }
    }
    pthread_mutex_unlock(&s->lock);
    return rv;
}

CK_RV slot_mechanism_list(struct slot *s, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_RV rv;

    pthread_mutex_lock(&s->lock);
    if ((rv = load_mechanisms(s)) == CKR_OK) {
        if (list != NULL && *count < s->mechanism_count)
            rv = CKR_BUFFER_TOO_SMALL;
        else if (list != NULL)
            for (unsigned i = 0; i < s->mechanism_count; i++)
                list[i] = s->mechanisms[i].type;
        *count = s->mechanism_count;
    }
    pthread_mutex_unlock(&s->lock);
    return rv;
}

static CK_VERSION version_of(const char *text)
{
    unsigned major = 0, minor = 0;

    if (sscanf(text, "%3u.%3u", &major, &minor) < 1)
        return (CK_VERSION){ 0 };
    return (CK_VERSION){ .major = (CK_BYTE)major, .minor = (CK_BYTE)minor };
}

static void fill_token_info(const Ks__TokenInfo *t, CK_TOKEN_INFO *out)
{
    *out = (CK_TOKEN_INFO){ .flags = t->flags,
                            .ulMaxSessionCount = SESSIONS_MAX,
                            .ulSessionCount = t->sessions,
                            .ulMaxRwSessionCount = SESSIONS_MAX,
                            .ulRwSessionCount = t->rw_sessions,
                            .ulMaxPinLen = PIN_MAX,
                            .ulMinPinLen = PIN_MIN,
                            .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
                            .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
                            .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
                            .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
                            .firmwareVersion = version_of(t->firmware_version) };
    pad_text(out->label, sizeof out->label, t->label);
    pad_text(out->manufacturerID, sizeof out->manufacturerID, "Strongroom");
    pad_text(out->model, sizeof out->model, t->model);
    pad_text(out->serialNumber, sizeof out->serialNumber, t->serial);
    memset(out->utcTime, ' ', sizeof out->utcTime); /* 2.40, 3.2: only with CKF_CLOCK_ON_TOKEN */
}

CK_RV slot_token_info(struct slot *s, CK_TOKEN_INFO *out)
{
    struct reply reply;
    CK_RV rv = client_call(s, POOL_ANY, MESSAGE_TOKEN_INFO, NULL, CALL_MS, &reply);

    if (rv == CKR_OK)
        fill_token_info((const Ks__TokenInfo *)reply.message, out);
    reply_done(&reply);
    return rv == CKR_DEVICE_REMOVED ? CKR_TOKEN_NOT_PRESENT : rv;
}

CK_RV slot_link_keys(struct slot *s, CK_ULONG *count)
{
    struct reply reply;
    CK_RV rv = client_call(s, POOL_ANY, MESSAGE_TOKEN_INFO, NULL, CALL_MS, &reply);

    if (rv == CKR_OK)
        *count = ((const Ks__TokenInfo *)reply.message)->link_keys;
    reply_done(&reply);
    return rv == CKR_DEVICE_REMOVED ? CKR_TOKEN_NOT_PRESENT : rv;
}

CK_RV slot_init_token(struct slot *s, struct span so_pin, struct span label)
{
    Ks__InitToken request = KS__INIT_TOKEN__INIT;
    CK_RV rv;

    request.so_pin = (ProtobufCBinaryData){ .data = (uint8_t *)so_pin.p, .len = so_pin.len };
    request.label = (ProtobufCBinaryData){ .data = (uint8_t *)label.p, .len = label.len };
    rv = client_order(s, POOL_ANY, MESSAGE_INIT_TOKEN, &request.base, PIN_MS);
    key_cache_clear(&s->keys);
    return rv;
}

bool slot_is_present(struct slot *s)
{
    struct reply reply;
    CK_RV rv = client_call(s, POOL_ANY, MESSAGE_TOKEN_INFO, NULL, CALL_MS, &reply);

    reply_done(&reply);
    return rv == CKR_OK;
}

void slot_info(struct slot *s, CK_SLOT_INFO *out)
{
    char text[sizeof out->slotDescription + 1];

    *out = (CK_SLOT_INFO){ .flags = CKF_REMOVABLE_DEVICE | (slot_is_present(s) ? CKF_TOKEN_PRESENT : 0) };
    snprintf(text, sizeof text, "Strongroom keystore%s%s", s->config->name[0] != '\0' ? " " : "", s->config->name);
    pad_text(out->slotDescription, sizeof out->slotDescription, text);
    pad_text(out->manufacturerID, sizeof out->manufacturerID, "Strongroom");
}
