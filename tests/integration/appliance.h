/* appliance.h - a whole Strongroom for one test program: its own state directory (made by `quickstart prepare`), its
 * own ports, both daemons as children of the test, and an HTTP client that talks to them as any client would.
 *
 *   struct appliance *a = appliance_new();        prepare: tokens, certificates, demo principal; nothing runs yet
 *   appliance_start(a);                           both daemons answer /healthz when this returns true
 *   appliance_make_vault(a, "demo");              through the ARM API, as the demo principal
 *   struct request rq = { .url = .., .token = appliance_token(a, a->data_url) };
 *   struct reply reply = { 0 };
 *   appliance_request(a, &rq, &reply);  CU_ASSERT_EQUAL(reply.status, 200);
 *   reply_clear(&reply);
 *   appliance_free(a);                            ends the daemons; false when one did not end well (sanitizers!)
 *
 * The daemons are those of the build directory that the test program lies in ($STRONGROOM_BUILD overrides). They die
 * with the test, however it ends. $STRONGROOM_KEEP=1 keeps the state directory and prints where it is. Nothing here may
 * be used by two threads at once, save appliance_request(), reply_*() and the texts of the appliance. */
#ifndef STRONGROOM_TESTS_INTEGRATION_APPLIANCE_H
#define STRONGROOM_TESTS_INTEGRATION_APPLIANCE_H

#include <jansson.h>
#include <sys/types.h>

#include "firmware/base/bytes.h"

enum appliance_daemon { MANAGEMENTD, VAULTD, DAEMON_COUNT };

struct appliance {
    char home[256];
    unsigned data_port, management_port;
    char data_url[128];       /* "https://vault.localhost:20001": the resource of the vaults */
    char management_url[128]; /* "https://management.localhost:20002": ARM, and its resource */
    char login_url[128];      /* "https://login.localhost:20002" */
    char ca[320];             /* PEM file */
    char *tenant, *client_id, *object_id, *client_secret, *subscription, *resource_group;
    char *token_module;
    bool on_softhsm;         /* whose tokens have one owner and run in its process; else on the keystore, with a TPM */
    pid_t pid[DAEMON_COUNT]; /* 0: not running */
    struct {
        char *resource, *token;
    } tokens[4]; /* appliance_token()'s */
};

/* NULL when it could not be prepared; what was said goes to standard output. */
struct appliance *appliance_new(void);
/* Ends what runs and removes the state. False when a daemon did not end with exit code 0: its log has been printed. */
bool appliance_free(struct appliance *a);

/* Start managementd, then vaultd. False when one does not answer: its log has been printed. */
bool appliance_start(struct appliance *a);
bool appliance_start_daemon(struct appliance *a, enum appliance_daemon which);
/* Start it without waiting for its answers. False when there is no program. */
bool appliance_spawn_daemon(struct appliance *a, enum appliance_daemon which);
bool appliance_await_health(struct appliance *a, enum appliance_daemon which);
/* SIGTERM and wait. True when the exit code was 0; else the log is printed. */
bool appliance_stop_daemon(struct appliance *a, enum appliance_daemon which);
/* Wait up to `seconds` for a daemon that ends by itself: its exit code, 128 + the signal, or -1 when it runs on. */
int appliance_await_exit(struct appliance *a, enum appliance_daemon which, unsigned seconds);
/* SIGKILL and wait: a crash. */
void appliance_kill_daemon(struct appliance *a, enum appliance_daemon which);
const char *appliance_daemon_name(enum appliance_daemon which);
void appliance_print_log(const struct appliance *a, enum appliance_daemon which);

/* Run a program of the build ("strongroom") or of the system ("/usr/bin/openssl", "/.../quickstart"); words end with
 * NULL. Returns the exit code, 128 + the signal, or -1 when it could not be started; standard output and error go, one
 * after the other as they come, to `output` (may be NULL). STRONGROOM_HOME and the like are set as for the appliance.
 */
int appliance_run(const struct appliance *a, const char *const *words, struct bytes *output);
/* The CLI: `strongroom <words> --config <the daemon's>`. */
int appliance_cli(const struct appliance *a, enum appliance_daemon which, const char *const *words,
                  struct bytes *output);

/* An access token of the demo principal for `resource` (a->data_url, a->management_url); asked for once, then kept.
 * CU_FAILs and returns "" when there is none. */
const char *appliance_token(struct appliance *a, const char *resource);
/* Forget the kept tokens. */
void appliance_forget_tokens(struct appliance *a);
/* PUT a vault with every permission for the demo principal, and wait until the data plane knows it. */
bool appliance_make_vault(struct appliance *a, const char *name);
/* All of it: a new appliance that runs, with this vault, whose URL is for free(). What there is of it is in *out, in
 * every case. */
bool appliance_with_vault(const char *name, struct appliance **out, char **vault_url);
/* "https://demo.vault.localhost:20001"; the ARM path of a vault; "..." + suffix + "?api-version=7.4". Caller frees. */
char *appliance_vault_url(const struct appliance *a, const char *name);
char *appliance_vault_path(const struct appliance *a, const char *name);

#define REQUEST_HEADERS_MAX 8
#define TEST_DATA_API       "api-version=7.4"
#define TEST_VAULT_API      "api-version=2023-07-01"

struct request {
    const char *method;                       /* NULL: GET, or POST with a body */
    const char *url;                          /* whole */
    const char *token;                        /* access token, or NULL */
    const char *json;                         /* body, content-type: application/json; or NULL */
    const char *form;                         /* body, application/x-www-form-urlencoded; or NULL */
    unsigned http;                            /* 1: HTTP/1.1; 2: HTTP/2; 0: what the server likes best */
    const char *tls;                          /* "1.0", "1.1", "1.2", "1.3": exactly this version; NULL: any */
    const char *address;                      /* "127.0.0.1" (also when NULL) or "[::1]" */
    const char *headers[REQUEST_HEADERS_MAX]; /* "name: value" */
    unsigned timeout_s;                       /* 0: 60 */
};

struct reply {
    long status;          /* 0: there was no answer */
    unsigned http;        /* 1 or 2 */
    struct bytes headers; /* "name: value\n" lines, names in lower case, without the status line */
    struct bytes body;
    char error[256]; /* libcurl's words when there was no answer */
};

/* Send one request on a new connection; *reply is replaced (zero it first). False when there was no answer. */
bool appliance_request(const struct appliance *a, const struct request *rq, struct reply *reply);
/* The value of a header, "" when it is not there; valid until the next call in this thread. */
const char *reply_header(const struct reply *r, const char *name);
/* The body as JSON; NULL when it is none. Caller json_decref()s. */
json_t *reply_json(const struct reply *r);
/* A text inside the body by a path of member names, "error.code"; "" when it is not there. Valid until the next call in
 * this thread. */
const char *reply_text(const struct reply *r, const char *path);
void reply_clear(struct reply *r);

/* Formatted text on the heap. Caller frees. */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
