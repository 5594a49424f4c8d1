#include "tests/integration/appliance.h"

#include <CUnit/CUnit.h>
#include <curl/curl.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "tests/integration/process.h"

#define HEALTH_WAIT_MS (120u * 1000) /* a sanitized daemon on a busy machine */
#define STOP_WAIT_S    60u

const char *appliance_daemon_name(enum appliance_daemon which)
{
    return which == VAULTD ? "vaultd" : "managementd";
}

char *text_of(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    INVARIANT(n >= 0);
    return text;
}

/* A port of both loopback addresses that nobody has. It lies below the range that the kernel hands out to clients, so
 * nobody gets it by chance before the daemon does. */
static bool port_is_free(int family, unsigned port)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t)port),
                               .sin6_addr = in6addr_loopback };
    struct sockaddr_in v4 = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool ok;

    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ok = bind(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
              family == AF_INET ? sizeof v4 : sizeof v6) == 0;
    close(fd);
    return ok;
}

static unsigned free_port(void)
{
    static unsigned next;

    if (next == 0)
        next = 20000 + (unsigned)getpid() * 17 % 11000;
    for (unsigned tries = 0; tries < 2000; tries++) {
        next = next >= 31999 ? 20000 : next + 1;
        if (port_is_free(AF_INET, next) && port_is_free(AF_INET6, next))
            return next;
    }
    return 0;
}

static const char *build_directory(void)
{
    static char path[PATH_MAX];
    const char *given = getenv("STRONGROOM_BUILD");
    ssize_t n;

    if (given != NULL)
        return given;
    if ((n = readlink("/proc/self/exe", path, sizeof path - 1)) <= 0)
        return ".";
    path[n] = '\0';
    for (int up = 0; up < 2; up++) { /* <build>/tests/<program> */
        char *slash = strrchr(path, '/');

        if (slash != NULL)
            *slash = '\0';
    }
    return path;
}

static void set_environment(const struct appliance *a)
{
    char port[16];

    setenv("STRONGROOM_HOME", a->home, 1);
    setenv("STRONGROOM_BUILD", build_directory(), 1);
    snprintf(port, sizeof port, "%u", a->data_port);
    setenv("STRONGROOM_DATA_PORT", port, 1);
    snprintf(port, sizeof port, "%u", a->management_port);
    setenv("STRONGROOM_MANAGEMENT_PORT", port, 1);
}

int appliance_run(const struct appliance *a, const char *const *words, struct bytes *output)
{
    char *program = words[0][0] == '/' ? text_of("%s", words[0]) : text_of("%s/bin/%s", build_directory(), words[0]);
    int code;

    (void)a; /* its names are in the environment */
    code = process_run(program, words, output);
    free(program);
    return code;
}

int appliance_cli(const struct appliance *a, enum appliance_daemon which, const char *const *words,
                  struct bytes *output)
{
    const char *all[32] = { "strongroom" };
    const char *name = appliance_daemon_name(which);
    char *config = text_of("%s/%s/%s.conf", a->home, name, name);
    size_t n = 1;
    int code;

    while (*words != NULL && n < ARRAY_LEN(all) - 3)
        all[n++] = *words++;
    all[n++] = "--config";
    all[n++] = config;
    all[n] = NULL;
    code = appliance_run(a, all, output);
    free(config);
    return code;
}

/* One value of `quickstart env`: export NAME=value, which bash quotes only where it must; ours need none. */
static char *exported(const struct bytes *text, const char *name)
{
    char *key = text_of("export STRONGROOM_%s=", name);
    const char *at = strstr(bytes_text(text), key);
    char *value = NULL;

    if (at != NULL) {
        at += strlen(key);
        value = strndup(at, strcspn(at, "\n"));
    }
    free(key);
    return value;
}

static bool read_values(struct appliance *a)
{
    const char *words[] = { STRONGROOM_SOURCE_DIR "/provisioning/quickstart", "env", NULL };
    struct bytes text = { 0 };
    bool ok = appliance_run(a, words, &text) == 0;

    if (ok) {
        a->tenant = exported(&text, "TENANT");
        a->client_id = exported(&text, "CLIENT_ID");
        a->object_id = exported(&text, "OBJECT_ID");
        a->client_secret = exported(&text, "CLIENT_SECRET");
        a->subscription = exported(&text, "SUBSCRIPTION");
        a->resource_group = exported(&text, "RESOURCE_GROUP");
        a->token_module = exported(&text, "TOKEN_MODULE");
        ok = a->tenant != NULL && a->client_id != NULL && a->object_id != NULL && a->client_secret != NULL &&
             a->subscription != NULL && a->resource_group != NULL && a->token_module != NULL;
        a->on_softhsm = ok && strstr(a->token_module, "softhsm") != NULL;
    }
    if (!ok)
        printf("\nquickstart env: %s\n", bytes_text(&text));
    bytes_clear(&text);
    return ok;
}

static bool prepare(struct appliance *a)
{
    const char *words[] = { STRONGROOM_SOURCE_DIR "/provisioning/quickstart", "prepare", NULL };
    struct bytes text = { 0 };
    bool ok;

    a->data_port = free_port();
    a->management_port = free_port();
    snprintf(a->data_url, sizeof a->data_url, "https://vault.localhost:%u", a->data_port);
    snprintf(a->management_url, sizeof a->management_url, "https://management.localhost:%u", a->management_port);
    snprintf(a->login_url, sizeof a->login_url, "https://login.localhost:%u", a->management_port);
    snprintf(a->ca, sizeof a->ca, "%s/ca/ca.pem", a->home);
    set_environment(a);
    if (!(ok = appliance_run(a, words, &text) == 0))
        printf("\nquickstart prepare failed:\n%s\n", bytes_text(&text));
    bytes_clear(&text);
    return ok && read_values(a);
}

/* What `quickstart prepare` started: the keystore and its TPM. */
static void end_keystore(const struct appliance *a)
{
    const char *words[] = { STRONGROOM_SOURCE_DIR "/provisioning/quickstart", "down", NULL };
    struct bytes text = { 0 };

    set_environment(a);
    if (appliance_run(a, words, &text) != 0)
        printf("\nquickstart down failed:\n%s\n", bytes_text(&text));
    bytes_clear(&text);
}

struct appliance *appliance_new(void)
{
    struct appliance *a = calloc(1, sizeof *a);

    INVARIANT(a != NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    snprintf(a->home, sizeof a->home, "/tmp/strongroom-appliance-XXXXXX");
    INVARIANT(mkdtemp(a->home) != NULL);
    if (!prepare(a)) {
        appliance_free(a);
        return NULL;
    }
    return a;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

bool appliance_free(struct appliance *a)
{
    bool ok = true;

    if (a == NULL)
        return true;
    for (int which = DAEMON_COUNT - 1; which >= 0; which--)
        if (a->pid[which] != 0)
            ok = appliance_stop_daemon(a, (enum appliance_daemon)which) && ok;
    appliance_forget_tokens(a);
    end_keystore(a);
    if (getenv("STRONGROOM_KEEP") != NULL)
        printf("\nkept: %s\n", a->home);
    else
        nftw(a->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(a->tenant);
    free(a->client_id);
    free(a->object_id);
    free(a->client_secret);
    free(a->subscription);
    free(a->resource_group);
    free(a->token_module);
    free(a);
    return ok;
}

void appliance_print_log(const struct appliance *a, enum appliance_daemon which)
{
    char *path = text_of("%s/%s/log", a->home, appliance_daemon_name(which));
    FILE *f = fopen(path, "re");
    char line[2048];

    printf("\n--- log of %s\n", appliance_daemon_name(which));
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        printf("%s", line);
    printf("---\n");
    if (f != NULL)
        fclose(f);
    free(path);
}

bool appliance_spawn_daemon(struct appliance *a, enum appliance_daemon which)
{
    const char *name = appliance_daemon_name(which);
    char *program = text_of("%s/bin/%s", build_directory(), name);
    char *config = text_of("%s/%s/%s.conf", a->home, name, name), *log = text_of("%s/%s/log", a->home, name);
    const char *words[] = { name, "--config", config, NULL };

    INVARIANT(a->pid[which] == 0);
    a->pid[which] = process_spawn(program, words, log);
    free(program);
    free(config);
    free(log);
    return a->pid[which] != 0;
}

bool appliance_await_health(struct appliance *a, enum appliance_daemon which)
{
    char *url = text_of("%s/healthz", which == VAULTD ? a->data_url : a->management_url);
    struct request rq = { .url = url, .timeout_s = 10 };
    uint64_t deadline = clock_monotonic_ms() + HEALTH_WAIT_MS;
    struct reply reply = { 0 };
    bool well = false, alive;

    do {
        well = appliance_request(a, &rq, &reply) && reply.status == 200;
        alive = appliance_await_exit(a, which, 0) == -1;
        if (!well && alive)
            usleep(20 * 1000);
    } while (!well && alive && clock_monotonic_ms() < deadline);
    if (!well || !alive) {
        printf("\n%s does not serve at %s: %ld %s %s\n", appliance_daemon_name(which), url, reply.status, reply.error,
               bytes_text(&reply.body));
        appliance_print_log(a, which);
    }
    reply_clear(&reply);
    free(url);
    return well && alive;
}

bool appliance_start_daemon(struct appliance *a, enum appliance_daemon which)
{
    return appliance_spawn_daemon(a, which) && appliance_await_health(a, which);
}

bool appliance_start(struct appliance *a)
{
    return appliance_start_daemon(a, MANAGEMENTD) && appliance_start_daemon(a, VAULTD);
}

int appliance_await_exit(struct appliance *a, enum appliance_daemon which, unsigned seconds)
{
    int code;

    if (a->pid[which] == 0)
        return 0;
    if ((code = process_await(a->pid[which], seconds)) != -1)
        a->pid[which] = 0;
    return code;
}

bool appliance_stop_daemon(struct appliance *a, enum appliance_daemon which)
{
    int code;

    if (a->pid[which] == 0)
        return true;
    process_terminate(a->pid[which]);
    if ((code = appliance_await_exit(a, which, STOP_WAIT_S)) == -1) {
        printf("\n%s does not end within %u s\n", appliance_daemon_name(which), STOP_WAIT_S);
        appliance_kill_daemon(a, which);
    } else if (code != 0) {
        printf("\n%s ended with %d\n", appliance_daemon_name(which), code);
    }
    if (code != 0)
        appliance_print_log(a, which);
    return code == 0;
}

void appliance_kill_daemon(struct appliance *a, enum appliance_daemon which)
{
    if (a->pid[which] == 0)
        return;
    process_kill(a->pid[which]);
    a->pid[which] = 0;
}

void appliance_forget_tokens(struct appliance *a)
{
    for (size_t i = 0; i < ARRAY_LEN(a->tokens); i++) {
        free(a->tokens[i].resource);
        free(a->tokens[i].token);
        a->tokens[i].resource = a->tokens[i].token = NULL;
    }
}

static char *ask_token(const struct appliance *a, const char *resource)
{
    char *url = text_of("%s/%s/oauth2/v2.0/token", a->login_url, a->tenant);
    char *form = text_of("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default", a->client_id,
                         a->client_secret, resource);
    struct request rq = { .url = url, .form = form };
    struct reply reply = { 0 };
    char *token = NULL;

    if (appliance_request(a, &rq, &reply) && reply.status == 200)
        token = text_of("%s", reply_text(&reply, "access_token"));
    else
        printf("\nno token for %s: %ld %s %s\n", resource, reply.status, reply.error, bytes_text(&reply.body));
    reply_clear(&reply);
    free(form);
    free(url);
    return token;
}

const char *appliance_token(struct appliance *a, const char *resource)
{
    for (size_t i = 0; i < ARRAY_LEN(a->tokens); i++) {
        if (a->tokens[i].resource == NULL) {
            if ((a->tokens[i].token = ask_token(a, resource)) == NULL)
                break;
            a->tokens[i].resource = text_of("%s", resource);
        }
        if (strcmp(a->tokens[i].resource, resource) == 0)
            return a->tokens[i].token;
    }
    CU_FAIL("no access token");
    return "";
}

bool appliance_with_vault(const char *name, struct appliance **out, char **vault_url)
{
    if ((*out = appliance_new()) == NULL || !appliance_start(*out) || !appliance_make_vault(*out, name))
        return false;
    *vault_url = appliance_vault_url(*out, name);
    return true;
}

char *appliance_vault_url(const struct appliance *a, const char *name)
{
    return text_of("https://%s.vault.localhost:%u", name, a->data_port);
}

char *appliance_vault_path(const struct appliance *a, const char *name)
{
    return text_of("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults/%s", a->subscription,
                   a->resource_group, name);
}

static bool await_vault(struct appliance *a, const char *name)
{
    char *vault = appliance_vault_url(a, name), *url = text_of("%s/keys?" TEST_DATA_API, vault);
    struct request rq = { .url = url, .token = appliance_token(a, a->data_url) };
    uint64_t deadline = clock_monotonic_ms() + HEALTH_WAIT_MS;
    struct reply reply = { 0 };
    bool known;

    while (!(known = appliance_request(a, &rq, &reply) && reply.status == 200) && clock_monotonic_ms() < deadline)
        usleep(20 * 1000);
    if (!known)
        printf("\nvaultd does not know vault %s: %ld %s\n", name, reply.status, bytes_text(&reply.body));
    reply_clear(&reply);
    free(url);
    free(vault);
    return known;
}

bool appliance_make_vault(struct appliance *a, const char *name)
{
    char *path = appliance_vault_path(a, name), *url = text_of("%s%s?" TEST_VAULT_API, a->management_url, path);
    char *json =
        text_of("{\"location\":\"local\",\"properties\":{\"tenantId\":\"%s\",\"sku\":{\"family\":\"A\","
                "\"name\":\"premium\"},\"enableRbacAuthorization\":false,\"accessPolicies\":[{\"tenantId\":"
                "\"%s\",\"objectId\":\"%s\",\"permissions\":{\"keys\":[\"all\",\"purge\"],\"secrets\":[\"all\","
                "\"purge\"],\"certificates\":[\"all\",\"purge\"]}}]}}",
                a->tenant, a->tenant, a->object_id);
    struct request rq = { .method = "PUT", .url = url, .json = json };
    struct reply reply = { 0 };
    bool ok;

    rq.token = appliance_token(a, a->management_url);
    ok = appliance_request(a, &rq, &reply) && (reply.status == 200 || reply.status == 201);
    if (!ok)
        printf("\nvault %s cannot be made: %ld %s %s\n", name, reply.status, reply.error, bytes_text(&reply.body));
    reply_clear(&reply);
    free(json);
    free(url);
    free(path);
    return ok && await_vault(a, name);
}
