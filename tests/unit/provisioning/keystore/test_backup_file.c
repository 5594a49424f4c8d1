/* provisioning/keystore/backup_file.c: parts in, the same parts out, and nothing of a file that was cut or grew. */
#include "provisioning/keystore/backup_file.h"

#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/session.h"

#define TITLE_LEN 31 /* "strongroom partition backup v1" and a line end */

static const char *const parts[] = { "first", "a second part", "3" };

static const char *write_parts(void)
{
    const char *path = ceremony_path("backup");
    struct backup_file f = { 0 };

    unlink(path);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        CU_ASSERT_EQUAL(backup_file_add(&f, span_text(parts[i])), ST_OK);
    CU_ASSERT_EQUAL_FATAL(backup_file_write(ceremony_invocation(), path, &f), EXIT_DONE);
    backup_file_clear(&f);
    return path;
}

static void both_ways(void)
{
    const char *path = write_parts();
    struct backup_file f = { 0 };
    struct span part;
    size_t at = 0;

    CU_ASSERT_EQUAL_FATAL(backup_file_read(ceremony_invocation(), path, &f), EXIT_DONE);
    CU_ASSERT_EQUAL(f.parts, ARRAY_LEN(parts));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        CU_ASSERT_FATAL(backup_file_next(&f, &at, &part));
        CU_ASSERT(span_is(part, parts[i]));
    }
    CU_ASSERT(!backup_file_next(&f, &at, &part));
    CU_ASSERT_EQUAL(backup_file_write(ceremony_invocation(), path, &f), EXIT_REFUSED); /* it is there already */
    backup_file_clear(&f);
}

static void refuse_as(const char *wanted, struct span content, const char *what)
{
    const char *path = ceremony_path("edited-backup");
    struct backup_file f = { 0 };

    unlink(path);
    CU_ASSERT_EQUAL_FATAL(file_create(path, 0600, content), ST_OK);
    if (backup_file_read(ceremony_invocation(), path, &f) != EXIT_REFUSED || !says(ceremony_refusal(), wanted)) {
        printf("\n  read: %s", what);
        CU_FAIL("a backup that is none was read");
    }
    backup_file_clear(&f);
}

static void refuse(struct span content, const char *what)
{
    refuse_as("has been cut", content, what);
}

static void cut_or_longer(void)
{
    struct bytes whole = { 0 };

    read_file(write_parts(), &whole);
    refuse_as("", span_of(whole.p, 0), "an empty file");
    for (size_t len = 1; len < whole.len; len++)
        refuse(span_of(whole.p, len), "a file that was cut");
    bytes_append_char(&whole, 0);
    refuse(bytes_span(&whole), "a byte behind the last part");
    bytes_clear(&whole);
}

static void edited(void)
{
    struct bytes whole = { 0 };
    struct {
        size_t at;
        uint8_t to;
        const char *what;
    } edits[] = {
        { 0, 'S', "another title" },
        { TITLE_LEN - 1, ' ', "a title that does not end" },
        { TITLE_LEN + 3, 2, "fewer parts than there are" },
        { TITLE_LEN + 3, 4, "more parts than there are" },
        { TITLE_LEN, 1, "very many parts" },
        { TITLE_LEN + 4 + 3, 0, "a part of no bytes" },
        { TITLE_LEN + 4 + 3, 4, "a part that is shorter" },
        { TITLE_LEN + 4 + 3, 6, "a part that is longer" },
        { TITLE_LEN + 4, 0xff, "a part that is longer than the file" },
    };

    read_file(write_parts(), &whole);
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        uint8_t was = whole.p[edits[i].at];

        whole.p[edits[i].at] = edits[i].to;
        refuse(bytes_span(&whole), edits[i].what);
        whole.p[edits[i].at] = was;
    }
    refuse(span_of("strongroom partition backup v1\n\0\0\0\0", TITLE_LEN + 4), "no part at all");
    bytes_clear(&whole);
}

static void bounded(void)
{
    static uint8_t large[BACKUP_PART_MAX + 1];
    struct backup_file f = { 0 };

    CU_ASSERT_EQUAL(backup_file_add(&f, span_of(large, 0)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(backup_file_add(&f, span_of(large, sizeof large)), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(f.content.len, 0);
    CU_ASSERT_EQUAL(backup_file_add(&f, span_of(large, BACKUP_PART_MAX)), ST_OK);
    backup_file_clear(&f);
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "what was written is read, part by part", both_ways },
        { "a file that was cut anywhere, or has grown, is refused", cut_or_longer },
        { "title, count and lengths are looked at", edited },
        { "parts have a size", bounded },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "backup files", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
