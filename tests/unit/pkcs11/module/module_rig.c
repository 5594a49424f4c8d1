#include "tests/unit/pkcs11/module/module_rig.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig rig;

void rig_write(const char *path, const char *text, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    INVARIANT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
    close(fd);
}

static void write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
    BIO *out = BIO_new_file(path, "w");

    INVARIANT(out != NULL);
    INVARIANT(certificate != NULL ? PEM_write_bio_X509(out, certificate) == 1
                                  : PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1);
    BIO_free(out);
    INVARIANT(chmod(path, 0600) == 0);
}

static void write_files(const char *folder)
{
    char text[1024], path[4][80];

    snprintf(rig.socket, sizeof rig.socket, "%s/sock", folder);
    snprintf(rig.conf, sizeof rig.conf, "%s/pkcs11.conf", folder);
    snprintf(path[0], sizeof path[0], "%s/client.pem", folder);
    snprintf(path[1], sizeof path[1], "%s/client.key", folder);
    snprintf(path[2], sizeof path[2], "%s/keystore.pem", folder);
    write_pem(path[0], rig.client.certificate, NULL);
    write_pem(path[1], NULL, rig.client.key);
    write_pem(path[2], rig.board.certificate, NULL);
    snprintf(text, sizeof text, "# a test\nsocket = %s\ncertificate = %s\nkey = %s\nkeystore = %s\n", rig.socket,
             path[0], path[1], path[2]);
    rig_write(rig.conf, text, 0600);
    INVARIANT(setenv("STRONGROOM_PKCS11_CONF", rig.conf, 1) == 0);
}

int rig_open(void)
{
    CK_RV (*get)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
    CK_VERSION newest = { 3, 2 };
    CK_INTERFACE_PTR found;

    credential_make(&rig.board, "P-256");
    credential_make(&rig.client, "P-256");
    write_files(scratch_directory());
    if ((rig.library = dlopen(STRONGROOM_MODULE, RTLD_NOW | RTLD_LOCAL)) == NULL)
        return 1;
    *(void **)&get = dlsym(rig.library, "C_GetInterface");
    if (get == NULL || get((CK_UTF8CHAR_PTR) "PKCS 11", &newest, &found, 0) != CKR_OK)
        return 1;
    rig.p11 = found->pFunctionList;
    if (get((CK_UTF8CHAR_PTR)STRONGROOM_BATCH_INTERFACE, NULL, &found, 0) != CKR_OK)
        return 1;
    rig.batch = found->pFunctionList;
    rig.fake = fake_start(rig.socket, &rig.board);
    return 0;
}

int rig_close(void)
{
    fake_stop(rig.fake);
    credential_clear(&rig.board);
    credential_clear(&rig.client);
    dlclose(rig.library);
    rig = (struct rig){ 0 };
    return 0;
}

CK_SESSION_HANDLE rig_session(void)
{
    CK_SESSION_HANDLE s = CK_INVALID_HANDLE;
    CK_RV rv = rig.p11->C_Initialize(NULL);

    CU_ASSERT_FATAL(rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    CU_ASSERT_FATAL(rig.p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) == CKR_OK);
    return s;
}

void rig_finalize(void)
{
    fake_fail(rig.fake, FAULT_NONE, 0, 0);
    CU_ASSERT(rig.p11->C_Finalize(NULL) == CKR_OK);
}

void rig_kill(void)
{
    fake_stop(rig.fake);
    rig.fake = NULL;
}

void rig_revive(void)
{
    rig.fake = fake_start(rig.socket, &rig.board);
}
