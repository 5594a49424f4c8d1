/* provisioning/appliance/application_commands.c, on a store of its own. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "provisioning/cli/private_file.h"
#include "service/identity/application.h"
#include "service/store/store.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

#define CLIENT "aaaaaaaa-0000-4000-8000-000000000001"
#define OBJECT "bbbbbbbb-0000-4000-8000-000000000001"
#define NOBODY "cccccccc-0000-4000-8000-000000000001"

static struct said said;
static const char *config;

static int set_up(void)
{
    config = session_config("site");
    return 0;
}

/* Does the secret of this file log the application in, at `now`? */
static bool logs_in(const char *client, const char *file, int64_t now)
{
    struct secret secret = { 0 };
    struct store *store = NULL;
    struct application app;
    struct guid id;
    bool ok;

    ok = guid_parse(&id, span_text(client)) == ST_OK && secret_read_file(&secret, file) == ST_OK &&
         store_open_sqlite(session_path("site", "management.db"), STORE_READ_WRITE, &store) == ST_OK &&
         application_check_secret(store, &id, secret_span(&secret), now, &app) == ST_OK;
    store_close(store);
    secret_clear(&secret);
    return ok;
}

static bool file_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void created_with_secret(void)
{
    const char *file = session_path("site", "secret");
    struct stat st;

    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", "Demo", "--client-id", CLIENT,
                        "--object-id", OBJECT, "--secret-file", file),
                    EXIT_DONE);
    CU_ASSERT(says(said.out, CLIENT) && says(said.out, OBJECT) && says(said.out, "Demo"));
    CU_ASSERT(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
    CU_ASSERT(logs_in(CLIENT, file, clock_unix_s()));
}

static void secret_is_not_shown(void)
{
    struct bytes secret = { 0 };

    read_file(session_path("site", "secret"), &secret);
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", config), EXIT_DONE);
    CU_ASSERT_PTR_NULL(strstr(said.out, bytes_text(&secret)));
    bytes_clear(&secret);
}

static void random_ids_and_json(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", "Other", "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"clientId\":\"") && says(said.out, "\"objectId\":\"") &&
              says(said.out, "\"displayName\":\"Other\""));
    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", "E\x1b[2Jvil"), EXIT_DONE);
}

static void listed(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, CLIENT) && says(said.out, "enabled") && says(said.out, "Other"));
    CU_ASSERT(says(said.out, "E\\x1b[2Jvil")); /* which does nothing to a terminal */
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", config, "--json"), EXIT_DONE);
    CU_ASSERT(said.out[0] == '[' && says(said.out, "\"enabled\":true"));
}

static void taken_id(void)
{
    const char *file = session_path("site", "second");

    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", "Twin", "--client-id", CLIENT,
                        "--secret-file", file),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "taken"));
    CU_ASSERT_FALSE(file_is_there(file));
}

static void secret_file_in_the_way(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", "Late", "--secret-file",
                        session_path("site", "secret")),
                    EXIT_REFUSED);
    CU_ASSERT(says(said.err, "exists already"));
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", config), EXIT_DONE);
    CU_ASSERT_PTR_NULL(strstr(said.out, "Late"));
}

static void further_secret(void)
{
    const char *file = session_path("site", "further");

    CU_ASSERT_EQUAL(RUN(&said, "application", "add-secret", "--config", config, "--client-id", CLIENT, "--secret-file",
                        file, "--days", "2"),
                    EXIT_DONE);
    CU_ASSERT(logs_in(CLIENT, file, clock_unix_s()));
    CU_ASSERT(logs_in(CLIENT, session_path("site", "secret"), clock_unix_s()));
    CU_ASSERT_FALSE(logs_in(CLIENT, file, clock_unix_s() + 3 * 86400));
}

static void secret_needs_a_place(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "add-secret", "--config", config, "--client-id", CLIENT), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "application", "add-secret", "--config", config, "--client-id", CLIENT, "--secret-file",
                        session_path("site", "f"), "--print-secret"),
                    EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "application", "add-secret", "--config", config, "--client-id", CLIENT, "--secret-file",
                        session_path("site", "no/such/f")),
                    EXIT_REFUSED);
}

static void bad_days(void)
{
    static const char *const bad[] = { "0", "-1", "3651", "", "1x", "99999999999999999999" };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_EQUAL(RUN(&said, "application", "add-secret", "--config", config, "--client-id", CLIENT,
                            "--secret-file", session_path("site", "days"), "--days", bad[i]),
                        EXIT_USAGE);
    CU_ASSERT_FALSE(file_is_there(session_path("site", "days")));
}

/* --print-secret with `out` as standard output. */
static int print_to(FILE *out)
{
    const char *words[] = { "application", "add-secret", "--config",       config,
                            "--client-id", CLIENT,       "--print-secret", NULL };
    FILE *err = fopen("/dev/null", "we");
    int code = session_run_to(strongroom_nouns, strongroom_noun_count, words, out, err);

    fclose(err);
    return code;
}

static void printed_into_a_pipe_only(void)
{
    const char *path = session_path("site", "redirected");
    FILE *file = fopen(path, "we"), *pipe_in;
    char line[128] = "", copy[160];
    int ends[2];
    ssize_t n;

    CU_ASSERT_EQUAL(print_to(file), EXIT_USAGE);
    fclose(file);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    pipe_in = fdopen(ends[1], "w");
    CU_ASSERT_EQUAL(print_to(pipe_in), EXIT_DONE);
    fclose(pipe_in);
    n = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    CU_ASSERT_FATAL(n > 40);
    line[n] = '\0';
    CU_ASSERT_EQUAL(line[n - 1], '\n');
    snprintf(copy, sizeof copy, "%s", session_path("site", "printed"));
    CU_ASSERT_EQUAL(file_create(copy, 0600, span_text(line)), ST_OK);
    CU_ASSERT(logs_in(CLIENT, copy, clock_unix_s()));
}

static void disabled_and_enabled(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "disable", "--config", config, "--client-id", CLIENT), EXIT_DONE);
    CU_ASSERT_FALSE(logs_in(CLIENT, session_path("site", "secret"), clock_unix_s()));
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", config), EXIT_DONE);
    CU_ASSERT(says(said.out, "disabled"));
    CU_ASSERT_EQUAL(RUN(&said, "application", "enable", "--config", config, "--client-id", CLIENT), EXIT_DONE);
    CU_ASSERT(logs_in(CLIENT, session_path("site", "secret"), clock_unix_s()));
}

static void write_certificate(const char *path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    FILE *f = fopen(path, "we");

    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"app", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    CU_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
    CU_ASSERT_EQUAL(PEM_write_X509(f, certificate), 1);
    fclose(f);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void certificate_added(void)
{
    const char *good = session_path("site", "app.pem"), *bad = session_path("site", "bad.pem");

    write_certificate(good);
    CU_ASSERT_EQUAL(file_create(bad, 0600, span_text("no certificate")), ST_OK);
    CU_ASSERT_EQUAL(
        RUN(&said, "application", "add-certificate", "--config", config, "--client-id", CLIENT, "--certificate", good),
        EXIT_DONE);
    CU_ASSERT_EQUAL(
        RUN(&said, "application", "add-certificate", "--config", config, "--client-id", CLIENT, "--certificate", bad),
        EXIT_REFUSED);
    CU_ASSERT(says(said.err, "bad.pem"));
    CU_ASSERT_EQUAL(RUN(&said, "application", "add-certificate", "--config", config, "--client-id", CLIENT,
                        "--certificate", session_path("site", "none.pem")),
                    EXIT_REFUSED);
}

static void nobody(void)
{
    static const char *const verbs[] = { "delete", "enable", "disable", "remove-credentials" };

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        CU_ASSERT_EQUAL(RUN(&said, "application", verbs[i], "--config", config, "--client-id", NOBODY), EXIT_REFUSED);
        CU_ASSERT(says(said.err, NOBODY));
        CU_ASSERT_EQUAL(RUN(&said, "application", verbs[i], "--config", config, "--client-id", "me"), EXIT_USAGE);
    }
    CU_ASSERT_EQUAL(RUN(&said, "application", "add-secret", "--config", config, "--client-id", NOBODY, "--secret-file",
                        session_path("site", "nobody")),
                    EXIT_REFUSED);
    CU_ASSERT_FALSE(file_is_there(session_path("site", "nobody")));
}

static void credentials_removed(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "remove-credentials", "--config", config, "--client-id", CLIENT),
                    EXIT_DONE);
    CU_ASSERT_FALSE(logs_in(CLIENT, session_path("site", "secret"), clock_unix_s()));
}

static void deleted(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "delete", "--config", config, "--client-id", CLIENT), EXIT_DONE);
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", config), EXIT_DONE);
    CU_ASSERT_PTR_NULL(strstr(said.out, CLIENT));
}

static void bad_names(void)
{
    char long_name[200];

    memset(long_name, 'n', sizeof long_name);
    long_name[121] = '\0';
    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", long_name), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", ""), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "application", "create", "--config", config, "--name", "x", "--object-id", "me"),
                    EXIT_USAGE);
}

static void no_configuration(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "application", "list", "--config", session_path("site", "nowhere")), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "nowhere"));
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "create makes an application whose secret, in a 0600 file, logs in", created_with_secret },
        { "the secret is shown nowhere else", secret_is_not_shown },
        { "ids are random unless given; --json", random_ids_and_json },
        { "list shows them, as text and as JSON", listed },
        { "a taken client id is refused and no secret file is left", taken_id },
        { "a secret file that is there is not replaced, and no application is made", secret_file_in_the_way },
        { "add-secret: a second secret beside the first, with an end", further_secret },
        { "a secret needs exactly one place to go", secret_needs_a_place },
        { "--days outside 1..3650 is refused before anything is made", bad_days },
        { "--print-secret writes into a pipe, but not into a file", printed_into_a_pipe_only },
        { "a disabled application does not log in, an enabled one does", disabled_and_enabled },
        { "add-certificate takes a certificate and nothing else", certificate_added },
        { "every verb refuses an application that is not there", nobody },
        { "remove-credentials ends all secrets", credentials_removed },
        { "delete", deleted },
        { "names and ids outside their limits are refused", bad_names },
        { "a configuration that is not there is named", no_configuration },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "application_commands", set_up, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code = run_suites(suites);

    said_clear(&said);
    return code;
}
