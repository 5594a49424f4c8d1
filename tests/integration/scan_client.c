/* scan_client MODULE LABEL PIN_FILE READY SEALED... - a PKCS#11 client under load, until it is killed: two threads sign
 * with the keys scan-rsa and scan-ec, encrypt with scan-aes, and open, use and destroy the sealed keys of the files
 * SEALED. An ordinary process: what it does not hold is not thanks to it. It makes the file READY when every thread has
 * been through once. Exit code 1, with a line on standard error: something failed. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "firmware/base/secret.h"
#include "tests/integration/pkcs11_module.h"

#define THREADS    2
#define BLOBS_MAX  8
#define BLOB_ROOM  (16u * 1024)
#define OUTPUT_MAX 512

static struct {
    CK_BYTE bytes[BLOB_ROOM];
    CK_ULONG len;
} blobs[BLOBS_MAX];
static unsigned blob_count;
static CK_SLOT_ID slot;
static const char *ready_path;
static _Atomic unsigned ready;
static CK_BYTE context[] = "scan";

static CK_RV sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type)
{
    CK_BYTE digest[32] = "thirty-two bytes to be signed...", out[OUTPUT_MAX];
    CK_ULONG len = sizeof out;
    CK_RV rv = p11->C_SignInit(s, &(CK_MECHANISM){ type, NULL, 0 }, key);

    return rv == CKR_OK ? p11->C_Sign(s, digest, sizeof digest, out, &len) : rv;
}

static CK_RV encrypt(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_BYTE iv[16] = "sixteen bytes...", plain[64] = "some plaintext", out[OUTPUT_MAX];
    CK_ULONG len = sizeof out;
    CK_RV rv = p11->C_EncryptInit(s, &(CK_MECHANISM){ CKM_AES_CBC, iv, sizeof iv }, key);

    return rv == CKR_OK ? p11->C_Encrypt(s, plain, sizeof plain, out, &len) : rv;
}

static CK_RV use_sealed(CK_SESSION_HANDLE s, unsigned blob)
{
    CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context - 1 };
    CK_MECHANISM mechanism = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE a = { CKA_KEY_TYPE, &type, sizeof type };
    CK_OBJECT_HANDLE key;
    CK_RV rv = p11->C_UnwrapKey(s, &mechanism, CK_INVALID_HANDLE, blobs[blob].bytes, blobs[blob].len, NULL, 0, &key);

    if (rv != CKR_OK || (rv = p11->C_GetAttributeValue(s, key, &a, 1)) != CKR_OK)
        return rv;
    rv = type == CKK_RSA  ? sign(s, key, CKM_SHA256_RSA_PKCS)
         : type == CKK_EC ? sign(s, key, CKM_ECDSA)
                          : encrypt(s, key);
    return rv == CKR_OK ? p11->C_DestroyObject(s, key) : rv;
}

static CK_RV find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *out)
{
    CK_ATTRIBUTE template[] = { P11_TEXT(CKA_LABEL, label), { CKA_CLASS, &class, sizeof class } };

    return p11_find(s, template, 2, out);
}

static CK_RV one_pass(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE rsa, CK_OBJECT_HANDLE ec, CK_OBJECT_HANDLE aes)
{
    CK_RV rv;

    if ((rv = sign(s, rsa, CKM_SHA256_RSA_PKCS)) != CKR_OK || (rv = sign(s, ec, CKM_ECDSA)) != CKR_OK ||
        (rv = encrypt(s, aes)) != CKR_OK)
        return rv;
    for (unsigned i = 0; i < blob_count && rv == CKR_OK; i++)
        rv = use_sealed(s, i);
    return rv;
}

static void *run(void *arg)
{
    CK_OBJECT_HANDLE rsa, ec, aes;
    CK_SESSION_HANDLE s;
    CK_RV rv;
    int fd;

    (void)arg;
    if ((rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s)) == CKR_OK &&
        (rv = find(s, CKO_PRIVATE_KEY, "scan-rsa", &rsa)) == CKR_OK &&
        (rv = find(s, CKO_PRIVATE_KEY, "scan-ec", &ec)) == CKR_OK &&
        (rv = find(s, CKO_SECRET_KEY, "scan-aes", &aes)) == CKR_OK && (rv = one_pass(s, rsa, ec, aes)) == CKR_OK) {
        if (atomic_fetch_add(&ready, 1) + 1 == THREADS &&
            (fd = open(ready_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0)
            close(fd);
        while ((rv = one_pass(s, rsa, ec, aes)) == CKR_OK)
            ;
    }
    fprintf(stderr, "scan_client: 0x%lx\n", rv);
    exit(EXIT_FAILURE);
}

static bool read_blob(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, blobs[blob_count].bytes, BLOB_ROOM) : -1;

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return false;
    blobs[blob_count++].len = (CK_ULONG)n;
    return true;
}

/* The PIN is read, used and wiped. */
static CK_RV log_in(const char *label, const char *pin_file)
{
    struct secret pin = { 0 };
    CK_SESSION_HANDLE s;
    CK_RV rv = CKR_PIN_INCORRECT;

    if (secret_read_file(&pin, pin_file) == ST_OK && (rv = p11_find_slot(label, &slot)) == CKR_OK)
        rv = p11_log_in(slot, secret_span(&pin), &s);
    secret_clear(&pin);
    return rv;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    CK_RV rv;

    if (argc < 5 || argc - 5 > BLOBS_MAX || !p11_open(argv[1]))
        return 2;
    ready_path = argv[4];
    for (int i = 5; i < argc; i++)
        if (!read_blob(argv[i]))
            return 2;
    if ((rv = log_in(argv[2], argv[3])) != CKR_OK) {
        fprintf(stderr, "scan_client: login: 0x%lx\n", rv);
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            return 2;
    pthread_join(threads[0], NULL);
    return EXIT_FAILURE;
}
