/* provisioning/attest/expected.c: what a verifier's file may say, and that nothing in it is passed over. */
#include "provisioning/attest/expected.h"

#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/ceremony.h"
#include "tests/unit/provisioning/session.h"

#define HASH       "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD       "{\"version\":1,\"firmwareHashes\":[\"" HASH "\"]"
#define WITH(more) HEAD "," more "}"

static int read_text(const char *text, struct expected *out)
{
    const char *path = ceremony_path("expected");

    unlink(path);
    CU_ASSERT_EQUAL_FATAL(file_create(path, 0600, span_text(text)), ST_OK);
    return expected_read(ceremony_invocation(), path, out);
}

static void the_least(void)
{
    struct expected e;

    CU_ASSERT_EQUAL(read_text(HEAD "}", &e), EXIT_DONE);
    CU_ASSERT_EQUAL(e.purpose, STATEMENT_ATTESTATION);
    CU_ASSERT_EQUAL(e.hash_count, 1);
    CU_ASSERT_EQUAL(e.hashes[0][1], 0x11);
    CU_ASSERT_EQUAL(e.states, BIT(KEYSTORE_OPERATIONAL));
    CU_ASSERT_EQUAL(e.max_age_s, 300);
    CU_ASSERT_EQUAL(e.counter_min, 0);
    CU_ASSERT(!e.restored && !e.has_quoted && !e.has_hardware && !e.has_domain && !e.has_key && !e.has_public_key);
    CU_ASSERT_PTR_NULL(e.serial);
    CU_ASSERT_PTR_NULL(e.versions);
    CU_ASSERT_PTR_NULL(e.boards);
    expected_clear(&e);
}

static void all_members(void)
{
    struct expected e;

    CU_ASSERT_EQUAL(
        read_text(WITH("\"purpose\":\"destruction\",\"firmwareVersions\":[\"1.2\",\"1.3\"],\"boards\":[\"sim\"],"
                       "\"counterMin\":5,\"states\":[\"factory\",\"provisioned\"],\"maxAgeSeconds\":60,"
                       "\"hardware\":true,\"domainId\":\"0011223344556677\",\"serialNumber\":\"SN-1\","
                       "\"roots\":[\"tpm\"],\"quoted\":true,"
                       "\"key\":{\"restored\":true,\"partition\":\"p\",\"publicKeySha256\":\"" HASH "\","
                       "\"attributes\":{\"CKA_EXTRACTABLE\":false,\"CKA_LABEL\":\"l\"}}"),
                  &e),
        EXIT_DONE);
    CU_ASSERT_EQUAL(e.purpose, STATEMENT_DESTRUCTION);
    CU_ASSERT(expected_lists(e.versions, "1.3"));
    CU_ASSERT(!expected_lists(e.versions, "1.30"));
    CU_ASSERT(!expected_lists(e.versions, "1."));
    CU_ASSERT(expected_lists(e.boards, "sim"));
    CU_ASSERT_EQUAL(e.counter_min, 5);
    CU_ASSERT_EQUAL(e.states, BIT(KEYSTORE_FACTORY) | BIT(KEYSTORE_PROVISIONED));
    CU_ASSERT_EQUAL(e.max_age_s, 60);
    CU_ASSERT(e.has_hardware && e.hardware);
    CU_ASSERT(e.has_domain && e.domain_id[7] == 0x77);
    CU_ASSERT_STRING_EQUAL(e.serial, "SN-1");
    CU_ASSERT(e.has_key && e.has_public_key && e.public_key[31] == 0xff);
    CU_ASSERT_STRING_EQUAL(e.partition, "p");
    CU_ASSERT(expected_lists(e.roots, "tpm"));
    CU_ASSERT(e.has_quoted && e.quoted && e.restored);
    CU_ASSERT_EQUAL(json_object_size(e.attributes), 2);
    expected_clear(&e);
}

static void refuse(const char *text, const char *why)
{
    struct expected e;

    if (read_text(text, &e) != EXIT_REFUSED || !says(ceremony_refusal(), why)) {
        printf("\n  %s\n  is to be refused by \"%s\"; said was: %s", text, why, ceremony_refusal());
        CU_FAIL("expected values that expect less than was meant");
    }
    expected_clear(&e);
}

static void not_known(void)
{
    refuse(WITH("\"minCounter\":5"), "\"minCounter\" is not known");
    refuse(WITH("\"Boards\":[\"sim\"]"), "\"Boards\" is not known");
    refuse(WITH("\"key\":{\"label\":\"l\"}"), "\"label\" is not known");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_EXPORTABLE\":false}}"), "by the names of PKCS#11");
    refuse(WITH("\"states\":[\"operational\",\"fine\"]"), "a list of states");
    refuse(WITH("\"purpose\":\"Attestation\""), "\"attestation\" or \"destruction\"");
}

static void missing(void)
{
    refuse("{}", "are needed");
    refuse("{\"version\":1}", "are needed");
    refuse("{\"firmwareHashes\":[\"" HASH "\"]}", "are needed");
    refuse("{\"version\":1,\"firmwareHashes\":[]}", "1 to 16 SHA-256 hashes");
    refuse(WITH("\"states\":[]"), "a list of states");
    refuse(WITH("\"firmwareVersions\":[]"), "a list of texts");
    refuse(WITH("\"boards\":[]"), "a list of texts");
    refuse(WITH("\"roots\":[]"), "a list of texts");
}

static void of_another_kind(void)
{
    static const char *const members[] = {
        "purpose", "roots",         "quoted",   "firmwareVersions", "boards",       "counterMin",
        "states",  "maxAgeSeconds", "hardware", "domainId",         "serialNumber", "key",
    };
    static const char *const values[] = { "null", "1.5", "-1", "[1]", "\"\"" };
    char text[512];

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            snprintf(text, sizeof text, HEAD ",\"%s\":%s}", members[i], values[j]);
            refuse(text, "is wanted");
        }
    refuse("{\"version\":2,\"firmwareHashes\":[\"" HASH "\"]}", "version 1 is known");
    refuse("{\"version\":\"1\",\"firmwareHashes\":[\"" HASH "\"]}", "version 1 is known");
    refuse(WITH("\"key\":{\"partition\":7}"), "a partition's name");
    refuse(WITH("\"key\":{\"restored\":1}"), "true or false");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_ID\":\"0g\"}}"), "a value of its kind");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_ID\":\"001\"}}"), "a value of its kind");
    refuse(WITH("\"key\":{\"publicKeySha256\":\"" HASH "00\"}"), "a SHA-256 hash");
    refuse(WITH("\"key\":{\"attributes\":[]}"), "an object of attributes");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_EXTRACTABLE\":0}}"), "a value of its kind");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_KEY_TYPE\":true}}"), "a value of its kind");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_KEY_TYPE\":-1}}"), "a value of its kind");
    refuse(WITH("\"key\":{\"attributes\":{\"CKA_LABEL\":1}}"), "a value of its kind");
}

static void of_another_length(void)
{
    struct bytes text = { 0 };

    refuse("{\"version\":1,\"firmwareHashes\":[\"0011\"]}", "1 to 16 SHA-256 hashes");
    refuse("{\"version\":1,\"firmwareHashes\":[\"" HASH "\",\"" HASH "00\"]}", "1 to 16 SHA-256 hashes");
    refuse(WITH("\"domainId\":\"00112233445566\""), "16 hexadecimal digits");
    refuse(WITH("\"domainId\":\"001122334455667g\""), "16 hexadecimal digits");
    refuse(WITH("\"maxAgeSeconds\":0"), "a number of seconds");
    refuse(WITH("\"maxAgeSeconds\":3162240001"), "a number of seconds");
    refuse(WITH("\"serialNumber\":\"a serial number with spaces\""), "a serial number");
    bytes_append_text(&text, "{\"version\":1,\"firmwareHashes\":[\"" HASH "\"");
    for (unsigned i = 0; i < EXPECTED_HASHES_MAX; i++)
        bytes_append_text(&text, ",\"" HASH "\"");
    bytes_append_text(&text, "]}");
    refuse(bytes_text(&text), "1 to 16 SHA-256 hashes");
    bytes_clear(&text);
    while (text.len <= 64u * 1024)
        bytes_append_text(&text, "                                                                ");
    bytes_append_text(&text, HEAD "}");
    refuse(bytes_text(&text), "too large");
    bytes_clear(&text);
}

static void no_object(void)
{
    struct expected e;

    refuse("", "the file is empty");
    refuse("[]", "no JSON object");
    refuse(HEAD, "no JSON object");
    refuse(HEAD "}}", "no JSON object");
    refuse(WITH("\"counterMin\":1,\"counterMin\":0"), "no JSON object");
    CU_ASSERT_EQUAL(expected_read(ceremony_invocation(), "/nonexistent", &e), EXIT_REFUSED);
    expected_clear(&e);
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "with the least that is needed the rest is strict", the_least },
        { "each member is taken", all_members },
        { "what is not known is refused", not_known },
        { "what is missing or empty is refused", missing },
        { "values of another kind are refused", of_another_kind },
        { "values of another length are refused", of_another_length },
        { "what is no object, or has a member twice, is refused", no_object },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "expected values", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
