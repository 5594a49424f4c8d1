/* scan_keys MODULE LABEL PIN_FILE SECRETS KEY... - makes keys whose bytes are known, puts them into a token and appends
 * their secret parts to the file SECRETS. KEY is "ec:LABEL", "rsa:LABEL" or "aes:LABEL" (in the place of all objects
 * that have the label), or "ec:=FILE" and so on: a session key that leaves the token sealed, into FILE. A process of
 * its own, so that those whose memory is searched have never held these bytes but through the token. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/secret.h"
#include "tests/integration/known_key.h"

#define BLOB_ROOM (16u * 1024)

static CK_BYTE context[] = "scan";

static CK_RV destroy_all(CK_SESSION_HANDLE s, const char *label)
{
    CK_ATTRIBUTE template[] = { P11_TEXT(CKA_LABEL, label) };
    CK_OBJECT_HANDLE found[16];
    CK_ULONG count = 0;
    CK_RV rv = p11->C_FindObjectsInit(s, template, 1);

    if (rv != CKR_OK || (rv = p11->C_FindObjects(s, found, 16, &count)) != CKR_OK)
        return rv;
    p11->C_FindObjectsFinal(s);
    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++)
        rv = p11->C_DestroyObject(s, found[i]);
    return rv;
}

static CK_RV seal(CK_SESSION_HANDLE s, const struct known_key *k, const char *path)
{
    CK_STRONGROOM_SEAL_PARAMS params = { context, sizeof context - 1 };
    CK_MECHANISM mechanism = { CKM_STRONGROOM_SEAL, &params, sizeof params };
    static CK_BYTE blob[BLOB_ROOM];
    CK_ULONG len = sizeof blob;
    CK_OBJECT_HANDLE key;
    CK_RV rv;
    int fd;

    if ((rv = known_key_import(s, k, "scan-sealed", false, &key)) != CKR_OK ||
        (rv = p11->C_WrapKey(s, &mechanism, CK_INVALID_HANDLE, key, blob, &len)) != CKR_OK)
        return rv;
    if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
        return CKR_FUNCTION_FAILED;
    if (write(fd, blob, len) != (ssize_t)len)
        rv = CKR_FUNCTION_FAILED;
    close(fd);
    return rv;
}

static CK_RV one_key(CK_SESSION_HANDLE s, const char *token, const char *word, FILE *secrets)
{
    const char *colon = strchr(word, ':'), *label;
    struct known_key key;
    enum known_kind kind;
    char text[NAME_MAX];
    CK_OBJECT_HANDLE handle;
    CK_RV rv;

    snprintf(text, sizeof text, "%.*s", (int)(colon != NULL ? colon - word : 0), word);
    if (!known_kind_parse(text, &kind) || !known_key_make(kind, &key))
        return CKR_ARGUMENTS_BAD;
    label = colon + 1;
    if (label[0] == '=') {
        snprintf(text, sizeof text, "%s/sealed-%.*s", token, (int)(colon - word), word);
        rv = seal(s, &key, label + 1);
    } else {
        snprintf(text, sizeof text, "%s/%s", token, label);
        if ((rv = destroy_all(s, label)) == CKR_OK)
            rv = known_key_import(s, &key, label, true, &handle);
    }
    if (rv == CKR_OK && !known_key_write(&key, text, secrets))
        rv = CKR_FUNCTION_FAILED;
    known_key_wipe(&key);
    return rv;
}

int main(int argc, char **argv)
{
    struct secret pin = { 0 };
    CK_SESSION_HANDLE s;
    CK_SLOT_ID slot;
    FILE *secrets;
    CK_RV rv;

    if (argc < 6 || secret_init_process() != ST_OK || secret_read_file(&pin, argv[3]) != ST_OK || !p11_open(argv[1]))
        return 2;
    umask(077);
    if ((secrets = fopen(argv[4], "ae")) == NULL)
        return 2;
    if ((rv = p11_find_slot(argv[2], &slot)) == CKR_OK)
        rv = p11_log_in(slot, secret_span(&pin), &s);
    secret_clear(&pin);
    for (int i = 5; i < argc && rv == CKR_OK; i++)
        if ((rv = one_key(s, argv[2], argv[i], secrets)) != CKR_OK)
            fprintf(stderr, "scan_keys: %s: 0x%lx\n", argv[i], rv);
    if (fclose(secrets) != 0)
        rv = CKR_FUNCTION_FAILED;
    p11->C_Finalize(NULL);
    return rv == CKR_OK ? 0 : 1;
}
