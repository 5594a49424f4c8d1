#include "provisioning/link/link_files.h"

#include <openssl/pem.h>
#include <unistd.h>

#include "firmware/wire/name.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/link/pem.h"
#include "provisioning/link/private_key.h"

#define PEM_MAX   (64u * 1024)
#define PAIR_ROOM (8u * 1024)

int link_read_certificate(const struct invocation *in, const char *path, X509 **out)
{
    struct bytes text = { 0 };
    int code = input_file_read(in, path, PEM_MAX, &text);
    BIO *memory = NULL;

    *out = NULL;
    if (code == EXIT_DONE && (memory = BIO_new_mem_buf(text.p, (int)text.len)) != NULL)
        *out = PEM_read_bio_X509(memory, NULL, NULL, NULL);
    BIO_free(memory);
    bytes_clear(&text);
    if (code == EXIT_DONE && *out == NULL)
        code = command_refuse(in, "%s: no certificate in PEM", path);
    return code;
}

int link_read_key(const struct invocation *in, const char *path, EVP_PKEY **out)
{
    return private_key_read(in, path, LINK_PASSPHRASE_OPTION, NULL, out);
}

int link_write_key(const struct invocation *in, EVP_PKEY *key, struct span passphrase, const char *path)
{
    return private_key_write(in, key, passphrase, path);
}

int keystore_fingerprint(const struct invocation *in, const char *path, uint8_t out[LINK_FINGERPRINT_LEN])
{
    X509 *certificate;
    int code = link_read_certificate(in, path, &certificate);

    if (code == EXIT_DONE && link_fingerprint(certificate, out) != ST_OK)
        code = command_refuse(in, "%s: a certificate of a kind that is not supported", path);
    X509_free(certificate);
    return code;
}

int keystore_name_check(const struct invocation *in, const char *option, const char *name)
{
    if (name_is_good(name))
        return EXIT_DONE;
    return command_misused(in,
                           "--%s: \"%s\" is no name: it takes 1 to %d letters, digits and, behind the first, - _ and .",
                           option, name, PARTITION_NAME_MAX);
}

int link_write_certificate(const struct invocation *in, X509 *x, const char *path)
{
    struct bytes text = { 0 };
    enum status st;
    int code;

    pem_append_certificate(&text, x);
    st = bytes_status(&text);
    code = st == ST_OK ? result_file_write(in, path, 0444, bytes_span(&text))
                       : command_refuse(in, "%s: %s", path, status_name(st));
    bytes_clear(&text);
    return code;
}

int link_write_pair(const struct invocation *in, EVP_PKEY *key, struct span passphrase, X509 *x)
{
    const char *path = command_value(in, "key");
    int code = link_write_key(in, key, passphrase, path);

    if (code == EXIT_DONE && (code = link_write_certificate(in, x, command_value(in, "certificate"))) != EXIT_DONE)
        unlink(path);
    return code;
}

int link_reserve_pair(const struct invocation *in)
{
    int code = result_file_reserve(in, command_value(in, "key"), 0400, PAIR_ROOM);

    return code == EXIT_DONE ? result_file_reserve(in, command_value(in, "certificate"), 0444, PAIR_ROOM) : code;
}
