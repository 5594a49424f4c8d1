/* Opening, closing, the queue, and who may have the token. */
#include "pkcs11/token/token.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11/token/module.h"
#include "tests/unit/pkcs11/token/fixture.h"

static const uint8_t digest[32] = { 5 };

static void token_directory_of_a_configuration(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "directories.tokendir = /a/b\n", "/a/b" },
        { "# c\n log.level=INFO\n\tdirectories.tokendir=/x y \r\nz", "/x y" },
        { "directories.tokendir = /last line", "/last line" },
        { "#directories.tokendir = /a\n", "" },
        { "directories.tokendirs = /a\n", "" },
        { "directories.tokendir\n=/a", "" },
        { "\n\n=\n", "" },
        { "", "" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        CU_ASSERT_TRUE(span_is(module_token_directory(span_text(cases[i].text)), cases[i].want));
}

/* Both before the module is loaded: SoftHSM lists its tokens once. */
static int start(void)
{
    (void)fixture_config();
    fixture_init_token("second");
    fixture_init_token("third");
    fixture_init_token("fourth");
    return unsetenv("SOFTHSM2_CONF");
}

static enum status open_with(struct token_config config)
{
    struct token *t = NULL;
    enum status st = token_open(&config, &t);

    if (st != ST_OK)
        CU_ASSERT_PTR_NULL(t);
    token_close(t);
    return st;
}

static void what_is_not_there(void)
{
    struct token_config config = fixture_config(), wrong;

    wrong = config;
    wrong.module = "/nonexistent/module.so";
    CU_ASSERT_EQUAL(open_with(wrong), ST_NOT_FOUND);
    wrong = config;
    wrong.module_config = "/nonexistent/softhsm2.conf";
    CU_ASSERT_EQUAL(open_with(wrong), ST_NOT_FOUND);
    wrong = config;
    wrong.module = "libz.so.1"; /* a library, but no module */
    CU_ASSERT_EQUAL(open_with(wrong), ST_NOT_FOUND);
    wrong = config;
    wrong.label = "another";
    CU_ASSERT_EQUAL(open_with(wrong), ST_NOT_FOUND);
    wrong.label = FIXTURE_LABEL "x";
    CU_ASSERT_EQUAL(open_with(wrong), ST_NOT_FOUND);
    wrong.label = "strongroom-tes";
    CU_ASSERT_EQUAL(open_with(wrong), ST_NOT_FOUND);
    CU_ASSERT_EQUAL(open_with(config), ST_OK);
}

static void pin_files(void)
{
    struct token_config config = fixture_config();
    char path[256];

    snprintf(path, sizeof path, "%s", fixture_path("other-pin"));
    config.pin_file = path;
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED); /* absent */
    fixture_write(path, FIXTURE_PIN, 0640);
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED);
    fixture_write(path, FIXTURE_PIN, 0604);
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED);
    fixture_write(path, "1111", 0600);
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED);
    fixture_write(path, "", 0600);
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED);
    fixture_write(path, FIXTURE_PIN, 0600);
    CU_ASSERT_EQUAL(open_with(config), ST_OK);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(symlink(fixture_config().pin_file, path), 0);
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(open_with(config), ST_NOT_PERMITTED);
}

static void one_owner(void)
{
    struct token_config config = fixture_config(), other = config;
    struct token *t = NULL, *second = NULL;
    int code;
    pid_t pid;

    CU_ASSERT_EQUAL(token_open(&config, &t), ST_OK);
    CU_ASSERT_EQUAL(token_open(&config, &second), ST_BUSY);
    other.module_config = "/etc/softhsm/softhsm2.conf";
    CU_ASSERT_EQUAL(token_open(&other, &second), ST_UNSUPPORTED);
    token_close(t);
    CU_ASSERT_EQUAL(token_open(&config, &t), ST_OK); /* this process may have it again */
    /* Another process may not, while this one lives. It starts afresh: the module does not survive fork. */
    if ((pid = fork()) == 0) {
        execl("/proc/self/exe", "second process", config.module, config.module_config, config.pin_file, (char *)NULL);
        _exit(99);
    }
    CU_ASSERT_TRUE(waitpid(pid, &code, 0) == pid && WIFEXITED(code));
    CU_ASSERT_EQUAL(WEXITSTATUS(code), ST_BUSY);
    token_close(t);
    token_close(NULL);
}

static int second_process(char **args)
{
    struct token_config config = {
        .module = args[1], .module_config = args[2], .pin_file = args[3], .label = FIXTURE_LABEL
    };
    struct token *t = NULL;

    return (int)token_open(&config, &t);
}

static void not_provisioned(void)
{
    struct token_job generate = { .op = TOKEN_GENERATE, .spec = ec_spec(KEY_CURVE_P256), .uses = KEY_USE_SIGN },
                     sign = { 0 };
    struct token_config config = fixture_config();
    struct token *t = NULL;
    struct test_key k;

    config.label = "second";
    CU_ASSERT_EQUAL_FATAL(token_open(&config, &t), ST_OK);
    CU_ASSERT_EQUAL(token_run(t, &generate), ST_UNSUPPORTED);
    CU_ASSERT_EQUAL(token_provision_sealing(t), ST_OK);
    test_key_make(&k, t, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "k");
    CU_ASSERT_EQUAL(token_provision_sealing(t), ST_OK); /* makes nothing new: */
    CU_ASSERT_EQUAL(run_on(t, &sign, TOKEN_SIGN, TOKEN_ES256, &k, span_of(digest, 32)), ST_OK);
    token_close(t);
    CU_ASSERT_EQUAL_FATAL(token_open(&config, &t), ST_OK);
    CU_ASSERT_EQUAL(run_on(t, &sign, TOKEN_SIGN, TOKEN_ES256, &k, span_of(digest, 32)), ST_OK);
    token_close(t);
    /* Another token, another domain. */
    config.label = FIXTURE_LABEL;
    t = fixture_open(&config);
    CU_ASSERT_EQUAL(run_on(t, &sign, TOKEN_SIGN, TOKEN_ES256, &k, span_of(digest, 32)), ST_CORRUPT);
    token_close(t);
    token_job_clear(&sign);
    test_key_clear(&k);
}

/* Put a secret key under `label` on the token of `t`, which is logged in: generated there, or of a value we know. */
static void plant(const struct token_config *config, const char *label, CK_KEY_TYPE type, CK_BBOOL modifiable,
                  CK_BBOOL known)
{
    static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BYTE id[16], value[32] = { 7 };
    CK_ULONG len = sizeof value;
    CK_ATTRIBUTE template[] = {
        { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
        { CKA_ID, id, sizeof id },
        { CKA_TOKEN, &yes, 1 },
        { CKA_PRIVATE, &yes, 1 },
        { CKA_SENSITIVE, &yes, 1 },
        { CKA_EXTRACTABLE, &no, 1 },
        { CKA_WRAP, type == CKK_AES ? &yes : &no, 1 },
        { CKA_UNWRAP, type == CKK_AES ? &yes : &no, 1 },
        { CKA_ENCRYPT, &no, 1 },
        { CKA_DECRYPT, &no, 1 },
        { CKA_SIGN, type == CKK_AES ? &no : &yes, 1 },
        { CKA_MODIFIABLE, &modifiable, 1 },
        { CKA_COPYABLE, &no, 1 },
        { CKA_VALUE_LEN, &len, sizeof len }, /* to generate; else the next three */
        { CKA_CLASS, &class, sizeof class },
        { CKA_KEY_TYPE, &type, sizeof type },
    };
    CK_MECHANISM mechanism = { .mechanism = type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN };
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object;
    struct module *m;
    CK_SLOT_ID slot;

    memset(id, 0xff, sizeof id); /* newer than any */
    CU_ASSERT_EQUAL_FATAL(module_load(config->module, config->module_config, &m), ST_OK);
    CU_ASSERT_EQUAL_FATAL(module_find_slot(m, config->label, &slot), ST_OK);
    f = module_functions(m);
    CU_ASSERT_EQUAL_FATAL(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
    if (known) {
        template[13] = (CK_ATTRIBUTE){ CKA_VALUE, value, sizeof value };
        CU_ASSERT_EQUAL_FATAL(f->C_CreateObject(session, template, ARRAY_LEN(template), &object), CKR_OK);
    } else {
        CU_ASSERT_EQUAL_FATAL(f->C_GenerateKey(session, &mechanism, template, 14, &object), CKR_OK);
    }
    CU_ASSERT_EQUAL(f->C_CloseSession(session), CKR_OK);
}

static void planted_keys(void)
{
    struct token_job job = { .op = TOKEN_GENERATE, .spec = ec_spec(KEY_CURVE_P256), .uses = KEY_USE_SIGN };
    struct token_config config = fixture_config();
    struct token *t = NULL;

    config.label = "third";
    CU_ASSERT_EQUAL_FATAL(token_open(&config, &t), ST_OK);
    plant(&config, TOKEN_LABEL_DOMAIN, CKK_AES, CK_TRUE, CK_FALSE);
    plant(&config, TOKEN_LABEL_DOMAIN, CKK_AES, CK_FALSE, CK_TRUE);
    CU_ASSERT_EQUAL(token_provision_sealing(t), ST_OK); /* makes its own beside them */
    CU_ASSERT_EQUAL(token_run(t, &job), ST_OK);
    CU_ASSERT_TRUE(job.sealed.len > 17 && job.sealed.p[1] != 0xff && job.sealed.p[16] + job.sealed.p[15] != 2 * 0xff);
    token_close(t);
    /* Of two binding keys, one is not ours: nothing is sealed or opened until somebody has looked. */
    CU_ASSERT_EQUAL_FATAL(token_open(&config, &t), ST_OK);
    plant(&config, TOKEN_LABEL_BINDING, CKK_GENERIC_SECRET, CK_FALSE, CK_TRUE);
    token_close(t);
    CU_ASSERT_EQUAL(token_open(&config, &t), ST_INTERNAL);
    token_job_clear(&job);
}

static void a_planted_binding_key(void)
{
    struct token_job job = { .op = TOKEN_GENERATE, .spec = ec_spec(KEY_CURVE_P256), .uses = KEY_USE_SIGN };
    struct token_config config = fixture_config();
    struct token *t = NULL;

    config.label = "fourth";
    CU_ASSERT_EQUAL_FATAL(token_open(&config, &t), ST_OK);
    plant(&config, TOKEN_LABEL_BINDING, CKK_GENERIC_SECRET, CK_FALSE, CK_TRUE);
    CU_ASSERT_EQUAL(token_provision_sealing(t), ST_INTERNAL);
    CU_ASSERT_EQUAL(token_run(t, &job), ST_UNSUPPORTED);
    token_close(t);
}

/* A gate that the workers run into, so that the queue fills. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint completed, waiting;

static void done_at_gate(struct token_job *job)
{
    (void)job;
    atomic_fetch_add(&waiting, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_fetch_add(&completed, 1);
}

static void a_full_queue(void)
{
    static struct token_job jobs[40];
    struct token_config config = fixture_config();
    unsigned taken = 0, refused = 0;
    struct token *t;

    config.queue_limit = 8;
    config.workers = 2;
    t = fixture_open(&config);
    pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < 2; i++) {
        jobs[i] = (struct token_job){ .op = TOKEN_RANDOM, .length = 8, .done = done_at_gate };
        CU_ASSERT_EQUAL(token_submit(t, &jobs[i]), ST_OK);
    }
    while (atomic_load(&waiting) < 2)
        sched_yield();
    for (unsigned i = 2; i < 40; i++) {
        jobs[i] = (struct token_job){ .op = TOKEN_RANDOM, .length = 8, .done = done_at_gate };
        switch (token_submit(t, &jobs[i])) {
        case ST_OK:
            taken++;
            break;
        case ST_BUSY:
            refused++;
            break;
        default:
            CU_FAIL("neither taken nor busy");
        }
    }
    CU_ASSERT_EQUAL(taken, 8);
    CU_ASSERT_EQUAL(refused, 30);
    pthread_mutex_unlock(&gate);
    token_close(t); /* waits for those that were taken */
    CU_ASSERT_EQUAL(atomic_load(&completed), 10);
    for (unsigned i = 0; i < 40; i++)
        token_job_clear(&jobs[i]);
}

static struct token *chain_token;
static atomic_uint chained;

static void submit_again(struct token_job *job)
{
    unsigned n = atomic_fetch_add(&chained, 1);

    CU_ASSERT_EQUAL(job->status, ST_OK);
    if (n >= 99) {
        token_job_clear(job);
        return;
    }
    CU_ASSERT_EQUAL(token_submit(chain_token, job), ST_OK);
}

static void done_may_submit(void)
{
    static struct token_job job = { .op = TOKEN_RANDOM, .length = 8, .done = submit_again };
    struct token_config config = fixture_config();

    chain_token = fixture_open(&config);
    CU_ASSERT_EQUAL(token_submit(chain_token, &job), ST_OK);
    while (atomic_load(&chained) < 100)
        sched_yield();
    token_close(chain_token);
}

static atomic_uint keygen_done_at, signs_done;

static void keygen_done(struct token_job *job)
{
    (void)job;
    atomic_store(&keygen_done_at, atomic_load(&signs_done) + 1);
}

/* Two RSA-3072 keys take most of a second; signatures do not wait for them. */
static void generation_runs_apart(void)
{
    static struct token_job generate[2];
    struct token_config config = fixture_config();
    struct token_job sign = { 0 };
    struct test_key k;
    struct token *t;

    config.workers = 1;
    t = fixture_open(&config);
    test_key_make(&k, t, ec_spec(KEY_CURVE_P256), KEY_USE_SIGN, "k");
    for (unsigned i = 0; i < 2; i++) {
        generate[i] = (struct token_job){
            .op = TOKEN_GENERATE, .spec = rsa_spec(3072), .uses = KEY_USE_SIGN, .done = keygen_done
        };
        CU_ASSERT_EQUAL(token_submit(t, &generate[i]), ST_OK);
    }
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(run_on(t, &sign, TOKEN_SIGN, TOKEN_ES256, &k, span_of(digest, 32)), ST_OK);
        atomic_fetch_add(&signs_done, 1);
    }
    token_close(t);
    CU_ASSERT_EQUAL(atomic_load(&keygen_done_at), 6); /* the last one was done after all five signatures */
    CU_ASSERT_EQUAL(generate[1].status, ST_OK);
    for (unsigned i = 0; i < 2; i++)
        token_job_clear(&generate[i]);
    token_job_clear(&sign);
    test_key_clear(&k);
}

int main(int argc, char **argv)
{
    CU_TestInfo cases[] = {
        { "the token directory that a configuration names", token_directory_of_a_configuration },
        { "modules, configurations and tokens that are not there", what_is_not_there },
        { "a PIN file that others may read, or with another PIN, is refused", pin_files },
        { "one owner: a second opener and a second process are refused", one_owner },
        { "a token without its sealing keys, and one with others", not_provisioned },
        { "a domain key that is not locked down, or came from outside, is not used", planted_keys },
        { "nor is such a binding key", a_planted_binding_key },
        { "a full queue refuses, and closing serves what was taken", a_full_queue },
        { "done may submit again", done_may_submit },
        { "key generation does not hold up signatures", generation_runs_apart },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "token", start, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return argc == 4 ? second_process(argv) : run_suites(suites);
}
