#include "provisioning/token/site.h"

int site_open(const struct invocation *in, struct site *s)
{
    enum status st = config_load(in->config_path, &s->config);

    if (st != ST_OK)
        return command_refuse(in, "the configuration %s is not usable: %s", in->config_path, status_name(st));
    return EXIT_DONE;
}

static const char *token_trouble(enum status st)
{
    switch (st) {
    case ST_NOT_FOUND:
        return "there is no such token or module; `strongroom token init` makes the token";
    case ST_NOT_PERMITTED:
        return "the PIN is wrong, or its file can be read by others";
    case ST_BUSY:
        return "another process owns it; stop the daemon first";
    default:
        return status_name(st);
    }
}

int site_open_token(const struct invocation *in, struct site *s)
{
    const struct config *c = &s->config;
    struct token_config tc = {
        .module = c->token_module,
        .label = c->token_label,
        .pin_file = c->token_pin_file,
        .module_config = c->token_config[0] != '\0' ? c->token_config : NULL,
        .workers = 1,
        .cache_limit = 1,
    };
    enum status st = token_open(&tc, &s->token);

    if (st != ST_OK)
        return command_refuse(in, "the token \"%s\" cannot be opened: %s", c->token_label, token_trouble(st));
    return EXIT_DONE;
}

int site_open_store(const struct invocation *in, struct site *s)
{
    enum status st = store_open_sqlite(s->config.management_store, STORE_READ_WRITE, &s->store);

    if (st != ST_OK)
        return command_refuse(in, "the management store %s cannot be opened: %s", s->config.management_store,
                              status_name(st));
    return EXIT_DONE;
}

void site_close(struct site *s)
{
    token_close(s->token);
    store_close(s->store);
    config_clear(&s->config);
    *s = (struct site){ 0 };
}

int site_guid(const struct invocation *in, const char *option, struct guid *out)
{
    const char *value = command_value(in, option);

    if (value == NULL || guid_parse(out, span_text(value)) != ST_OK)
        return command_misused(in, "--%s: \"%s\" is not a GUID", option, value != NULL ? value : "");
    return EXIT_DONE;
}
