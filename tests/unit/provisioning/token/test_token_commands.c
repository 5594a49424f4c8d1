/* provisioning/token/token_setup.c, token_commands.c, tls_commands.c, audit key: on SoftHSM. A module is initialised
 * once a process, so each command line runs in a child. */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <p11-kit/pkcs11.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

static struct said said;
static const char *config;

static int set_up(void)
{
    config = session_config("site");
    return 0;
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void info_before(void)
{
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", config), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "token init"));
}

static void made(void)
{
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, "token strongroom-test: made"));
    CU_ASSERT(says(said.out, "strongroom-tls") && says(said.out, "strongroom-audit"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "strongroom-authority"));
    CU_ASSERT_EQUAL(mode_of(session_path("site", "pin")), 0400);
    CU_ASSERT_EQUAL(mode_of(session_path("site", "so-pin")), 0400);
    CU_ASSERT_EQUAL(mode_of(session_path("site", "tokens")), 0700);
    CU_ASSERT_EQUAL(mode_of(session_path("site", "softhsm2.conf")), 0600);
}

static void pins_are_random_and_different(void)
{
    struct bytes pin = { 0 }, so_pin = { 0 };

    read_file(session_path("site", "pin"), &pin);
    read_file(session_path("site", "so-pin"), &so_pin);
    CU_ASSERT_EQUAL(pin.len, 32);
    CU_ASSERT_EQUAL(so_pin.len, 32);
    CU_ASSERT_FALSE(span_equal(bytes_span(&pin), bytes_span(&so_pin)));
    CU_ASSERT_PTR_NULL(strstr(said.out, bytes_text(&pin)));
    bytes_clear(&pin);
    bytes_clear(&so_pin);
}

static void again_changes_nothing(void)
{
    char before[4096];

    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", config), EXIT_DONE);
    snprintf(before, sizeof before, "%s", said.out);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, "token strongroom-test: was there"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "made"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", config), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(said.out, before);
}

static void missing_is_added(void)
{
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", config, "--authority", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"label\":\"strongroom-authority\"") && says(said.out, "\"made\":true"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", config, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"label\":\"strongroom-authority\"") && says(said.out, "\"serial\":\""));
}

static void request(void)
{
    const char *file = session_path("site", "tls.csr");
    struct bytes pem = { 0 };
    X509_REQ *parsed;
    BIO *memory;

    CU_ASSERT_EQUAL(RUN_APART(&said, "tls", "request", "--config", config, "--name", "vault.localhost", "--name",
                              "*.vault.localhost", "--out", file),
                    EXIT_DONE);
    read_file(file, &pem);
    memory = BIO_new_mem_buf(pem.p, (int)pem.len);
    parsed = PEM_read_bio_X509_REQ(memory, NULL, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(parsed);
    CU_ASSERT_EQUAL(X509_REQ_verify(parsed, X509_REQ_get0_pubkey(parsed)), 1);
    X509_REQ_free(parsed);
    BIO_free(memory);
    bytes_clear(&pem);
    CU_ASSERT_EQUAL(RUN_APART(&said, "tls", "request", "--config", config, "--name", "a.b", "--out", file),
                    EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN_APART(&said, "tls", "request", "--config", config, "--name", "a.b"), EXIT_DONE);
    CU_ASSERT(says(said.out, "-----BEGIN CERTIFICATE REQUEST-----"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "tls", "request", "--config", config, "--name", "a b"), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN_APART(&said, "tls", "request", "--config", config), EXIT_USAGE);
}

static void audit_key(void)
{
    CU_ASSERT_EQUAL(RUN_APART(&said, "audit", "key", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, "-----BEGIN PUBLIC KEY-----"));
    CU_ASSERT_PTR_NULL(strstr(said.out, "PRIVATE"));
}

static void one_owner(void)
{
    int fd = open(session_path("site", "tokens"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    CU_ASSERT_EQUAL_FATAL(flock(fd, LOCK_EX | LOCK_NB), 0);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", config), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "in use by another process"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", config), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "stop the daemon"));
    close(fd);
}

/* As after a crash between writing the PINs and making the token. */
static void interrupted_run_goes_on(void)
{
    const char *other = session_config("other");
    char path[512];
    struct bytes pin = { 0 };

    snprintf(path, sizeof path, "%s", session_path("other", "so-pin"));
    CU_ASSERT_EQUAL(file_create(path, 0400, span_text("left-by-an-earlier-run")), ST_OK);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", other), EXIT_DONE);
    read_file(path, &pin);
    CU_ASSERT(span_is(bytes_span(&pin), "left-by-an-earlier-run"));
    bytes_clear(&pin);
}

/* A token that has its label and SO PIN, but no user PIN yet. */
static void half_a_token(const char *module_config, const char *so_pin)
{
    CK_UTF8CHAR label[32], pin[64];
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW);
    CK_RV (*get_list)(CK_FUNCTION_LIST **);
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
    CK_ULONG count = 1;

    setenv("SOFTHSM2_CONF", module_config, 1);
    memset(label, ' ', sizeof label);
    memcpy(label, "strongroom-test", 15);
    memcpy(pin, so_pin, strlen(so_pin));
    INVARIANT(library != NULL);
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    INVARIANT(get_list(&f) == CKR_OK && f->C_Initialize(&args) == CKR_OK);
    INVARIANT(f->C_GetSlotList(CK_TRUE, &slot, &count) == CKR_OK && count == 1);
    INVARIANT(f->C_InitToken(slot, pin, strlen(so_pin), label) == CKR_OK);
    f->C_Finalize(NULL);
}

static void interrupted_before_the_user_pin(void)
{
    const char *config_path = session_config("half"), *so_pin = "0123456789abcdef";
    char module_config[512], directory[512], path[512];
    struct bytes text = { 0 };
    int status;
    pid_t pid;

    snprintf(module_config, sizeof module_config, "%s", session_path("half", "softhsm2.conf"));
    snprintf(directory, sizeof directory, "%s", session_path("half", "tokens"));
    snprintf(path, sizeof path, "%s", session_path("half", "so-pin"));
    bytes_printf(&text, "directories.tokendir = %s\nobjectstore.backend = file\n", directory);
    CU_ASSERT_EQUAL(mkdir(directory, 0700), 0);
    CU_ASSERT_EQUAL(file_create(module_config, 0600, bytes_span(&text)), ST_OK);
    CU_ASSERT_EQUAL(file_create(path, 0400, span_text(so_pin)), ST_OK);
    bytes_clear(&text);
    if ((pid = fork()) == 0) {
        half_a_token(module_config, so_pin);
        _exit(0);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL_FATAL(status, 0);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", config_path), EXIT_DONE);
    CU_ASSERT(says(said.out, "strongroom-tls"));
}

static void public_pin_file_is_refused(void)
{
    const char *third = session_config("third");
    char path[512];

    snprintf(path, sizeof path, "%s", session_path("third", "pin"));
    CU_ASSERT_EQUAL(file_create(path, 0644, span_text("1234")), ST_OK);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", third), EXIT_REFUSED);
    CU_ASSERT(says(said.err, path));
}

static void so_pin_elsewhere(void)
{
    const char *fourth = session_config("fourth");
    char path[512];

    snprintf(path, sizeof path, "%s", session_path("fourth", "officer"));
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", fourth, "--so-pin-file", path), EXIT_DONE);
    CU_ASSERT_EQUAL(mode_of(path), 0400);
    CU_ASSERT_EQUAL(mode_of(session_path("fourth", "so-pin")), 0);
}

static void wrong_pin(void)
{
    char path[512];

    snprintf(path, sizeof path, "%s", session_path("fourth", "pin"));
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(file_create(path, 0400, span_text("not the PIN")), ST_OK);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "info", "--config", session_path("fourth", "config")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "PIN"));
    CU_ASSERT_PTR_NULL(strstr(said.err, "not the PIN"));
}

static void no_module(void)
{
    struct bytes text = { 0 };
    char path[512];

    session_config("fifth");
    read_file(session_path("fifth", "config"), &text);
    snprintf(path, sizeof path, "%s", session_path("fifth", "without-module"));
    memcpy(strstr((char *)text.p, "libsofthsm2.so"), "libnothing.so ", 14);
    CU_ASSERT_EQUAL(file_create(path, 0600, bytes_span(&text)), ST_OK);
    CU_ASSERT_EQUAL(RUN_APART(&said, "token", "init", "--config", path), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "libnothing.so"));
    bytes_clear(&text);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "without a token, info says what to do", info_before },
        { "init makes token, PIN files of mode 0400 and keys", made },
        { "the PINs are random, different and never shown", pins_are_random_and_different },
        { "init again changes nothing", again_changes_nothing },
        { "init --authority adds the one key that is missing", missing_is_added },
        { "tls request signs inside the token, writes a new file or standard output", request },
        { "audit key is a public key", audit_key },
        { "a token that another process owns is left alone", one_owner },
        { "an interrupted init goes on with the PINs it had", interrupted_run_goes_on },
        { "an init interrupted before the user PIN was set goes on there", interrupted_before_the_user_pin },
        { "a PIN file that others may read is refused", public_pin_file_is_refused },
        { "--so-pin-file", so_pin_elsewhere },
        { "a wrong PIN is said, not shown", wrong_pin },
        { "a module that is not there is named", no_module },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "token_commands", set_up, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code = run_suites(suites);

    said_clear(&said);
    return code;
}
