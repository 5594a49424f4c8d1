/* strongroom identity: create, show. The key pair and certificate by which somebody is known on the keystore's link. */
#include "firmware/base/hex.h"
#include "provisioning/cli/output.h"
#include "provisioning/cli/prompt.h"
#include "provisioning/keystore/verbs.h"
#include "provisioning/link/link_files.h"
#include "provisioning/link/self_signed.h"

#define NO_END "99991231235959Z" /* RFC 5280, 4.1.2.5; who it is stands in the keystore, not in a date */

/* Empty without --passphrase and --key-passphrase-file. */
static int take_passphrase(const struct invocation *in, struct secret *out)
{
    if (!command_given(in, "passphrase") && !command_given(in, LINK_PASSPHRASE_OPTION))
        return EXIT_DONE;
    return prompt_new_or_file(in, LINK_PASSPHRASE_OPTION, "New passphrase of the key", PASSPHRASE_MIN, out);
}

static int identity_create(struct invocation *in)
{
    const char *name = command_value(in, "name");
    struct secret passphrase = { 0 };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = NULL;
    int code;

    if (strlen(name) == 0 || strlen(name) > 64)
        code = command_misused(in, "--name takes 1 to 64 bytes");
    else if ((code = link_reserve_pair(in)) != EXIT_DONE)
        ;
    else if (key == NULL || (x = self_signed(key, name, NO_END)) == NULL)
        code = command_refuse(in, "the key and its certificate cannot be made");
    else if ((code = take_passphrase(in, &passphrase)) == EXIT_DONE)
        code = link_write_pair(in, key, secret_span(&passphrase), x);
    secret_clear(&passphrase);
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
        code = output_value(in, "sha256", bytes_span(&hex));
    }
    bytes_clear(&hex);
    return code;
}

static const struct verb_option create_options[] = {
    { "name", "NAME", true, false, "who it is, for people" },
    { "key", "PEM", true, false, "where the private key goes, mode 0400" },
    { "certificate", "PEM", true, false, "where the certificate goes" },
    { "passphrase", NULL, false, false, "encrypt the private key: a new passphrase is asked for on the terminal" },
    { LINK_PASSPHRASE_OPTION, "FILE", false, false, "encrypt it with the passphrase in this file instead" },
    { 0 },
};
static const struct verb_option show_options[] = {
    { "certificate", "PEM", true, false, "which" },
    { 0 },
};

const struct verb identity_verbs[] = {
    { "create", "make a P-256 key and a self-signed certificate for the keystore's link", NULL, false, true,
      create_options, identity_create },
    { "show", "print a certificate's fingerprint, as the keystore knows it", NULL, true, true, show_options,
      identity_show },
    { 0 },
};
