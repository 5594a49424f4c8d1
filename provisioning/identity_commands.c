/* strongroom identity: create, show. The key pair and certificate by which somebody is known on the keystore's link. */
#include "firmware/base/hex.h"
#include "provisioning/keystore_link.h"
#include "provisioning/pem_file.h"
#include "provisioning/verbs.h"

#define NO_END "99991231235959Z" /* RFC 5280, 4.1.2.5; who it is stands in the keystore, not in a date */

static int identity_create(struct invocation *in)
{
    const char *name = command_value(in, "name");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = NULL;
    int code;

    if (strlen(name) == 0 || strlen(name) > 64)
        code = command_misused(in, "--name takes 1 to 64 bytes");
    else if (key == NULL || (x = self_signed(key, name, NO_END)) == NULL)
        code = command_refuse(in, "the key and its certificate cannot be made");
    else if ((code = pem_key_write(in, command_value(in, "key"), key, NULL)) == EXIT_DONE)
        code = pem_certificate_write(in, command_value(in, "certificate"), x);
    X509_free(x);
    EVP_PKEY_free(key);
    return code;
}

static int identity_show(struct invocation *in)
{
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    struct bytes hex = { 0 };
    int code = keystore_fingerprint(in, command_value(in, "certificate"), fingerprint);

    if (code == EXIT_DONE) {
        hex_append(&hex, span_of(fingerprint, sizeof fingerprint));
        fprintf(in->out, "%s\n", bytes_text(&hex));
    }
    bytes_clear(&hex);
    return code;
}

static const struct verb_option create_options[] = {
    { "name", "NAME", true, false, "who it is, for people" },
    { "key", "PEM", true, false, "where the private key goes, mode 0400" },
    { "certificate", "PEM", true, false, "where the certificate goes" },
    { 0 },
};
static const struct verb_option show_options[] = {
    { "certificate", "PEM", true, false, "which" },
    { 0 },
};

const struct verb identity_verbs[] = {
    { "create", "make a P-256 key and a self-signed certificate for the keystore's link", NULL, false, true,
      create_options, identity_create },
    { "show", "print a certificate's fingerprint, as the keystore knows it", NULL, false, true, show_options,
      identity_show },
    { 0 },
};
