/* provisioning/ceremony/release_file.c: a holder's share with his approval. */
#include "provisioning/ceremony/release_file.h"

#include <unistd.h>

#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/session.h"

static const char *write_release(void)
{
    const char *act = ceremony_path("act"), *approved = ceremony_path("approved"), *path = ceremony_path("release");
    Ks__ClockSet request = KS__CLOCK_SET__INIT; /* an approval is one of any act */
    struct release r = { 0 };

    ceremony_holders();
    if (access(approved, F_OK) != 0) {
        request.time_ms = 1;
        ceremony_act_file("act", MESSAGE_CLOCK_SET, &request.base);
        CU_ASSERT_EQUAL_FATAL(ceremony_approve(act, 0, approved), EXIT_DONE);
    }
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(approval_read(ceremony_invocation(), approved, &r.approval), EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(bytes_set(&r.share, span_text("a.share.of.his.own")), ST_OK);
    CU_ASSERT_EQUAL_FATAL(release_write(ceremony_invocation(), path, &r), EXIT_DONE);
    CU_ASSERT_EQUAL(release_write(ceremony_invocation(), path, &r), EXIT_REFUSED); /* it is there already */
    release_clear(&r);
    return path;
}

static void both_ways(void)
{
    const char *path = write_release();
    struct release r = { 0 };

    CU_ASSERT_EQUAL(release_read(ceremony_invocation(), path, &r), EXIT_DONE);
    CU_ASSERT(span_is(bytes_span(&r.share), "a.share.of.his.own"));
    CU_ASSERT_STRING_EQUAL(r.approval.name, "ann");
    CU_ASSERT(r.approval.signature.len > 0);
    release_clear(&r);
}

static void refuse_edited(const char *from, const char *to)
{
    const char *path = write_release();
    struct release r = { 0 };

    CU_ASSERT_FATAL(ceremony_edit(path, from, to));
    if (release_read(ceremony_invocation(), path, &r) != EXIT_REFUSED) {
        printf("\n  read with %s in place of %s", to, from);
        CU_FAIL("a release that is none was read");
    }
    CU_ASSERT_EQUAL(r.share.len, 0);
    CU_ASSERT_EQUAL(r.approval.signature.len, 0);
    release_clear(&r);
}

static void edited(void)
{
    refuse_edited("\"version\":1", "\"version\":2");
    refuse_edited("\"version\":1", "\"version\":1,\"version\":1");
    refuse_edited("\"kind\":\"release\"", "\"kind\":\"approval\"");
    refuse_edited("\"kind\":\"release\",", "");
    refuse_edited("\"share\":\"", "\"share\":\"\",\"old\":\"");
    refuse_edited("\"share\":\"", "\"share\":7,\"old\":\"");
    refuse_edited("\"share\":", "\"shares\":");
    refuse_edited("\"signature\":", "\"signatures\":");
    refuse_edited("\"signature\":\"", "\"signature\":\"=");
    refuse_edited("\"holder\":\"", "\"holder\":\"00");
    refuse_edited("\"act\":\"", "\"act\":\"g");
    refuse_edited("\"name\":\"ann\"", "\"name\":\"a name that is longer than thirty-two\"");
    refuse_edited("{", "[{");
}

static void share_too_long(void)
{
    struct bytes text = { 0 };

    bytes_append_text(&text, "\"share\":\"");
    for (size_t i = 0; i <= DOMAIN_JWE_MAX; i++)
        bytes_append_char(&text, 'x');
    refuse_edited("\"share\":\"", bytes_text(&text));
    bytes_clear(&text);
}

static void an_approval_alone(void)
{
    struct release r = { 0 };

    write_release();
    CU_ASSERT_EQUAL(release_read(ceremony_invocation(), ceremony_path("approved"), &r), EXIT_REFUSED);
    CU_ASSERT(says(ceremony_refusal(), "no release"));
    CU_ASSERT_EQUAL(release_read(ceremony_invocation(), ceremony_path("none"), &r), EXIT_REFUSED);
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "what was written is read", both_ways },
        { "every other form is refused, and nothing of it is kept", edited },
        { "a share has a length", share_too_long },
        { "an approval is no release", an_approval_alone },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "releases", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
