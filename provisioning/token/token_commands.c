/* strongroom token: init, info. */
#include <libgen.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "firmware/base/hex.h"
#include "provisioning/cli/output.h"
#include "provisioning/token/pin_place.h"
#include "provisioning/token/token_setup.h"
#include "provisioning/token/verbs.h"
#include "service/json/json.h"

/* The key pairs of a daemon's token. */
static const struct key_pair {
    const char *label;
    struct key_spec spec;
    bool authority; /* only where tokens are issued */
    const char *job;
} key_pairs[] = {
    { TOKEN_LABEL_TLS, { .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 }, false, "TLS server key" },
    { TOKEN_LABEL_AUDIT, { .type = KEY_TYPE_EC, .curve = KEY_CURVE_P256, .bits = 256 }, false, "signs the audit" },
    { TOKEN_LABEL_AUTHORITY, { .type = KEY_TYPE_RSA, .bits = 2048 }, true, "signs access tokens" },
};

/* SHA-256 of the SubjectPublicKeyInfo, in hexadecimal: what a person compares. Empty on failure. */
static void fingerprint(EVP_PKEY *key, struct bytes *out)
{
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    int len = i2d_PUBKEY(key, &der);
    unsigned digest_len = 0;

    if (len > 0 && EVP_Digest(der, (size_t)len, digest, &digest_len, EVP_sha256(), NULL) == 1)
        hex_append(out, span_of(digest, digest_len));
    OPENSSL_free(der);
}

/* Is there a key pair of this label, and what is its fingerprint? */
static bool key_is_there(struct token *t, const char *label, struct bytes *print)
{
    EVP_PKEY *key = NULL;

    if (token_public_key(t, label, &key) != ST_OK)
        return false;
    fingerprint(key, print);
    EVP_PKEY_free(key);
    return true;
}

static int take_link_keys(const struct invocation *in, unsigned long *out)
{
    const char *text = command_value(in, "link-keys");

    *out = 1;
    if (text == NULL)
        return EXIT_DONE;
    if (strlen(text) != 1 || text[0] < '1' || text[0] > '8')
        return command_misused(in, "--link-keys takes a number from 1 to 8");
    *out = (unsigned long)(text[0] - '0');
    return EXIT_DONE;
}

static int put_up_token(const struct invocation *in, const struct site *s, const char *pin_file, bool *made)
{
    const char *so_pin_file = command_value(in, "so-pin-file");
    struct token_setup setup = {
        .module = s->config.token_module,
        .module_config = s->config.token_config[0] != '\0' ? s->config.token_config : NULL,
        .label = s->config.token_label,
        .pin_file = pin_file,
    };
    struct bytes beside = { 0 };
    char *copy = NULL;
    enum status st = ST_NO_MEMORY;
    int code;

    if ((code = take_link_keys(in, &setup.link_keys)) != EXIT_DONE)
        return code;
    if (so_pin_file == NULL && (copy = strdup(pin_file)) != NULL)
        bytes_printf(&beside, "%s/so-pin", dirname(copy));
    setup.so_pin_file = so_pin_file != NULL ? so_pin_file : bytes_text(&beside);
    if (setup.so_pin_file[0] != '\0')
        st = token_setup(&setup);
    *made = setup.made;
    free(copy);
    bytes_clear(&beside);
    if (st != ST_OK)
        return command_refuse(in, "%s", setup.fault[0] != '\0' ? setup.fault : status_name(st));
    return EXIT_DONE;
}

static void print_key(const struct invocation *in, struct json_writer *w, const struct key_pair *k,
                      const struct bytes *print, const bool *made)
{
    if (!in->json) {
        fprintf(in->out, "  %-22s %-20s %s%s\n", k->label, k->job, bytes_text(print),
                made == NULL ? ""
                : *made      ? "  made"
                             : "  was there");
        return;
    }
    json_open_object(w, NULL);
    json_put_text(w, "label", span_text(k->label));
    json_put_text(w, "sha256", bytes_span(print));
    if (made != NULL)
        json_put_bool(w, "made", *made);
    json_close_object(w);
}

/* Makes what is missing and lists what is there. */
static int provision_keys(const struct invocation *in, const struct site *s, bool token_made)
{
    struct bytes text = { 0 };
    struct json_writer w;
    enum status st;

    if ((st = token_provision_sealing(s->token)) != ST_OK)
        return command_refuse(in, "the sealing keys cannot be made: %s", status_name(st));
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_text(&w, "label", span_text(s->config.token_label));
    json_put_bool(&w, "made", token_made);
    json_open_array(&w, "keys");
    if (!in->json)
        fprintf(in->out, "token %s: %s\n", s->config.token_label, token_made ? "made" : "was there");
    for (size_t i = 0; i < ARRAY_LEN(key_pairs); i++) {
        const struct key_pair *k = &key_pairs[i];
        struct bytes print = { 0 };
        bool made = false;

        if (!k->authority || command_given(in, "authority")) {
            if (!key_is_there(s->token, k->label, &print)) {
                made = true;
                if ((st = token_provision_key_pair(s->token, k->label, &k->spec)) != ST_OK ||
                    !key_is_there(s->token, k->label, &print)) {
                    bytes_clear(&text);
                    return command_refuse(in, "the key %s cannot be made: %s", k->label, status_name(st));
                }
            }
            print_key(in, &w, k, &print, &made);
        }
        bytes_clear(&print);
    }
    json_close_array(&w);
    json_close_object(&w);
    if (in->json)
        return output_json(in, &text);
    bytes_clear(&text);
    return EXIT_DONE;
}

static int token_init(struct invocation *in)
{
    struct site s = { 0 };
    const char *pin_file;
    bool made = false;
    int code;

    if ((code = site_open(in, &s)) == EXIT_DONE && (code = pin_place_file(in, &s, &pin_file)) == EXIT_DONE &&
        (code = put_up_token(in, &s, pin_file, &made)) == EXIT_DONE &&
        (code = pin_place_hand_over(in, &s, pin_file, pin_file)) == EXIT_DONE &&
        (code = pin_place_open_token(in, &s, pin_file)) == EXIT_DONE)
        code = provision_keys(in, &s, made);
    site_close(&s);
    return code;
}

static void print_facts(const struct invocation *in, const struct token_facts *f)
{
    fprintf(in->out,
            "token %s\n  manufacturer  %s\n  model         %s\n  serial        %s\n  library       %s %u.%u\n"
            "  hardware      %u.%u\n  firmware      %u.%u\n  user PIN      %s\n  SO PIN        %s\n",
            f->label, f->manufacturer, f->model, f->serial, f->library, f->library_major, f->library_minor,
            f->hardware_major, f->hardware_minor, f->firmware_major, f->firmware_minor,
            f->user_pin_locked      ? "locked"
            : f->user_pin_final_try ? "one try left"
                                    : "ok",
            f->so_pin_locked ? "locked" : "ok");
}

static void put_facts(struct json_writer *w, const struct token_facts *f)
{
    json_put_text(w, "label", span_text(f->label));
    json_put_text(w, "manufacturer", span_text(f->manufacturer));
    json_put_text(w, "model", span_text(f->model));
    json_put_text(w, "serial", span_text(f->serial));
    json_put_text(w, "library", span_text(f->library));
    json_put_bool(w, "userPinLocked", f->user_pin_locked);
    json_put_bool(w, "soPinLocked", f->so_pin_locked);
}

static int show(const struct invocation *in, const struct site *s)
{
    struct token_facts facts;
    struct bytes text = { 0 };
    struct json_writer w;
    enum status st = token_facts_read(s->config.token_module, s->config.token_label, &facts);

    if (st != ST_OK)
        return command_refuse(in, "the token says nothing about itself: %s", status_name(st));
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    if (in->json)
        put_facts(&w, &facts);
    else
        print_facts(in, &facts);
    json_open_array(&w, "keys");
    for (size_t i = 0; i < ARRAY_LEN(key_pairs); i++) {
        struct bytes print = { 0 };

        if (key_is_there(s->token, key_pairs[i].label, &print))
            print_key(in, &w, &key_pairs[i], &print, NULL);
        bytes_clear(&print);
    }
    json_close_array(&w);
    json_close_object(&w);
    if (in->json)
        return output_json(in, &text);
    bytes_clear(&text);
    return EXIT_DONE;
}

static int token_info(struct invocation *in)
{
    struct site s = { 0 };
    int code;

    if ((code = site_open(in, &s)) == EXIT_DONE && (code = site_open_token(in, &s)) == EXIT_DONE)
        code = show(in, &s);
    site_close(&s);
    return code;
}

static const struct verb_option init_options[] = {
    { "authority", NULL, false, false, "also make the RSA key that signs access tokens (managementd)" },
    { "pin-file", "FILE", false, false, "where the user PIN goes, when the configuration names no file for it" },
    { "so-pin-file", "FILE", false, false, "where the SO PIN goes (default: so-pin beside the user PIN's file)" },
    { "link-keys", "N", false, false,
      "how many keys of clients the partition is to have (1); with others it is refused" },
    { 0 },
};

const struct verb token_verbs[] = {
    { "init", "make the token, its PINs and the keys a daemon needs; adds only what is missing",
      "Initialises a token through the PKCS#11 module with random SO and user PINs, which go to files of mode 0400,\n"
      "then makes the sealing keys, the TLS key and the audit key inside it. SoftHSM: the daemon must not be running.\n"
      "When the configuration's token_pin_file is keyring:NAME, the PIN is put into the user's keyring as well; when "
      "it\n"
      "is credential:NAME, the file that --pin-file names is for systemd-creds to encrypt.\n"
      "A keystore's token is initialised only when the client of this configuration is the only one of its partition:\n"
      "whoever owns the keystore could have added a key of his own, and cannot any more once it is initialised.",
      true, false, init_options, token_init },
    { "info", "what the token says of itself, and the keys in it (SHA-256 of each public key)",
      "The daemon that owns the token must not be running.", true, false, NULL, token_info },
    { 0 },
};
