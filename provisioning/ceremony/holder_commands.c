/* strongroom holder: create, check, release. For the holders' own machines; nothing here needs a keystore. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <time.h>

#include "firmware/base/clock.h"
#include "provisioning/ceremony/act_words.h"
#include "provisioning/ceremony/holder_share.h"
#include "provisioning/ceremony/release_file.h"
#include "provisioning/ceremony/verbs.h"
#include "provisioning/cli/output.h"
#include "provisioning/cli/plain.h"
#include "provisioning/cli/progress.h"
#include "provisioning/cli/prompt.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/link/self_signed.h"
#include "service/json/json.h"

#define BITS_DEFAULT 3072
#define YEARS        10

/* --- create --- */

static int take_bits(const struct invocation *in, unsigned *bits)
{
    const char *text = command_value(in, "bits");

    *bits = text == NULL ? BITS_DEFAULT : (unsigned)strtoul(text, NULL, 10);
    if (text != NULL && strcmp(text, "2048") != 0 && strcmp(text, "3072") != 0 && strcmp(text, "4096") != 0)
        return command_misused(in, "--bits takes 2048, 3072 or 4096");
    return EXIT_DONE;
}

static int on_try(EVP_PKEY_CTX *c)
{
    progress_step(EVP_PKEY_CTX_get_app_data(c), 0, 0);
    return 1;
}

/* A large one takes seconds, and nobody knows how many: it depends on which numbers are drawn. */
static EVP_PKEY *make_key(unsigned bits)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    struct progress progress;
    EVP_PKEY *key = NULL;

    progress_begin(&progress, "an RSA key is made");
    if (c != NULL && EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits) == 1) {
        EVP_PKEY_CTX_set_app_data(c, &progress);
        EVP_PKEY_CTX_set_cb(c, on_try);
        if (EVP_PKEY_keygen(c, &key) != 1)
            key = NULL;
    }
    progress_end(&progress);
    EVP_PKEY_CTX_free(c);
    return key;
}

static X509 *certificate_for(EVP_PKEY *key, const char *name)
{
    time_t now = (time_t)clock_unix_s();
    char end[32];
    struct tm t;

    if (gmtime_r(&now, &t) == NULL)
        return NULL;
    t.tm_year += YEARS;
    if (timegm(&t) < 0 ||
        strftime(end, sizeof end, "%Y%m%d%H%M%SZ", &t) == 0) /* the 29th of February is the 1st of March */
        return NULL;
    return self_signed(key, name, end);
}

static int take_passphrase(const struct invocation *in, struct secret *out)
{
    if (!command_given(in, "no-passphrase"))
        return prompt_new_or_file(in, LINK_PASSPHRASE_OPTION, "New passphrase for the holder's key", PASSPHRASE_MIN,
                                  out);
    if (command_given(in, LINK_PASSPHRASE_OPTION))
        return command_misused(in, "--no-passphrase and --key-passphrase-file exclude each other");
    return EXIT_DONE;
}

static int holder_create(struct invocation *in)
{
    const char *name = command_value(in, "name");
    struct secret passphrase = { 0 };
    EVP_PKEY *key = NULL;
    X509 *x = NULL;
    unsigned bits;
    int code;

    if (strlen(name) == 0 || strlen(name) > PARTITION_NAME_MAX)
        return command_misused(in, "--name takes 1 to %d bytes", PARTITION_NAME_MAX);
    if ((code = take_bits(in, &bits)) != EXIT_DONE || (code = link_reserve_pair(in)) != EXIT_DONE ||
        (code = take_passphrase(in, &passphrase)) != EXIT_DONE)
        goto done;
    if ((key = make_key(bits)) == NULL || (x = certificate_for(key, name)) == NULL)
        code = command_refuse(in, "the key and its certificate cannot be made");
    else if ((code = link_write_pair(in, key, secret_span(&passphrase), x)) == EXIT_DONE)
        fprintf(in->out, "%s: give this certificate to the owner. Keep the key, on two media, where only you are.\n",
                command_value(in, "certificate"));
done:
    secret_clear(&passphrase);
    X509_free(x);
    EVP_PKEY_free(key);
    return code;
}

/* --- check --- */

static int print_checked(const struct invocation *in, const Ks__DomainFile *f)
{
    char digest[DOMAIN_DISK_DIGEST_TEXT];
    struct bytes text = { 0 };
    struct json_writer w;

    domain_disk_digest(f, digest);
    if (!in->json) {
        fprintf(in->out,
                "yes: your share in %s opens; %u of its %zu shares open the domain\n"
                "The file's digest, the same on each copy: %s\n",
                command_value(in, "domain"), f->required, f->n_shares, digest);
        return EXIT_DONE;
    }
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_text(&w, "domain", span_text(command_value(in, "domain")));
    json_put_bool(&w, "opens", true);
    json_put_int(&w, "required", f->required);
    json_put_int(&w, "shares", (int64_t)f->n_shares);
    json_put_text(&w, "digest", span_text(digest));
    json_close_object(&w);
    return output_json(in, &text);
}

static int holder_check(struct invocation *in)
{
    struct holder_certificate certificate = { 0 };
    struct domain_disk disk = { 0 };
    struct secret share = { 0 };
    EVP_PKEY *key = NULL;
    int code;

    if ((code = domain_disk_read(in, command_value(in, "domain"), &disk)) == EXIT_DONE &&
        (code = holder_identity_read(in, &certificate, &key)) == EXIT_DONE &&
        (code = holder_share_open(in, disk.file, &certificate, key, &share)) == EXIT_DONE)
        code = print_checked(in, disk.file);
    secret_clear(&share);
    EVP_PKEY_free(key);
    holder_certificate_clear(&certificate);
    domain_disk_clear(&disk);
    return code;
}

/* --- release --- */

/* The act must be the restore of just this file. */
static int check_act(const struct invocation *in, const struct act_file *act, const Ks__DomainFile *f)
{
    Ks__DomainRestore m = KS__DOMAIN_RESTORE__INIT;
    uint8_t digest[32];
    enum status st;

    domain_disk_restore(f, &m);
    if ((st = act_digest(MESSAGE_DOMAIN_RESTORE, &m.base, digest)) != ST_OK)
        return command_refuse(in, "the act cannot be checked: %s", status_name(st));
    if (act->act.kind != MESSAGE_DOMAIN_RESTORE || memcmp(digest, act->act.digest, sizeof digest) != 0)
        return command_refuse(in, "%s: not the restore of this domain file", command_value(in, "act"));
    if (act->act.expires_ms <= (uint64_t)clock_unix_s() * 1000)
        return command_refuse(in, "%s: it is too old to be approved", command_value(in, "act"));
    return EXIT_DONE;
}

/* A share that is encrypted to another key is lost: to whoever wrote that certificate. So the keystore that the act is
 * for must have signed it. */
static int check_transfer(const struct invocation *in, const struct act_file *act, X509 *transfer)
{
    const char *path = command_value(in, "keystore");
    uint8_t fingerprint[LINK_FINGERPRINT_LEN];
    X509 *keystore;
    int code;

    if ((code = keystore_fingerprint(in, path, fingerprint)) != EXIT_DONE ||
        (code = link_read_certificate(in, path, &keystore)) != EXIT_DONE)
        return code;
    if (memcmp(fingerprint, act->act.device, sizeof fingerprint) != 0)
        code = command_refuse(in, "%s: not the certificate of the keystore that the act is for", path);
    else if (X509_verify(transfer, X509_get0_pubkey(keystore)) != 1)
        code = command_refuse(in, "%s: not signed by that keystore: somebody else would get your share",
                              command_value(in, "transfer"));
    X509_free(keystore);
    return code;
}

/* On the terminal where he types, unless a script has read it. */
static int confirm(const struct invocation *in, const struct act_file *act, const Ks__DomainFile *f)
{
    char digest[DOMAIN_DISK_DIGEST_TEXT];
    struct bytes words = { 0 };
    enum status st = act_words(act, &words);
    uint8_t name[32];
    int code = EXIT_DONE;

    if (st == ST_OK) {
        act_name(&act->act, name);
        bytes_append_text(&words, "Its name is      ");
        plain_append_hex(&words, span_of(name, sizeof name));
        domain_disk_digest(f, digest);
        bytes_printf(&words,
                     "\nThe domain file's digest is %s: that of your own copy?\n"
                     "Your share is encrypted to that keystore alone. Compare its number with what its attestation "
                     "says.\n",
                     digest);
        st = bytes_status(&words);
    }
    if (st == ST_OK && command_given(in, "yes")) {
        fprintf(in->out, "%s", bytes_text(&words));
    } else if (st == ST_OK) {
        bytes_append_text(&words, "You give your share to that keystore, for this restore.");
        if ((st = bytes_status(&words)) == ST_OK)
            code = prompt_confirm(in, bytes_text(&words), "release");
    }
    bytes_clear(&words);
    return st == ST_OK ? code : command_refuse(in, "the act cannot be shown: %s", status_name(st));
}

static int make_release(const struct invocation *in, const struct act_file *act, const Ks__DomainFile *f,
                        X509 *transfer)
{
    struct holder_certificate certificate = { 0 };
    struct release r = { 0 };
    struct secret share = { 0 };
    EVP_PKEY *key = NULL;
    int code;

    if ((code = holder_identity_read(in, &certificate, &key)) == EXIT_DONE &&
        (code = holder_share_open(in, f, &certificate, key, &share)) == EXIT_DONE &&
        (code = holder_share_seal(in, &share, transfer, &r.share)) == EXIT_DONE &&
        (code = holder_approve(in, act, &certificate, key, &r.approval)) == EXIT_DONE)
        code = release_write(in, command_value(in, "out"), &r);
    secret_clear(&share);
    release_clear(&r);
    EVP_PKEY_free(key);
    holder_certificate_clear(&certificate);
    return code;
}

static int holder_release(struct invocation *in)
{
    struct domain_disk disk = { 0 };
    struct act_file act = { 0 };
    X509 *transfer = NULL;
    int code;

    if ((code = domain_disk_read(in, command_value(in, "domain"), &disk)) == EXIT_DONE &&
        (code = act_file_read(in, command_value(in, "act"), &act)) == EXIT_DONE &&
        (code = check_act(in, &act, disk.file)) == EXIT_DONE &&
        (code = link_read_certificate(in, command_value(in, "transfer"), &transfer)) == EXIT_DONE &&
        (code = check_transfer(in, &act, transfer)) == EXIT_DONE &&
        (code = result_file_reserve(in, command_value(in, "out"), 0600, RELEASE_FILE_MAX)) == EXIT_DONE &&
        (code = confirm(in, &act, disk.file)) == EXIT_DONE &&
        (code = make_release(in, &act, disk.file, transfer)) == EXIT_DONE)
        fprintf(in->out, "%s: written. Carry it to the owner of that keystore.\n", command_value(in, "out"));
    X509_free(transfer);
    act_file_clear(&act);
    domain_disk_clear(&disk);
    return code;
}

#define HOLDER_OPTIONS                                                                                                 \
    { "domain", "FILE", true, false, "the security domain's file" },                                                   \
        { "certificate", "PEM", true, false, "the holder's" },                                                         \
        { "key", "PEM", true, false, "his private key, a file that only he may read" },                                \
    {                                                                                                                  \
        LINK_PASSPHRASE_OPTION, "FILE", false, false, "passphrase of the key, in place of the question"                \
    }

static const struct verb_option create_options[] = {
    { "name", "NAME", true, false, "whose, at most 32 bytes" },
    { "key", "PEM", true, false, "where the private key goes, mode 0400" },
    { "certificate", "PEM", true, false, "where the certificate goes" },
    { "bits", "N", false, false, "2048, 3072 (default) or 4096" },
    { LINK_PASSPHRASE_OPTION, "FILE", false, false, "passphrase of the key, in place of the question" },
    { "no-passphrase", NULL, false, false, "the key's file is protected in another way" },
    { 0 },
};
static const struct verb_option check_options[] = { HOLDER_OPTIONS, { 0 } };
static const struct verb_option release_options[] = {
    HOLDER_OPTIONS,
    { "transfer", "PEM", true, false, "certificate of the keystore that the share goes to (domain transfer)" },
    { "keystore", "PEM", true, false, "the certificate of that keystore" },
    { "act", "FILE", true, false, "the restore (domain restore --prepare)" },
    { "out", "FILE", true, false, "where the release goes" },
    { "yes", NULL, false, false, "ask nothing: a script has read the act" },
    { 0 },
};

const struct verb holder_verbs[] = {
    { "create", "make an RSA key and a self-signed certificate for a holder who has none", NULL, false, true,
      create_options, holder_create },
    { "check", "does my share in a domain file open?", NULL, true, true, check_options, holder_check },
    { "release", "give my share, and my approval, for one restore on one keystore", NULL, false, true, release_options,
      holder_release },
    { 0 },
};
