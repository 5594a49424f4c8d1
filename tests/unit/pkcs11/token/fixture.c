#include "tests/unit/pkcs11/token/fixture.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Memory that SoftHSM and libp11 keep until C_Finalize, which we never call. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libsofthsm2.so\nleak:libp11.so\n";
}

const char *fixture_path(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    return path;
}

/* In one step, as an operator should: a half-written PIN would cost a try. */
void fixture_write(const char *path, const char *text, unsigned mode)
{
    char fresh[300];
    int fd;

    snprintf(fresh, sizeof fresh, "%s.new", path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    INVARIANT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
    close(fd);
    INVARIANT(rename(fresh, path) == 0);
}

void fixture_init_token(const char *label)
{
    static const char *const args[] = { "softhsm2-util", "--init-token", "--free", "--label",   "",
                                        "--so-pin",      "40917263",     "--pin",  FIXTURE_PIN, NULL };
    const char *with_label[ARRAY_LEN(args)];
    posix_spawn_file_actions_t quiet;
    int code = 0;
    pid_t pid;

    memcpy(with_label, args, sizeof args);
    with_label[4] = label;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    INVARIANT(setenv("SOFTHSM2_CONF", fixture_path("softhsm2.conf"), 1) == 0);
    INVARIANT(posix_spawnp(&pid, "softhsm2-util", &quiet, NULL, (char *const *)(uintptr_t)with_label, environ) == 0);
    INVARIANT(waitpid(pid, &code, 0) == pid && WIFEXITED(code) && WEXITSTATUS(code) == 0);
    posix_spawn_file_actions_destroy(&quiet);
}

bool fixture_is_softhsm(void)
{
    return getenv("TOKEN_MODULE") == NULL;
}

/* The token that on_keystore has put up. */
static struct token_config given_config(const char *module)
{
    return (struct token_config){
        .module = module,
        .label = getenv("TOKEN_LABEL"),
        .pin_file = getenv("TOKEN_PIN_FILE"),
        .module_config = getenv("STRONGROOM_PKCS11_CONF"),
        .workers = 2,
    };
}

struct token_config fixture_config(void)
{
    static char conf_path[256], pin_path[256];
    const char *module = getenv("STRONGROOM_SOFTHSM");

    if (getenv("TOKEN_MODULE") != NULL)
        return given_config(getenv("TOKEN_MODULE"));

    if (conf_path[0] == '\0') {
        char text[512];

        INVARIANT(mkdir(fixture_path("tokens"), 0700) == 0);
        snprintf(text, sizeof text,
                 "# a comment\ndirectories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
                 fixture_path("tokens"));
        snprintf(conf_path, sizeof conf_path, "%s", fixture_path("softhsm2.conf"));
        fixture_write(conf_path, text, 0600);
        snprintf(pin_path, sizeof pin_path, "%s", fixture_path("pin"));
        fixture_write(pin_path, FIXTURE_PIN "\n", 0600);
        fixture_init_token(FIXTURE_LABEL);
        INVARIANT(unsetenv("SOFTHSM2_CONF") == 0);
    }
    return (struct token_config){
        .module = module != NULL ? module : "/usr/lib/softhsm/libsofthsm2.so",
        .label = FIXTURE_LABEL,
        .pin_file = pin_path,
        .module_config = conf_path,
        .workers = 2,
    };
}

struct token *fixture_open(const struct token_config *config)
{
    struct token *t = NULL;

    INVARIANT(token_open(config, &t) == ST_OK);
    INVARIANT(token_provision_sealing(t) == ST_OK);
    return t;
}

struct key_spec rsa_spec(unsigned bits)
{
    return (struct key_spec){ KEY_TYPE_RSA, KEY_CURVE_NONE, bits };
}

struct key_spec ec_spec(enum key_curve curve)
{
    return (struct key_spec){ KEY_TYPE_EC, curve, key_curve_bits(curve) };
}

struct key_spec oct_spec(unsigned bits)
{
    return (struct key_spec){ KEY_TYPE_OCT, KEY_CURVE_NONE, bits };
}

void test_key_new_id(struct test_key *k)
{
    static atomic_uint next;
    unsigned id = atomic_fetch_add(&next, 1) + 1;

    memset(k->sealed.cache_id, 0, sizeof k->sealed.cache_id);
    memcpy(k->sealed.cache_id, &id, sizeof id);
}

void test_key_make(struct test_key *k, struct token *t, struct key_spec spec, unsigned uses, const char *context)
{
    struct token_job job = { .op = TOKEN_GENERATE, .spec = spec, .uses = uses, .context = span_text(context) };

    *k = (struct test_key){ 0 };
    if (token_run(t, &job) != ST_OK)
        CU_FAIL_FATAL("a key cannot be generated");
    bytes_move(&k->blob, &job.sealed);
    bytes_move(&k->public_der, &job.public_key);
    INVARIANT(bytes_set(&k->context, span_text(context)) == ST_OK);
    k->sealed = (struct sealed_key){ .spec = spec,
                                     .uses = uses,
                                     .blob = bytes_span(&k->blob),
                                     .context = bytes_span(&k->context),
                                     .public_der = bytes_span(&k->public_der) };
    test_key_new_id(k);
    token_job_clear(&job);
}

void test_key_clear(struct test_key *k)
{
    bytes_clear(&k->blob);
    bytes_clear(&k->public_der);
    bytes_clear(&k->context);
}

enum status run_on(struct token *t, struct token_job *job, enum token_op op, enum token_alg alg,
                   const struct test_key *k, struct span input)
{
    job->op = op;
    job->alg = alg;
    job->key = &k->sealed;
    job->input = input;
    return token_run(t, job);
}
