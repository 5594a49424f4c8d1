#include "provisioning/cli/prompt.h"

#include "provisioning/cli/terminal.h"

static int why_not(const struct invocation *in, enum status st)
{
    switch (st) {
    case ST_TOO_LARGE:
        return command_refuse(in, "more than %d bytes were typed", PASSPHRASE_MAX);
    case ST_UNAVAILABLE:
        return command_refuse(in, "interrupted");
    case ST_CLOSED:
        return command_refuse(in, "nothing was typed");
    default:
        return command_refuse(in, "the terminal cannot be read: %s", status_name(st));
    }
}

static int ask(const struct invocation *in, struct terminal *t, const char *question, bool echo, struct secret *out)
{
    struct bytes text = { 0 };
    enum status st;

    bytes_printf(&text, "%s: ", question);
    if ((st = bytes_status(&text)) == ST_OK)
        st = terminal_ask(t, bytes_text(&text), echo, PASSPHRASE_MAX, out);
    bytes_clear(&text);
    if (st == ST_OK && out->len == 0)
        st = ST_CLOSED;
    if (st == ST_OK)
        return EXIT_DONE;
    secret_clear(out);
    return why_not(in, st);
}

static int open_terminal(const struct invocation *in, const char *option, struct terminal *t)
{
    if (terminal_open(t) == ST_OK)
        return EXIT_DONE;
    if (option != NULL)
        return command_refuse(in, "no terminal to ask on; give --%s FILE", option);
    return command_refuse(in, "no terminal to ask on");
}

static int ask_secret(const struct invocation *in, const char *option, const char *question, struct secret *out)
{
    struct terminal t;
    int code = open_terminal(in, option, &t);

    if (code == EXIT_DONE)
        code = ask(in, &t, question, false, out);
    terminal_close(&t);
    return code;
}

static int ask_twice(const struct invocation *in, struct terminal *t, const char *question, struct secret *out)
{
    struct bytes again = { 0 };
    struct secret second = { 0 };
    int code;

    bytes_printf(&again, "%s, again", question);
    if (bytes_status(&again) != ST_OK)
        code = command_refuse(in, "out of memory");
    else if ((code = ask(in, t, bytes_text(&again), false, &second)) == EXIT_DONE &&
             !secret_equal(secret_span(out), secret_span(&second)))
        code = command_refuse(in, "the two are not the same");
    secret_clear(&second);
    bytes_clear(&again);
    return code;
}

static int ask_new(const struct invocation *in, const char *option, const char *question, size_t min,
                   struct secret *out)
{
    struct terminal t;
    int code = open_terminal(in, option, &t);

    if (code == EXIT_DONE && (code = ask(in, &t, question, false, out)) == EXIT_DONE) {
        if (out->len < min)
            code = command_refuse(in, "too short: it takes at least %zu bytes", min);
        else
            code = ask_twice(in, &t, question, out);
    }
    terminal_close(&t);
    if (code != EXIT_DONE)
        secret_clear(out);
    return code;
}

static int read_file(const struct invocation *in, const char *option, size_t min, struct secret *out)
{
    const char *path = command_value(in, option);
    enum status st = secret_read_file(out, path);
    int code = EXIT_DONE;

    if (st == ST_NOT_PERMITTED)
        code = command_refuse(in, "--%s %s: must be a file that its owner alone may read", option, path);
    else if (st != ST_OK)
        code = command_refuse(in, "--%s %s: %s", option, path, status_name(st));
    else if (out->len > PASSPHRASE_MAX)
        code = command_refuse(in, "--%s %s: more than %d bytes", option, path, PASSPHRASE_MAX);
    else if (out->len == 0)
        code = command_refuse(in, "--%s %s: the file is empty", option, path);
    else if (out->len < min)
        code = command_refuse(in, "--%s %s: too short: it takes at least %zu bytes", option, path, min);
    if (code != EXIT_DONE)
        secret_clear(out);
    return code;
}

int prompt_secret(const struct invocation *in, const char *question, struct secret *out)
{
    return ask_secret(in, NULL, question, out);
}

int prompt_new_secret(const struct invocation *in, const char *question, size_t min, struct secret *out)
{
    return ask_new(in, NULL, question, min, out);
}

int prompt_or_file(const struct invocation *in, const char *option, const char *question, struct secret *out)
{
    if (command_given(in, option))
        return read_file(in, option, 1, out);
    return ask_secret(in, option, question, out);
}

int prompt_new_or_file(const struct invocation *in, const char *option, const char *question, size_t min,
                       struct secret *out)
{
    if (command_given(in, option))
        return read_file(in, option, min, out);
    return ask_new(in, option, question, min, out);
}

int prompt_confirm(const struct invocation *in, const char *question, const char *word)
{
    struct bytes text = { 0 };
    struct secret typed = { 0 };
    struct terminal t;
    int code = open_terminal(in, NULL, &t);

    bytes_printf(&text, "%s\nType \"%s\" to go on", question, word);
    if (code == EXIT_DONE && bytes_status(&text) != ST_OK)
        code = command_refuse(in, "out of memory");
    if (code == EXIT_DONE && (code = ask(in, &t, bytes_text(&text), true, &typed)) == EXIT_DONE &&
        !secret_equal(secret_span(&typed), span_text(word)))
        code = command_refuse(in, "not confirmed: nothing was done");
    terminal_close(&t);
    secret_clear(&typed);
    bytes_clear(&text);
    return code;
}
