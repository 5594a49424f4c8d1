/* strongroom application: create, list, delete, enable, disable, add-secret, add-certificate, remove-credentials. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "provisioning/appliance/verbs.h"
#include "provisioning/cli/output.h"
#include "provisioning/cli/private_file.h"
#include "provisioning/token/site.h"
#include "service/identity/application.h"
#include "service/json/json.h"

#define CERTIFICATE_FILE_MAX (64u * 1024)
#define DAYS_MAX             3650
#define DAY_S                86400

/* Where a new client secret goes: a file of its own, or whoever reads our output now. */
struct secret_outlet {
    const char *path;
    struct file_draft file;
    bool print;
};

/* Before anything is made: a secret that cannot be handed over must not come to be. */
static int open_outlet(const struct invocation *in, struct secret_outlet *o)
{
    struct stat info;
    enum status st;

    *o = (struct secret_outlet){ .path = command_value(in, "secret-file"), .file = { .fd = -1 } };
    o->print = command_given(in, "print-secret");
    if (o->path != NULL && o->print)
        return command_misused(in, "--secret-file and --print-secret exclude each other");
    /* Not into an ordinary file by redirection: its mode would be the umask's choice. */
    if (o->print && (fstat(fileno(in->out), &info) != 0 ||
                     !(isatty(fileno(in->out)) || S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))))
        return command_misused(in, "--print-secret writes to a terminal or a pipe only; use --secret-file");
    if (o->path != NULL && (st = file_reserve(o->path, 0600, &o->file)) != ST_OK)
        return command_refuse(in, "%s: %s", o->path,
                              st == ST_EXISTS ? "exists already; a secret replaces no file" : status_name(st));
    return EXIT_DONE;
}

static void abandon_outlet(struct secret_outlet *o)
{
    file_abandon(&o->file);
}

static int parse_expiry(const struct invocation *in, int64_t *expires_at)
{
    const char *text = command_value(in, "days");
    char *end;
    long days;

    *expires_at = 0;
    if (text == NULL)
        return EXIT_DONE;
    errno = 0;
    days = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || days < 1 || days > DAYS_MAX)
        return command_misused(in, "--days: a number from 1 to %d", DAYS_MAX);
    *expires_at = clock_unix_s() + (int64_t)days * DAY_S;
    return EXIT_DONE;
}

static int hand_over(const struct invocation *in, struct secret_outlet *o, const struct secret *secret)
{
    enum status st;

    if (o->print) {
        fwrite(secret->p, 1, secret->len, in->out);
        fputc('\n', in->out);
        return fflush(in->out) == 0 ? EXIT_DONE : command_refuse(in, "the secret cannot be written");
    }
    if ((st = file_fill(&o->file, o->path, secret_span(secret))) != ST_OK)
        return command_refuse(in, "%s cannot be written: %s", o->path, status_name(st));
    return EXIT_DONE;
}

static int issue_secret(const struct invocation *in, struct store *store, const struct guid *client_id,
                        int64_t expires_at, struct secret_outlet *o)
{
    struct secret secret = { 0 };
    enum status st = application_add_secret(store, client_id, expires_at, &secret);
    int code = EXIT_DONE;

    if (st != ST_OK)
        code = command_refuse(in, "no secret for application %s: %s", client_id->text,
                              st == ST_TOO_LARGE ? "it has as many credentials as it may" : status_name(st));
    else
        code = hand_over(in, o, &secret);
    secret_clear(&secret);
    return code;
}

static void print_application(const struct invocation *in, const struct application *a)
{
    struct bytes text = { 0 };
    struct json_writer w;

    if (!in->json) {
        fprintf(in->out, "client id  %s\nobject id  %s\nname       ", a->client_id.text, a->object_id.text);
        output_words(in, a->display_name);
        return;
    }
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_text(&w, "clientId", span_text(a->client_id.text));
    json_put_text(&w, "objectId", span_text(a->object_id.text));
    json_put_text(&w, "displayName", span_text(a->display_name));
    json_put_bool(&w, "enabled", a->enabled);
    json_close_object(&w);
    fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
}

static int describe(const struct invocation *in, struct application *a)
{
    const char *name = command_value(in, "name");
    int code;

    *a = (struct application){ .enabled = true };
    if (name[0] == '\0' || strlen(name) >= sizeof a->display_name)
        return command_misused(in, "--name must have 1 to %zu bytes", sizeof a->display_name - 1);
    memcpy(a->display_name, name, strlen(name) + 1);
    if (command_given(in, "client-id") && (code = site_guid(in, "client-id", &a->client_id)) != EXIT_DONE)
        return code;
    if (command_given(in, "object-id") && (code = site_guid(in, "object-id", &a->object_id)) != EXIT_DONE)
        return code;
    return EXIT_DONE;
}

static int create_in(const struct invocation *in, struct store *store, struct application *a, int64_t expires_at,
                     struct secret_outlet *o)
{
    enum status st = application_create(store, a);
    int code;

    if (st != ST_OK)
        return command_refuse(in, "the application cannot be made: %s",
                              st == ST_EXISTS ? "this client id is taken" : status_name(st));
    if ((o->path != NULL || o->print) && (code = issue_secret(in, store, &a->client_id, expires_at, o)) != EXIT_DONE) {
        if ((st = application_delete(store, &a->client_id)) != ST_OK)
            command_refuse(in, "the application %s is left behind: %s", a->client_id.text, status_name(st));
        return code;
    }
    if (!o->print) /* with --print-secret the output is the secret alone, for a pipe */
        print_application(in, a);
    return EXIT_DONE;
}

static int application_create_verb(struct invocation *in)
{
    struct secret_outlet outlet = { .file = { .fd = -1 } };
    struct site s = { 0 };
    struct application a;
    int64_t expires_at;
    int code;

    if ((code = describe(in, &a)) == EXIT_DONE && (code = parse_expiry(in, &expires_at)) == EXIT_DONE &&
        (code = site_open(in, &s)) == EXIT_DONE && (code = open_outlet(in, &outlet)) == EXIT_DONE &&
        (code = site_open_store(in, &s)) == EXIT_DONE)
        code = create_in(in, s.store, &a, expires_at, &outlet);
    abandon_outlet(&outlet);
    site_close(&s);
    return code;
}

struct listing {
    const struct invocation *in;
    struct json_writer w;
};

static bool list_one(const struct application *a, void *arg)
{
    struct listing *l = arg;

    if (!l->in->json) {
        fprintf(l->in->out, "%s  %s  %-8s  ", a->client_id.text, a->object_id.text,
                a->enabled ? "enabled" : "disabled");
        output_words(l->in, a->display_name);
        return true;
    }
    json_open_object(&l->w, NULL);
    json_put_text(&l->w, "clientId", span_text(a->client_id.text));
    json_put_text(&l->w, "objectId", span_text(a->object_id.text));
    json_put_text(&l->w, "displayName", span_text(a->display_name));
    json_put_bool(&l->w, "enabled", a->enabled);
    json_close_object(&l->w);
    return true;
}

static int application_list_verb(struct invocation *in)
{
    struct listing l = { .in = in };
    struct bytes text = { 0 };
    struct site s = { 0 };
    enum status st;
    int code;

    json_begin(&l.w, &text);
    json_open_array(&l.w, NULL);
    if ((code = site_open(in, &s)) == EXIT_DONE && (code = site_open_store(in, &s)) == EXIT_DONE &&
        (st = application_list(s.store, list_one, &l)) != ST_OK)
        code = command_refuse(in, "the applications cannot be read: %s", status_name(st));
    json_close_array(&l.w);
    if (code == EXIT_DONE && in->json)
        fprintf(in->out, "%s\n", bytes_text(&text));
    bytes_clear(&text);
    site_close(&s);
    return code;
}

/* A change of one application, named by --client-id. */
typedef int application_change(const struct invocation *in, struct store *store, const struct guid *client_id);

static int change(const struct invocation *in, application_change *make)
{
    struct guid client_id;
    struct site s = { 0 };
    int code;

    if ((code = site_guid(in, "client-id", &client_id)) != EXIT_DONE)
        return code;
    if ((code = site_open(in, &s)) == EXIT_DONE && (code = site_open_store(in, &s)) == EXIT_DONE)
        code = make(in, s.store, &client_id);
    site_close(&s);
    return code;
}

static int outcome(const struct invocation *in, const struct guid *client_id, enum status st)
{
    switch (st) {
    case ST_OK:
        return EXIT_DONE;
    case ST_NOT_FOUND:
        return command_refuse(in, "there is no application %s", client_id->text);
    case ST_TOO_LARGE:
        return command_refuse(in, "application %s has as many credentials as it may", client_id->text);
    default:
        return command_refuse(in, "application %s: %s", client_id->text, status_name(st));
    }
}

static int make_delete(const struct invocation *in, struct store *store, const struct guid *client_id)
{
    return outcome(in, client_id, application_delete(store, client_id));
}

static int make_enable(const struct invocation *in, struct store *store, const struct guid *client_id)
{
    return outcome(in, client_id, application_set_enabled(store, client_id, true));
}

static int make_disable(const struct invocation *in, struct store *store, const struct guid *client_id)
{
    return outcome(in, client_id, application_set_enabled(store, client_id, false));
}

static int make_bare(const struct invocation *in, struct store *store, const struct guid *client_id)
{
    return outcome(in, client_id, application_remove_credentials(store, client_id));
}

static int make_secret(const struct invocation *in, struct store *store, const struct guid *client_id)
{
    struct secret_outlet outlet = { .file = { .fd = -1 } };
    int64_t expires_at;
    int code;

    if ((code = parse_expiry(in, &expires_at)) != EXIT_DONE)
        return code;
    if (!command_given(in, "secret-file") && !command_given(in, "print-secret"))
        return command_misused(in, "say where the secret goes: --secret-file FILE or --print-secret");
    if ((code = open_outlet(in, &outlet)) == EXIT_DONE)
        code = issue_secret(in, store, client_id, expires_at, &outlet);
    abandon_outlet(&outlet);
    return code;
}

static int make_certificate(const struct invocation *in, struct store *store, const struct guid *client_id)
{
    const char *path = command_value(in, "certificate");
    struct bytes text = { 0 };
    enum status st = file_read(path, CERTIFICATE_FILE_MAX, &text);
    int code;

    if (st != ST_OK)
        code = command_refuse(in, "%s: %s", path, status_name(st));
    else if ((st = application_add_certificate(store, client_id, bytes_span(&text))) == ST_BAD_REQUEST ||
             st == ST_UNSUPPORTED)
        code = command_refuse(in, "%s: no certificate that can be used to log in", path);
    else
        code = outcome(in, client_id, st);
    bytes_clear(&text);
    return code;
}

static int application_delete_verb(struct invocation *in)
{
    return change(in, make_delete);
}

static int application_enable_verb(struct invocation *in)
{
    return change(in, make_enable);
}

static int application_disable_verb(struct invocation *in)
{
    return change(in, make_disable);
}

static int application_remove_credentials_verb(struct invocation *in)
{
    return change(in, make_bare);
}

static int application_add_secret_verb(struct invocation *in)
{
    return change(in, make_secret);
}

static int application_add_certificate_verb(struct invocation *in)
{
    return change(in, make_certificate);
}

#define CLIENT_ID                                                                                                      \
    {                                                                                                                  \
        "client-id", "GUID", true, false, "which application"                                                          \
    }
#define SECRET_OPTIONS                                                                                                 \
    { "secret-file", "FILE", false, false, "the new client secret goes there, a new file of mode 0600" },              \
        { "print-secret", NULL, false, false, "the new client secret goes to standard output, a terminal or a pipe" }, \
    {                                                                                                                  \
        "days", "N", false, false, "the secret's life in days (default: it does not expire)"                           \
    }

static const struct verb_option create_options[] = {
    { "name", "TEXT", true, false, "a name for people" },
    { "client-id", "GUID", false, false, "what it logs in as (default: a random one)" },
    { "object-id", "GUID", false, false, "what roles and policies call it (default: a random one)" },
    SECRET_OPTIONS,
    { 0 },
};
static const struct verb_option one_options[] = { CLIENT_ID, { 0 } };
static const struct verb_option secret_options[] = { CLIENT_ID, SECRET_OPTIONS, { 0 } };
static const struct verb_option certificate_options[] = {
    CLIENT_ID,
    { "certificate", "FILE", true, false, "the certificate, PEM or DER" },
    { 0 },
};

const struct verb application_verbs[] = {
    { "create", "make an application, and a client secret when it is said where that goes",
      "A secret is shown once; the store keeps only its salted hash.", true, false, create_options,
      application_create_verb },
    { "list", "all applications: client id, object id, state, name", NULL, true, false, NULL, application_list_verb },
    { "delete", "remove an application and its credentials", NULL, false, false, one_options, application_delete_verb },
    { "enable", "let it log in again", NULL, false, false, one_options, application_enable_verb },
    { "disable", "let it log in no more; tokens it has stay good until they end", NULL, false, false, one_options,
      application_disable_verb },
    { "add-secret", "a further client secret", NULL, false, false, secret_options, application_add_secret_verb },
    { "add-certificate", "let it log in by a certificate's key", NULL, false, false, certificate_options,
      application_add_certificate_verb },
    { "remove-credentials", "remove all its secrets and certificates", NULL, false, false, one_options,
      application_remove_credentials_verb },
    { 0 },
};
