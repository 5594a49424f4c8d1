/* strongroom pin: status, change, unlock; rotate is in pin_rotate.c. */
#include "provisioning/cli/output.h"
#include "provisioning/cli/prompt.h"
#include "provisioning/token/pin_rotate.h"
#include "provisioning/token/pin_session.h"
#include "provisioning/token/verbs.h"
#include "service/json/json.h"

static void put_state(struct json_writer *w, const char *name, const struct pin_state *p)
{
    json_open_object(w, name);
    json_put_bool(w, "set", p->set);
    json_put_bool(w, "toBeChanged", p->to_be_changed);
    json_put_bool(w, "triesLow", p->count_low);
    json_put_bool(w, "finalTry", p->final_try);
    json_put_bool(w, "locked", p->locked);
    json_close_object(w);
}

static int print_json(const struct invocation *in, const char *label, const struct pin_state *user,
                      const struct pin_state *so)
{
    struct bytes text = { 0 };
    struct json_writer w;

    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_text(&w, "label", span_text(label));
    put_state(&w, "user", user);
    put_state(&w, "so", so);
    json_close_object(&w);
    return output_json(in, &text);
}

static const char *in_words(const struct pin_state *p)
{
    return !p->set            ? "not set"
           : p->locked        ? "locked"
           : p->final_try     ? "set, one try left"
           : p->count_low     ? "set, wrong ones were tried"
           : p->to_be_changed ? "set, to be changed"
                              : "set";
}

static int pin_status(struct invocation *in)
{
    struct site s = { 0 };
    struct pin_session p = { .module.lock_fd = -1 };
    struct pin_state user, so;
    int code;

    if ((code = site_open(in, &s)) == EXIT_DONE && (code = pin_session_open(in, &s, &p)) == EXIT_DONE) {
        user = pin_session_state(&p, PIN_USER);
        so = pin_session_state(&p, PIN_SO);
        if (in->json)
            code = print_json(in, s.config.token_label, &user, &so);
        else
            fprintf(in->out, "user PIN  %s\nSO PIN    %s\n", in_words(&user), in_words(&so));
    }
    pin_session_close(&p);
    site_close(&s);
    return code;
}

/* The daemon logs in with what its configuration names, which this command leaves alone. */
static void remind(const struct invocation *in, const struct site *s)
{
    fprintf(in->out, "The daemon logs in with %s; it must have the new PIN before it logs in again.\n",
            s->config.token_pin_file);
}

static int change(const struct invocation *in, struct pin_session *p, enum pin_who who)
{
    struct secret old_pin = { 0 }, new_pin = { 0 };
    int code;
    CK_RV rv;

    if ((code = prompt_or_file(in, "old-pin-file", who == PIN_SO ? "Present SO PIN" : "Present user PIN", &old_pin)) ==
            EXIT_DONE &&
        (rv = pin_session_login(p, who, secret_span(&old_pin))) != CKR_OK)
        code = pin_session_refuse(in, p, who, "nothing is changed", rv);
    /* Asked for once the present one is right. */
    if (code == EXIT_DONE &&
        (code = prompt_new_or_file(in, "new-pin-file", who == PIN_SO ? "New SO PIN" : "New user PIN",
                                   p->info.ulMinPinLen, &new_pin)) == EXIT_DONE &&
        (rv = pin_session_change(p, secret_span(&old_pin), secret_span(&new_pin))) != CKR_OK)
        code = pin_session_refuse(in, p, who, "the PIN is not changed", rv);
    secret_clear(&old_pin);
    secret_clear(&new_pin);
    return code;
}

static int pin_change(struct invocation *in)
{
    struct pin_session p = { .module.lock_fd = -1 };
    struct site s = { 0 };
    enum pin_who who;
    int code;

    if ((code = pin_who_given(in, &who)) == EXIT_DONE && (code = site_open(in, &s)) == EXIT_DONE &&
        (code = pin_session_open(in, &s, &p)) == EXIT_DONE && (code = change(in, &p, who)) == EXIT_DONE) {
        fprintf(in->out, "the %s is changed\n", pin_who_name(who));
        if (who == PIN_USER)
            remind(in, &s);
    }
    pin_session_close(&p);
    site_close(&s);
    return code;
}

static int unlock(const struct invocation *in, struct pin_session *p)
{
    struct secret so_pin = { 0 }, new_pin = { 0 };
    int code;
    CK_RV rv;

    if ((code = prompt_or_file(in, "so-pin-file", "SO PIN", &so_pin)) == EXIT_DONE &&
        (rv = pin_session_login(p, PIN_SO, secret_span(&so_pin))) != CKR_OK)
        code = pin_session_refuse(in, p, PIN_SO, "nothing is changed", rv);
    if (code == EXIT_DONE &&
        (code = prompt_new_or_file(in, "new-pin-file", "New user PIN", p->info.ulMinPinLen, &new_pin)) == EXIT_DONE &&
        (rv = pin_session_reset_user(p, secret_span(&new_pin))) != CKR_OK)
        code = pin_session_refuse(in, p, PIN_SO, "the user PIN is not set", rv);
    secret_clear(&so_pin);
    secret_clear(&new_pin);
    return code;
}

static int pin_unlock(struct invocation *in)
{
    struct pin_session p = { .module.lock_fd = -1 };
    struct site s = { 0 };
    int code;

    if ((code = site_open(in, &s)) == EXIT_DONE && (code = pin_session_open(in, &s, &p)) == EXIT_DONE &&
        (code = unlock(in, &p)) == EXIT_DONE) {
        fprintf(in->out, "the user PIN is set, and not locked\n");
        remind(in, &s);
    }
    pin_session_close(&p);
    site_close(&s);
    return code;
}

static const struct verb_option change_options[] = {
    { "who", "WHO", true, false, "whose PIN: user or so" },
    { "old-pin-file", "FILE", false, false, "the present PIN (without it, it is asked for on the terminal)" },
    { "new-pin-file", "FILE", false, false, "the new PIN (without it, it is asked for twice)" },
    { 0 },
};
static const struct verb_option unlock_options[] = {
    { "so-pin-file", "FILE", false, false, "the SO PIN (without it, it is asked for on the terminal)" },
    { "new-pin-file", "FILE", false, false, "the new user PIN (without it, it is asked for twice)" },
    { 0 },
};
static const struct verb_option rotate_options[] = {
    { "who", "WHO", true, false, "whose PIN: user or so" },
    { "pin-file", "FILE", false, false,
      "its file (user: the configuration's, needed when that names none; so: so-pin beside it)" },
    { 0 },
};

#define NEEDS_FILE_OR_TERMINAL                                                                                         \
    "A PIN is typed on the terminal, where it is not shown, or read from a file that its owner alone may read.\n"      \
    "A token of SoftHSM has one owner: its daemon must not be running."

const struct verb pin_verbs[] = {
    { "status", "what the token says of its PINs: set, one try left, locked",
      "A token of SoftHSM has one owner: its daemon must not be running.", true, false, NULL, pin_status },
    { "change", "change a person's PIN", NEEDS_FILE_OR_TERMINAL, false, false, change_options, pin_change },
    { "unlock", "the SO sets a new user PIN, also where the old one is locked or forgotten", NEEDS_FILE_OR_TERMINAL,
      false, false, unlock_options, pin_unlock },
    { "rotate", "give a machine a new random PIN, in its file and in the token",
      "The new PIN (192 random bits) is first written to FILE.new, then set in the token, then takes FILE's place: at "
      "any\n"
      "moment one of the two files has the PIN that opens. A run that was interrupted is finished by the next one, "
      "which\n"
      "finds out what the token has. When the configuration names a key of the keyring, that is renewed too.",
      false, false, rotate_options, pin_rotate },
    { 0 },
};
