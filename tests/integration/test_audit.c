/* The audit trails of both daemons after real requests: complete, and not to be changed unseen (THREATS C15). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/appliance.h"
#include "tests/integration/signature.h"
#include "tests/unit/harness.h"

static struct appliance *a;
static struct reply reply;
static char *vault;

static int set_up(void)
{
    return appliance_with_vault("demo", &a, &vault) ? 0 : 1;
}

static int tear_down(void)
{
    free(vault);
    reply_clear(&reply);
    return appliance_free(a) ? 0 : 1;
}

static char *directory_of(enum appliance_daemon which)
{
    return text_of("%s/%s/audit", a->home, appliance_daemon_name(which));
}

/* All segments of a trail, one after the other. */
static void read_trail(enum appliance_daemon which, struct bytes *out)
{
    char *directory = directory_of(which);
    DIR *d = opendir(directory);
    struct dirent *entry;

    bytes_reset(out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    while ((entry = readdir(d)) != NULL) {
        char *path = text_of("%s/%s", directory, entry->d_name);
        struct bytes text = { 0 };
        struct stat st;

        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            read_file(path, &text);
            bytes_append_span(out, bytes_span(&text));
        }
        bytes_clear(&text);
        free(path);
    }
    closedir(d);
    free(directory);
}

/* `strongroom audit verify` with the public key that quickstart put aside: works beside a running daemon. */
static int verify(enum appliance_daemon which, struct bytes *output)
{
    char *directory = directory_of(which), *key = text_of("%s/%s/audit.pem", a->home, appliance_daemon_name(which));
    const char *words[] = { "audit", "verify", "--directory", directory, "--key", key, NULL };
    int code = appliance_cli(a, which, words, output);

    free(directory);
    free(key);
    return code;
}

static void work(void)
{
    uint8_t digest[32];
    char *create = text_of("%s/keys/audited/create?" TEST_DATA_API, vault), *sign, *json, *value;
    struct request rq = { .url = create, .json = "{\"kty\":\"EC\",\"crv\":\"P-256\"}" };

    rq.token = appliance_token(a, a->data_url);
    CU_ASSERT(appliance_request(a, &rq, &reply) && reply.status == 200);
    value = sha256_base64url("audited", digest);
    json = text_of("{\"alg\":\"ES256\",\"value\":\"%s\"}", value);
    sign = text_of("%s/keys/audited/sign?" TEST_DATA_API, vault);
    rq.url = sign;
    rq.json = json;
    CU_ASSERT(appliance_request(a, &rq, &reply) && reply.status == 200);
    rq.token = NULL;
    CU_ASSERT(appliance_request(a, &rq, &reply) && reply.status == 401);
    free(create);
    free(sign);
    free(json);
    free(value);
}

static void every_request_is_in_it(void)
{
    struct bytes trail = { 0 };

    work();
    read_trail(VAULTD, &trail);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&trail), "\"KeyCreate\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&trail), "\"KeySign\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&trail), a->object_id));
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&trail), "401"));
    read_trail(MANAGEMENTD, &trail);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&trail), "\"VaultPut\""));
    bytes_clear(&trail);
}

static void nothing_secret_is_in_it(void)
{
    const char *token = appliance_token(a, a->data_url);
    uint8_t digest[32];
    char *value = sha256_base64url("audited", digest);
    struct bytes trail = { 0 };

    for (int which = 0; which < DAEMON_COUNT; which++) {
        read_trail((enum appliance_daemon)which, &trail);
        CU_ASSERT_PTR_NULL(strstr(bytes_text(&trail), a->client_secret));
        CU_ASSERT_PTR_NULL(strstr(bytes_text(&trail), strrchr(token, '.')));
        CU_ASSERT_PTR_NULL(strstr(bytes_text(&trail), value)); /* no bytes of the payload */
    }
    bytes_clear(&trail);
    free(value);
}

static void complete_while_running(void)
{
    struct bytes output = { 0 };

    work();
    CU_ASSERT_EQUAL(verify(VAULTD, &output), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "complete and unaltered"));
    CU_ASSERT_EQUAL(verify(MANAGEMENTD, &output), 0);
    bytes_clear(&output);
}

static void complete_after_a_crash(void)
{
    struct bytes output = { 0 };

    work();
    appliance_kill_daemon(a, VAULTD);
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    work();
    CU_ASSERT_EQUAL(verify(VAULTD, &output), 0);
    bytes_clear(&output);
}

static void complete_after_the_end(void)
{
    const char *words[] = { "audit", "verify", NULL };
    struct bytes output = { 0 };

    CU_ASSERT(appliance_stop_daemon(a, VAULTD));
    CU_ASSERT_EQUAL(appliance_cli(a, VAULTD, words, &output), 0); /* now with the key from the token */
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "complete and unaltered"));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&output), "still open"));
    /* A running daemon keeps a token of SoftHSM for itself; the keystore serves both. */
    CU_ASSERT_EQUAL(appliance_cli(a, MANAGEMENTD, words, NULL), a->on_softhsm ? 1 : 0);
    bytes_clear(&output);
}

/* The segment with a record of KeySign, and where in it that stands. */
static char *signing_segment(off_t *at)
{
    char *directory = directory_of(VAULTD), *found = NULL;
    DIR *d = opendir(directory);
    struct dirent *entry;

    while (d != NULL && found == NULL && (entry = readdir(d)) != NULL) {
        char *path = text_of("%s/%s", directory, entry->d_name);
        struct bytes text = { 0 };
        struct stat st;
        const char *hit;

        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            read_file(path, &text);
            if ((hit = strstr(bytes_text(&text), "\"KeySign\"")) != NULL) {
                *at = hit - bytes_text(&text);
                found = text_of("%s", path);
            }
        }
        bytes_clear(&text);
        free(path);
    }
    closedir(d);
    free(directory);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

static void an_edit_is_seen(void)
{
    off_t at = 0;
    char *path = signing_segment(&at);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct bytes output = { 0 };

    CU_ASSERT_EQUAL(pwrite(fd, "\"KeyList\"", 9, at), 9);
    CU_ASSERT_EQUAL(verify(VAULTD, &output), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "NOT as it was written"));
    CU_ASSERT_EQUAL(pwrite(fd, "\"KeySign\"", 9, at), 9);
    CU_ASSERT_EQUAL(verify(VAULTD, &output), 0);
    close(fd);
    bytes_clear(&output);
    free(path);
}

static void a_cut_is_seen_and_stops_the_daemon(void)
{
    off_t at = 0;
    char *path = signing_segment(&at), *config = text_of("%s/vaultd/vaultd.conf", a->home);
    const char *words[] = { "vaultd", "--config", config, NULL };
    struct bytes text = { 0 }, output = { 0 };
    int fd = open(path, O_RDWR | O_CLOEXEC);
    const char *end;

    read_file(path, &text);
    end = strchr(bytes_text(&text) + at, '\n');
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    CU_ASSERT_EQUAL(ftruncate(fd, end + 1 - bytes_text(&text)), 0);
    CU_ASSERT_EQUAL(verify(VAULTD, NULL), 1);
    CU_ASSERT_EQUAL(appliance_run(a, words, &output), 1); /* it does not go on from a trail that is too short */
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&output), "audit"));
    CU_ASSERT_EQUAL(pwrite(fd, text.p, text.len, 0), (ssize_t)text.len);
    CU_ASSERT_EQUAL(verify(VAULTD, NULL), 0);
    CU_ASSERT(appliance_start_daemon(a, VAULTD));
    close(fd);
    bytes_clear(&text);
    bytes_clear(&output);
    free(config);
    free(path);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "every request is in the trail before its answer has come, refused ones too", every_request_is_in_it },
        { "no secret, token or payload is in it", nothing_secret_is_in_it },
        { "it verifies while the daemons run", complete_while_running },
        { "it verifies after a crash and a new start", complete_after_a_crash },
        { "it verifies after the end, with the key in the token; a running daemon keeps SoftHSM's for itself",
          complete_after_the_end },
        { "an edited record is seen", an_edit_is_seen },
        { "a trail that was cut is seen, and its daemon does not start on it", a_cut_is_seen_and_stops_the_daemon },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "audit", set_up, tear_down, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
