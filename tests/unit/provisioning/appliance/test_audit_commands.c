/* provisioning/appliance/audit_commands.c: `audit verify` on trails written here. */
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "service/audit/audit.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

static struct said said;
static char trail[256], key_file[256];

static void ignore(struct audit_entry *e)
{
    bytes_clear(&e->record);
    free(e);
}

static int set_up(void)
{
    struct audit_config config = { .directory = trail, .source = "test", .signing_key = EVP_EC_gen("P-256") };
    struct audit *a;
    FILE *f;

    snprintf(trail, sizeof trail, "%s/trail", scratch_directory());
    snprintf(key_file, sizeof key_file, "%s/key.pem", scratch_directory());
    if (mkdir(trail, 0700) != 0 || audit_open(&config, &a) != ST_OK || (f = fopen(key_file, "we")) == NULL)
        return 1;
    for (unsigned n = 0; n < 5; n++) {
        struct audit_entry *e = calloc(1, sizeof *e);

        bytes_printf(&e->record, "\"operationName\":\"KeySign\",\"n\":%u", n);
        e->done = ignore;
        if (audit_submit(a, e) != ST_OK)
            return 1;
    }
    audit_close(a);
    PEM_write_PUBKEY(f, config.signing_key);
    fclose(f);
    EVP_PKEY_free(config.signing_key);
    return 0;
}

/* The one segment of the trail: the file that holds our records. */
static const char *segment(void)
{
    static char path[600];
    DIR *d = opendir(trail);
    struct dirent *entry;
    struct bytes text = { 0 };

    path[0] = '\0';
    while (d != NULL && path[0] == '\0' && (entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", trail, entry->d_name);
        if (file_read(path, 1 << 20, &text) != ST_OK || strstr(bytes_text(&text), "KeySign") == NULL)
            path[0] = '\0';
    }
    closedir(d);
    bytes_clear(&text);
    return path;
}

static void complete(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file), EXIT_DONE);
    CU_ASSERT(says(said.out, "complete and unaltered") && says(said.out, "records 5"));
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file, "--json"), EXIT_DONE);
    CU_ASSERT(says(said.out, "\"good\":true") && says(said.out, "\"records\":5") && says(said.out, "\"closed\":true"));
}

static void another_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char other[512];
    FILE *f;

    snprintf(other, sizeof other, "%s/other.pem", scratch_directory());
    f = fopen(other, "we");
    PEM_write_PUBKEY(f, key);
    fclose(f);
    EVP_PKEY_free(key);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", other), EXIT_REFUSED);
    CU_ASSERT(says(said.err, trail));
}

static void edited(void)
{
    const char *path = segment();
    struct bytes text = { 0 };
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char *at;

    CU_ASSERT_FATAL(fd >= 0);
    read_file(path, &text);
    at = strstr((char *)text.p, "\"n\":3");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(pwrite(fd, "4", 1, at + 4 - (char *)text.p), 1);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file), EXIT_REFUSED);
    CU_ASSERT(says(said.out, "NOT as it was written"));
    CU_ASSERT(strlen(said.err) > strlen(trail) + 30);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file, "--json"), EXIT_REFUSED);
    CU_ASSERT(says(said.out, "\"good\":false") && says(said.out, "\"problem\":\""));
    CU_ASSERT_EQUAL(pwrite(fd, "3", 1, at + 4 - (char *)text.p), 1);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file), EXIT_DONE);
    close(fd);
    bytes_clear(&text);
}

static void cut(void)
{
    const char *path = segment();
    struct bytes text = { 0 };
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char *last;

    CU_ASSERT_FATAL(fd >= 0);
    read_file(path, &text);
    text.p[text.len - 1] = '\0';
    last = strrchr((char *)text.p, '\n');
    CU_ASSERT_PTR_NOT_NULL_FATAL(last);
    CU_ASSERT_EQUAL(ftruncate(fd, last + 1 - (char *)text.p), 0);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file), EXIT_REFUSED);
    text.p[text.len - 1] = '\n';
    CU_ASSERT_EQUAL(pwrite(fd, text.p, text.len, 0), (ssize_t)text.len);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", key_file), EXIT_DONE);
    close(fd);
    bytes_clear(&text);
}

static void nothing_there(void)
{
    char nowhere[512];

    snprintf(nowhere, sizeof nowhere, "%s/nowhere", scratch_directory());
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", nowhere, "--key", key_file), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no audit trail there"));
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", nowhere), EXIT_REFUSED);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail, "--key", segment()), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "no public key"));
}

static void needs_names(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify", "--directory", trail), EXIT_USAGE);
    CU_ASSERT_EQUAL(RUN(&said, "audit", "verify"), EXIT_USAGE);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a whole trail: counts, exit code 0", complete },
        { "another key: refused", another_key },
        { "one byte edited: refused, the place is said; restored: good again", edited },
        { "the last line cut off: refused; restored: good again", cut },
        { "no trail, no key, a file that is no key: each named", nothing_there },
        { "without --directory and --key a configuration is asked for", needs_names },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "audit_commands", set_up, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code;

    unsetenv("STRONGROOM_CONFIG");
    code = run_suites(suites);
    said_clear(&said);
    return code;
}
