/* sealed_key - a client of a token that seals its keys as the service does.
 *
 *   sealed_key make MODULE LABEL PIN_FILE BLOB PUBLIC_KEY
 *
 * An RSA-2048 key of the token LABEL, sealed into the file BLOB, and its public half (SubjectPublicKeyInfo). Nothing
 * stays.
 *
 *   sealed_key sign MODULE LABEL PIN_FILE BLOB MESSAGE SIGNATURE
 *
 * Opens it there and signs (PKCS#1 v1.5, SHA-256). Exit code 1, with the CKR_ on standard error: the token has refused.
 * 2: something else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "firmware/base/secret.h"
#include "tests/integration/pkcs11_module.h"

#define ROOM (16u * 1024)

static CK_BYTE context[] = "sealed_key";
static CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context - 1 };
static CK_MECHANISM seal = { CKM_STRONGROOM_SEAL, &params, sizeof params };

static CK_RV write_file(const char *path, const void *p, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool whole = fd >= 0 && write(fd, p, len) == (ssize_t)len;

    if (fd >= 0)
        close(fd);
    return whole ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV read_file(const char *path, CK_BYTE room[ROOM], CK_ULONG *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, room, ROOM) : -1;

    if (fd >= 0)
        close(fd);
    *len = n > 0 ? (CK_ULONG)n : 0;
    return n > 0 ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV generate(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    CK_MECHANISM mechanism = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
    CK_BYTE exponent[] = { 1, 0, 1 };
    CK_ATTRIBUTE public[] = { P11_NUMBER(CKA_MODULUS_BITS, 2048), P11_BYTES(CKA_PUBLIC_EXPONENT, exponent, 3),
                              P11_NO(CKA_TOKEN), P11_YES(CKA_VERIFY) };
    CK_ATTRIBUTE private[] = { P11_NO(CKA_TOKEN), P11_YES(CKA_SIGN), P11_YES(CKA_SENSITIVE), P11_NO(CKA_EXTRACTABLE) };

    return p11->C_GenerateKeyPair(s, &mechanism, public, ARRAY_LEN(public), private, ARRAY_LEN(private), public_key,
                                  private_key);
}

static CK_RV make(CK_SESSION_HANDLE s, char **files)
{
    static CK_BYTE blob[ROOM], info[ROOM];
    CK_ATTRIBUTE spki = { CKA_PUBLIC_KEY_INFO, info, sizeof info };
    CK_OBJECT_HANDLE public_key, private_key;
    CK_ULONG len = sizeof blob;
    CK_RV rv;

    if ((rv = generate(s, &public_key, &private_key)) != CKR_OK ||
        (rv = p11->C_WrapKey(s, &seal, CK_INVALID_HANDLE, private_key, blob, &len)) != CKR_OK ||
        (rv = p11->C_GetAttributeValue(s, private_key, &spki, 1)) != CKR_OK ||
        (rv = write_file(files[0], blob, len)) != CKR_OK)
        return rv;
    return write_file(files[1], info, spki.ulValueLen);
}

static CK_RV sign(CK_SESSION_HANDLE s, char **files)
{
    static CK_BYTE blob[ROOM], message[ROOM], signature[ROOM];
    CK_ULONG blob_len, message_len, len = sizeof signature;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_OBJECT_HANDLE key;
    CK_RV rv;

    if ((rv = read_file(files[0], blob, &blob_len)) != CKR_OK ||
        (rv = read_file(files[1], message, &message_len)) != CKR_OK ||
        (rv = p11->C_UnwrapKey(s, &seal, CK_INVALID_HANDLE, blob, blob_len, NULL, 0, &key)) != CKR_OK ||
        (rv = p11->C_SignInit(s, &mechanism, key)) != CKR_OK ||
        (rv = p11->C_Sign(s, message, message_len, signature, &len)) != CKR_OK)
        return rv;
    return write_file(files[2], signature, len);
}

static CK_RV log_in(const char *label, const char *pin_file, CK_SESSION_HANDLE *s)
{
    struct secret pin = { 0 };
    CK_SLOT_ID slot;
    CK_RV rv = CKR_PIN_INCORRECT;

    if (secret_read_file(&pin, pin_file) == ST_OK && (rv = p11_find_slot(label, &slot)) == CKR_OK)
        rv = p11_log_in(slot, secret_span(&pin), s);
    secret_clear(&pin);
    return rv;
}

int main(int argc, char **argv)
{
    bool makes = argc == 7 && strcmp(argv[1], "make") == 0, signs = argc == 8 && strcmp(argv[1], "sign") == 0;
    CK_SESSION_HANDLE s;
    CK_RV rv;

    if ((!makes && !signs) || !p11_open(argv[2]))
        return 2;
    if ((rv = log_in(argv[3], argv[4], &s)) == CKR_OK)
        rv = makes ? make(s, argv + 5) : sign(s, argv + 5);
    if (rv != CKR_OK)
        fprintf(stderr, "sealed_key: 0x%lx\n", rv);
    p11->C_Finalize(NULL);
    return rv == CKR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
