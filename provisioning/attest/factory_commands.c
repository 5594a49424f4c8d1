/* strongroom factory: init-ca, certify, device, install. A maker's side: his CA, and what makes a keystore known by it.
 */
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "provisioning/attest/ca_key.h"
#include "provisioning/attest/device_certificate.h"
#include "provisioning/attest/device_file.h"
#include "provisioning/attest/verbs.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/link/keystore_link.h"
#include "provisioning/link/link_files.h"
#include "provisioning/link/pem.h"

#define CA_DAYS     10958 /* 30 years */
#define DEVICE_DAYS 7305  /* 20 years */
#define DAYS_MAX    36525
#define CHAIN_ROOM  (2 * 2 * CERTIFICATE_MAX) /* two, in PEM */

static int read_days(const struct invocation *in, unsigned otherwise, unsigned *out)
{
    const char *text = command_value(in, "days");
    char *end;
    unsigned long n;

    *out = otherwise;
    if (text == NULL)
        return EXIT_DONE;
    n = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > DAYS_MAX)
        return command_misused(in, "--days takes a number from 1 to %d", DAYS_MAX);
    *out = (unsigned)n;
    return EXIT_DONE;
}

static int write_chain(const struct invocation *in, const char *path, X509 *const *chain, unsigned count)
{
    struct bytes text = { 0 };
    enum status st;
    int code;

    for (unsigned i = 0; i < count; i++)
        pem_append_certificate(&text, chain[i]);
    st = bytes_status(&text);
    code = st == ST_OK ? result_file_write(in, path, 0444, bytes_span(&text))
                       : command_refuse(in, "%s: %s", path, status_name(st));
    bytes_clear(&text);
    return code;
}

static int factory_init_ca(struct invocation *in)
{
    const char *name = command_value(in, "name");
    struct secret passphrase = { 0 };
    EVP_PKEY *key = NULL;
    X509 *x = NULL;
    unsigned days;
    int code;

    if (strlen(name) == 0 || strlen(name) > 64)
        return command_misused(in, "--name takes 1 to 64 bytes");
    if (command_given(in, "no-passphrase") && command_given(in, "passphrase-file"))
        return command_misused(in, "--no-passphrase and --passphrase-file exclude each other");
    if ((code = read_days(in, CA_DAYS, &days)) != EXIT_DONE || (code = link_reserve_pair(in)) != EXIT_DONE)
        return code;
    if ((key = EVP_EC_gen("P-384")) == NULL || factory_certificate_make(name, key, days, &x) != ST_OK)
        code = command_refuse(in, "the key and its certificate cannot be made");
    else if ((code = ca_key_passphrase(in, &passphrase)) == EXIT_DONE)
        code = link_write_pair(in, key, secret_span(&passphrase), x);
    secret_clear(&passphrase);
    X509_free(x);
    EVP_PKEY_free(key);
    return code;
}

static int read_claims(const struct invocation *in, const struct device_file *d, struct device_claims *c)
{
    const char *serial = command_value(in, "serial"), *board = command_value(in, "board");

    *c = (struct device_claims){ .hardware = command_given(in, "hardware"), .has_quote_key = d->quote_key.len > 0 };
    if (!device_word_valid(serial, DEVICE_SERIAL_MAX))
        return command_misused(in, "--serial takes 1 to %d letters, digits and hyphens", DEVICE_SERIAL_MAX);
    if (!device_word_valid(board, DEVICE_BOARD_MAX))
        return command_misused(in, "--board takes 1 to %d letters, digits and hyphens", DEVICE_BOARD_MAX);
    memcpy(c->serial, serial, strlen(serial));
    memcpy(c->board, board, strlen(board));
    if (c->has_quote_key)
        SHA256(d->quote_key.p, d->quote_key.len, c->quote_key);
    return EXIT_DONE;
}

static int check_ca(const struct invocation *in, X509 *ca, EVP_PKEY *ca_key)
{
    if (X509_check_private_key(ca, ca_key) != 1 || X509_check_ca(ca) != 1)
        return command_refuse(in, "the certificate is no CA's, or the key not its own");
    if (X509_cmp_current_time(X509_get0_notAfter(ca)) < 0)
        return command_refuse(in, "the CA's certificate has ended");
    return EXIT_DONE;
}

/* A chain that ends sooner than its first certificate says would be believed for less time than was meant. */
static int write_if_it_lasts(const struct invocation *in, X509 *const chain[2])
{
    if (ASN1_TIME_compare(X509_get0_notAfter(chain[0]), X509_get0_notAfter(chain[1])) > 0)
        return command_refuse(in, "the CA's certificate ends before the device's would: fewer --days, or another CA");
    return write_chain(in, command_value(in, "out"), chain, 2);
}

static int certify(const struct invocation *in, const struct device_file *d, X509 *ca, EVP_PKEY *ca_key)
{
    struct device_claims claims;
    X509 *chain[2] = { NULL, ca };
    unsigned days;
    int code;

    if ((code = read_days(in, DEVICE_DAYS, &days)) != EXIT_DONE || (code = read_claims(in, d, &claims)) != EXIT_DONE)
        return code;
    if ((code = check_ca(in, ca, ca_key)) != EXIT_DONE)
        return code;
    if (device_certificate_make(&claims, X509_get0_pubkey(d->certificate), ca, ca_key, days, &chain[0]) != ST_OK)
        return command_refuse(in, "the certificate cannot be made");
    code = write_if_it_lasts(in, chain);
    X509_free(chain[0]);
    return code;
}

static int factory_certify(struct invocation *in)
{
    struct device_file device = { 0 };
    EVP_PKEY *ca_key = NULL;
    X509 *ca = NULL;
    int code;

    if ((code = device_file_read(in, command_value(in, "device"), &device)) == EXIT_DONE &&
        (code = pem_read_certificate(in, command_value(in, "ca"), &ca)) == EXIT_DONE &&
        (code = result_file_reserve(in, command_value(in, "out"), 0444, CHAIN_ROOM)) == EXIT_DONE &&
        (code = ca_key_read(in, command_value(in, "ca-key"), &ca_key)) == EXIT_DONE)
        code = certify(in, &device, ca, ca_key);
    device_file_clear(&device);
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    return code;
}

static int factory_device(struct invocation *in)
{
    Ks__Empty empty = KS__EMPTY__INIT;
    Ks__DeviceIdentity *identity;
    struct keystore_link *k;
    int code;

    if ((code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_DEVICE_IDENTITY, &empty.base, &identity)) == EXIT_DONE)
        code = device_file_write(in, command_value(in, "out"), identity);
    keystore_link_close(k);
    return code;
}

static int install(const struct invocation *in, X509 *const *chain, unsigned count)
{
    Ks__CertificateInstall m = KS__CERTIFICATE_INSTALL__INIT;
    ProtobufCBinaryData parts[CERTIFICATE_CHAIN_MAX] = { 0 };
    struct keystore_link *k = NULL;
    int code = EXIT_DONE, len;

    m.chain = parts;
    for (; m.n_chain < count && code == EXIT_DONE; m.n_chain++) {
        if ((len = i2d_X509(chain[m.n_chain], &parts[m.n_chain].data)) <= 0 || len > (int)CERTIFICATE_MAX)
            code = command_refuse(in, "a certificate is longer than %u bytes", CERTIFICATE_MAX);
        else
            parts[m.n_chain].len = (size_t)len;
    }
    if (code == EXIT_DONE && (code = keystore_link_open(in, &k)) == EXIT_DONE &&
        (code = keystore_link_call(in, k, MESSAGE_CERTIFICATE_INSTALL, &m.base, NULL)) == EXIT_DONE)
        fprintf(in->out, "the keystore has its certificates\n");
    keystore_link_close(k);
    for (unsigned i = 0; i < CERTIFICATE_CHAIN_MAX; i++)
        OPENSSL_free(parts[i].data);
    return code;
}

static int factory_install(struct invocation *in)
{
    X509 *chain[CERTIFICATE_CHAIN_MAX] = { 0 };
    unsigned count;
    int code;

    if ((code = pem_read_certificates(in, command_value(in, "chain"), CERTIFICATE_CHAIN_MAX, chain, &count)) ==
        EXIT_DONE)
        code = install(in, chain, count);
    for (unsigned i = 0; i < count; i++)
        X509_free(chain[i]);
    return code;
}

static const struct verb_option init_ca_options[] = {
    { "name", "NAME", true, false, "of the factory, for people" },
    { "key", "PEM", true, false, "where the private key goes, mode 0400" },
    { "certificate", "PEM", true, false, "where the certificate goes" },
    { "days", "N", false, false, "how long it is good for (default: 30 years)" },
    { "passphrase-file", "FILE", false, false, "the key's passphrase; else it is asked for" },
    { "no-passphrase", NULL, false, false, "the key's file is kept safe in another way" },
    { 0 },
};
static const struct verb_option certify_options[] = {
    { "ca", "PEM", true, false, "the factory's certificate" },
    { "ca-key", "PEM", true, false, "its private key" },
    { "passphrase-file", "FILE", false, false, "that key's passphrase; else it is asked for" },
    { "device", "FILE", true, false, "from `factory device`, or the keystore's own certificate" },
    { "serial", "NUMBER", true, false, "of the device" },
    { "board", "CLASS", true, false, "which kind of board it is, \"sim\"" },
    { "hardware", NULL, false, false, "it is a machine of its own, not simulated" },
    { "days", "N", false, false, "how long it is good for (default: 20 years)" },
    { "out", "PEM", true, false, "where its certificate goes, the factory's behind it" },
    { 0 },
};
static const struct verb_option device_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "out", "JSON", true, false, "where certificate and quote key go" },
    { 0 },
};
static const struct verb_option install_options[] = {
    KEYSTORE_LINK_OPTIONS,
    { "chain", "PEM", true, false, "the device's certificate and those above it" },
    { 0 },
};

const struct verb factory_verbs[] = {
    { "init-ca", "make a factory's P-384 key and certificate", NULL, false, true, init_ca_options, factory_init_ca },
    { "certify", "make a device's certificate", NULL, false, true, certify_options, factory_certify },
    { "device", "fetch what is to be certified from a keystore", NULL, false, true, device_options, factory_device },
    { "install", "give a keystore its certificates", NULL, false, true, install_options, factory_install },
    { 0 },
};
