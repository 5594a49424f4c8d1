/* provisioning/ceremony/act_file.c, act_words.c and moment.c: acts as files and in words, and what is refused. */
#include "provisioning/ceremony/act_words.h"
#include "provisioning/cli/moment.h"
#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/session.h"

static struct said said;
static uint8_t fingerprint[LINK_FINGERPRINT_LEN] = { 0xab };

static Ks__RoleSet role_set(void)
{
    Ks__RoleSet m = KS__ROLE_SET__INIT;
    static char name[] = "new owner";

    m.role = PEER_OWNER;
    m.fingerprint = (ProtobufCBinaryData){ sizeof fingerprint, fingerprint };
    m.name = name;
    return m;
}

static const char *role_act(void)
{
    Ks__RoleSet m = role_set();

    return ceremony_act_file("role.act", MESSAGE_ROLE_SET, &m.base);
}

static int set_up(void)
{
    ceremony_holders();
    return 0;
}

static int tear_down(void)
{
    said_clear(&said);
    return 0;
}

/* --- files --- */

static void read_as_written(void)
{
    struct act_file a, b = { 0 };
    Ks__RoleSet m = role_set();
    uint8_t name[2][32];

    ceremony_act(MESSAGE_ROLE_SET, &m.base, &a);
    CU_ASSERT_EQUAL_FATAL(act_file_read(ceremony_invocation(), role_act(), &b), EXIT_DONE);
    act_name(&a.act, name[0]);
    act_name(&b.act, name[1]);
    a.act.expires_ms = b.act.expires_ms; /* a second may have passed between them */
    CU_ASSERT_EQUAL(memcmp(&a.act, &b.act, sizeof a.act), 0);
    CU_ASSERT(span_equal(bytes_span(&a.request), bytes_span(&b.request)));
    CU_ASSERT_EQUAL(b.required, 2);
    CU_ASSERT_EQUAL(b.holder_count, 3);
    CU_ASSERT_STRING_EQUAL(b.holders[2].name, "cid");
    CU_ASSERT_EQUAL(act_file_write(ceremony_invocation(), role_act(), &b, span_text("")), EXIT_REFUSED);
    CU_ASSERT(says(ceremony_refusal(), "exists"));
    act_file_clear(&a);
    act_file_clear(&b);
}

static void refuse_edited(const char *from, const char *to)
{
    struct act_file a = { 0 };
    const char *path = role_act();

    CU_ASSERT_FATAL(ceremony_edit(path, from, to));
    if (act_file_read(ceremony_invocation(), path, &a) != EXIT_REFUSED) {
        printf("\n  read with %s in place of %s", to, from);
        CU_FAIL("an act file that is none was read");
    }
    CU_ASSERT_PTR_NULL(a.request.p);
    act_file_clear(&a);
}

static void not_well_formed(void)
{
    refuse_edited("\"version\":1", "\"version\":2");
    refuse_edited("\"version\":1", "\"version\":\"1\"");
    refuse_edited("\"version\":1", "\"version\":1,\"version\":1");
    refuse_edited("\"sequence\":42", "\"sequence\":42,\"sequence\":43");
    refuse_edited("\"sequence\":42", "\"sequence\":-1");
    refuse_edited("\"sequence\":42", "\"sequence\":4.2");
    refuse_edited("\"generation\":7", "\"generation\":4294967296");
    refuse_edited("\"generation\":7,", "");
    refuse_edited("\"role-set\"", "\"domain-confirm\"");
    refuse_edited("\"role-set\"", "97");
    refuse_edited("\"d1d1", "\"d1");
    refuse_edited("\"d1d1", "\"g1d1");
    refuse_edited("\"1d1d", "\"1d1d1d");
    refuse_edited("\"expires\":\"20", "\"expires\":\" 0");
    refuse_edited("Z\",\"request\":\"", "+00:00\",\"request\":\"");
    refuse_edited("\"request\":\"", "\"request\":\"=");
    refuse_edited("\"required\":2", "\"required\":11");
    refuse_edited("\"name\":\"ann\"", "\"name\":\"a name that is longer than thirty-two\"");
    refuse_edited("{", "[{");
}

static void of_other_sizes(void)
{
    struct bytes text = { 0 };
    struct act_file a = { 0 };
    const char *path = ceremony_path("large.act");

    while (text.len <= ACT_FILE_MAX)
        bytes_append_text(&text, "                                                                ");
    CU_ASSERT_EQUAL_FATAL(file_create(path, 0600, bytes_span(&text)), ST_OK);
    CU_ASSERT_EQUAL(act_file_read(ceremony_invocation(), path, &a), EXIT_REFUSED);
    CU_ASSERT(says(ceremony_refusal(), "too large"));
    CU_ASSERT_EQUAL(act_file_read(ceremony_invocation(), ceremony_path("none.act"), &a), EXIT_REFUSED);
    bytes_clear(&text);
    /* one holder too many: each of the ten edits doubles the first */
    path = role_act();
    for (size_t i = 0; i < 8; i++)
        CU_ASSERT(ceremony_edit(
            path, "\"holders\":[{",
            "\"holders\":[{\"holder\":\"0000000000000000000000000000000000000000000000000000000000000000\","
            "\"name\":\"\"},{"));
    CU_ASSERT_EQUAL(act_file_read(ceremony_invocation(), path, &a), EXIT_REFUSED);
    act_file_clear(&a);
}

static void moments(void)
{
    static const char *const wrong[] = {
        "2031-02-30T00:00:00Z", "2031-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "2031-01-01T24:00:00Z",
        "2031-01-01T00:00:60Z", "2031-01-01 00:00:00Z", "2031-1-01T00:00:000Z", "2031-01-01T00:00:00z",
        "2031-01-01T00:00:00",  "+031-01-01T00:00:00Z", " 031-01-01T00:00:00Z", "",
    };
    char text[MOMENT_LEN + 1];
    uint64_t ms;

    CU_ASSERT_EQUAL(moment_parse(span_text("2028-02-29T23:59:59Z"), &ms), ST_OK);
    CU_ASSERT_EQUAL(ms, 1835481599000);
    moment_format(ms + 999, text);
    CU_ASSERT_STRING_EQUAL(text, "2028-02-29T23:59:59Z");
    CU_ASSERT_EQUAL(moment_parse(span_text("9999-12-31T23:59:59Z"), &ms), ST_OK);
    CU_ASSERT_EQUAL(ms, MOMENT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (moment_parse(span_text(wrong[i]), &ms) != ST_BAD_REQUEST) {
            printf("\n  %s", wrong[i]);
            CU_FAIL("a moment that is none was read");
        }
}

/* --- words --- */

static const char *words_of(uint16_t kind, const ProtobufCMessage *m)
{
    static struct bytes words;
    struct act_file a;

    bytes_reset(&words);
    ceremony_act(kind, m, &a);
    CU_ASSERT_EQUAL(act_words(&a, &words), ST_OK);
    act_file_clear(&a);
    return bytes_text(&words);
}

static void every_kind_has_words(void)
{
    Ks__DomainExport export = KS__DOMAIN_EXPORT__INIT;
    Ks__AuditSinkSet sink = KS__AUDIT_SINK_SET__INIT;
    Ks__FirmwareKeySet firmware = KS__FIRMWARE_KEY_SET__INIT;
    Ks__ClockSet clock = KS__CLOCK_SET__INIT;
    Ks__StartModeSet start = KS__START_MODE_SET__INIT;
    Ks__Decommission end = KS__DECOMMISSION__INIT;
    Ks__RoleSet role = role_set();
    static char address[] = "audit.example:6514";

    CU_ASSERT(says(words_of(MESSAGE_ROLE_SET, &role.base), "Make this key the owner of the keystore: \"new owner\""));
    CU_ASSERT(says(words_of(MESSAGE_ROLE_SET, &role.base), "fingerprint ab00"));
    CU_ASSERT(says(words_of(MESSAGE_ROLE_SET, &role.base), "On the keystore  d1d1"));
    CU_ASSERT(says(words_of(MESSAGE_ROLE_SET, &role.base), "holders number 7\nas act number    42, once, until 20"));
    role.role = PEER_AUDITOR;
    role.remove = true;
    CU_ASSERT(says(words_of(MESSAGE_ROLE_SET, &role.base), "no longer an auditor"));
    CU_ASSERT(says(words_of(MESSAGE_DOMAIN_EXPORT, &export.base), "file once more"));
    CU_ASSERT(says(words_of(MESSAGE_AUDIT_SINK_SET, &sink.base), "nowhere"));
    sink.address = address;
    CU_ASSERT(says(words_of(MESSAGE_AUDIT_SINK_SET, &sink.base), "\"audit.example:6514\""));
    CU_ASSERT(says(words_of(MESSAGE_FIRMWARE_KEY_SET, &firmware.base), "signed by this key"));
    clock.time_ms = 86400000;
    CU_ASSERT(says(words_of(MESSAGE_CLOCK_SET, &clock.base), "1970-01-02T00:00:00Z"));
    CU_ASSERT(says(words_of(MESSAGE_START_MODE_SET, &start.base), "unattended"));
    CU_ASSERT(says(words_of(MESSAGE_FACTORY_RESET, &end.base), "as new"));
    CU_ASSERT(says(words_of(MESSAGE_ZEROISE, &end.base), "never starts again"));
}

static void kinds_with_lists(void)
{
    Ks__Holder holder = KS__HOLDER__INIT, *holders[] = { &holder };
    Ks__DomainChange change = KS__DOMAIN_CHANGE__INIT;
    Ks__EncryptedItem item = KS__ENCRYPTED_ITEM__INIT, *items[] = { &item };
    Ks__DomainRestore restore = KS__DOMAIN_RESTORE__INIT;
    Ks__Identity identity = KS__IDENTITY__INIT, *identities[] = { &identity };
    Ks__Partition partition = KS__PARTITION__INIT;
    Ks__RestoreBegin begin = KS__RESTORE_BEGIN__INIT;
    static char name[] = "eve", tag[] = "tag", policy[] = "strict";

    holder.name = name;
    holder.certificate = (ProtobufCBinaryData){ 3, fingerprint };
    change.required = 2;
    change.n_holders = 1;
    change.holders = holders;
    CU_ASSERT(says(words_of(MESSAGE_DOMAIN_CHANGE, &change.base), "2 of these 1 approve acts"));
    CU_ASSERT(
        says(words_of(MESSAGE_DOMAIN_CHANGE, &change.base), "1. \"eve\", NOT a certificate that the keystore takes"));
    item.tag = tag;
    restore.required = 3;
    restore.n_items = 1;
    restore.items = items;
    CU_ASSERT(says(words_of(MESSAGE_DOMAIN_RESTORE, &restore.base), "(3 shares open it)"));
    CU_ASSERT(says(words_of(MESSAGE_DOMAIN_RESTORE, &restore.base), "item \"tag\""));
    identity.fingerprint = (ProtobufCBinaryData){ sizeof fingerprint, fingerprint };
    identity.role = PEER_CLIENT;
    partition.name = name;
    partition.policy = policy;
    CU_ASSERT(says(words_of(MESSAGE_PARTITION_SET, &partition.base), "used by\n  nobody"));
    partition.n_identities = 1;
    partition.identities = identities;
    CU_ASSERT(says(words_of(MESSAGE_PARTITION_SET, &partition.base), "the client with the key ab00"));
    begin.part = (ProtobufCBinaryData){ 3, fingerprint };
    CU_ASSERT(says(words_of(MESSAGE_RESTORE_BEGIN, &begin.base), "first part of the backup SHA-256 "));
}

/* An owner who would write on the holder's screen: over the lines above, or in the other direction. */
static void names_do_not_write_on_the_screen(void)
{
    Ks__RoleSet m = role_set();
    static char name[] = "x\033[2Aok\"\n\xe2\x80\xae";
    const char *words;

    m.name = name;
    words = words_of(MESSAGE_ROLE_SET, &m.base);
    CU_ASSERT(says(words, "\"x\\x1b[2Aok\\x22\\x0a\\xe2\\x80\\xae\""));
    CU_ASSERT_PTR_NULL(strchr(words, '\033'));
}

/* What is not signed must not ride along. */
static void more_than_is_approved(void)
{
    Ks__Authorisation authorisation = KS__AUTHORISATION__INIT;
    Ks__Operator operator= KS__OPERATOR__INIT, *operators[] = { &operator};
    Ks__StartModeSet start = KS__START_MODE_SET__INIT;
    Ks__RoleSet m = role_set();
    struct bytes words = { 0 };
    struct act_file a;
    static char name[] = "op";

    authorisation.sequence = 1;
    m.authorisation = &authorisation;
    ceremony_act(MESSAGE_ROLE_SET, &m.base, &a);
    CU_ASSERT_EQUAL(act_words(&a, &words), ST_BAD_REQUEST);
    act_file_clear(&a);
    operator.name = name;
    operator.passphrase =(ProtobufCBinaryData){ 10, fingerprint };
    start.required = 1;
    start.n_operators = 1;
    start.operators = operators;
    ceremony_act(MESSAGE_START_MODE_SET, &start.base, &a);
    CU_ASSERT_EQUAL(act_words(&a, &words), ST_BAD_REQUEST);
    a.act.kind = MESSAGE_CLOCK_SET; /* another kind than the request's */
    CU_ASSERT_EQUAL(act_words(&a, &words), ST_BAD_REQUEST);
    act_file_clear(&a);
    bytes_clear(&words);
}

int main(void)
{
    CU_TestInfo files[] = {
        { "an act reads as it was written, and replaces nothing", read_as_written },
        { "acts that are not well-formed", not_well_formed },
        { "acts of other sizes", of_other_sizes },
        { "moments, in one form alone", moments },
        CU_TEST_INFO_NULL,
    };
    CU_TestInfo words[] = {
        { "every kind has words", every_kind_has_words },
        { "kinds with lists", kinds_with_lists },
        { "names do not write on the screen", names_do_not_write_on_the_screen },
        { "a request that carries more than is approved", more_than_is_approved },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        { "act files", set_up, tear_down, NULL, NULL, files },
        { "words", set_up, tear_down, NULL, NULL, words },
        CU_SUITE_INFO_NULL,
    };

    return run_suites(suites);
}
