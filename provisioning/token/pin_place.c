#include "provisioning/token/pin_place.h"

#include "pkcs11/token/pin_source.h"

int pin_place_file(const struct invocation *in, const struct site *s, const char **path)
{
    const char *name, *source = s->config.token_pin_file, *given = command_value(in, "pin-file");
    bool is_file = pin_source_kind(source, &name) == PIN_SOURCE_FILE;

    if (is_file && given != NULL && strcmp(given, source) != 0)
        return command_misused(in, "--pin-file: the configuration names %s", source);
    if (!is_file && given == NULL)
        return command_misused(in,
                               "the configuration's token_pin_file is %s, which is no file: give --pin-file FILE, from "
                               "which it is made (and made again)",
                               source);
    *path = is_file ? source : given;
    return EXIT_DONE;
}

static int keep_key(const struct invocation *in, const char *description, const char *path)
{
    struct secret pin = { 0 };
    enum status st;
    int code = EXIT_DONE;

    if ((st = pin_source_read(path, &pin, NULL)) != ST_OK)
        code = command_refuse(in, "the PIN file %s: %s", path, status_name(st));
    else if ((st = pin_source_keep(description, secret_span(&pin))) != ST_OK)
        code = command_refuse(in, "the key \"%s\" cannot be put into the user's keyring: %s", description,
                              status_name(st));
    secret_clear(&pin);
    return code;
}

/* Both daemons' credentials have one name, and each a file of its own: strongroom-vaultd.token-pin for vaultd.conf, as
 * the units in provisioning/systemd have it. */
static void say_how_to_encrypt(const struct invocation *in, const char *name, const char *path)
{
    const char *slash = strrchr(in->config_path, '/'), *file = slash != NULL ? slash + 1 : in->config_path;
    const char *dot = strrchr(file, '.');
    int len = (int)(dot != NULL ? (size_t)(dot - file) : strlen(file));

    fprintf(in->err,
            "The daemon reads the PIN as systemd's credential \"%s\". Make it of the file, then keep the file away:\n"
            "  systemd-creds encrypt --name=%s %s /etc/credstore.encrypted/strongroom-%.*s.%s\n"
            "The daemon's unit has\n"
            "  LoadCredentialEncrypted=%s:/etc/credstore.encrypted/strongroom-%.*s.%s\n",
            name, name, path, len, file, name, name, len, file, name);
}

int pin_place_hand_over(const struct invocation *in, const struct site *s, const char *from, const char *path)
{
    const char *name;

    switch (pin_source_kind(s->config.token_pin_file, &name)) {
    case PIN_SOURCE_KEYRING:
        return keep_key(in, name, from);
    case PIN_SOURCE_CREDENTIAL:
        say_how_to_encrypt(in, name, path);
        return EXIT_DONE;
    case PIN_SOURCE_FILE:
        break;
    }
    return EXIT_DONE;
}

int pin_place_open_token(const struct invocation *in, struct site *s, const char *path)
{
    const char *name;
    char *copy;

    if (pin_source_kind(s->config.token_pin_file, &name) == PIN_SOURCE_CREDENTIAL) {
        if ((copy = strdup(path)) == NULL)
            return command_refuse(in, "out of memory");
        free(s->config.token_pin_file);
        s->config.token_pin_file = copy;
    }
    return site_open_token(in, s);
}
