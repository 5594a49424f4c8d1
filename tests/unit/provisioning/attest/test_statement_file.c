/* provisioning/attest/statement_file.c: a statement's file in its three forms, and nothing that could be added to one.
 */
#include "provisioning/attest/statement_file.h"

#include <openssl/pem.h>

#include "tests/unit/harness.h"
#include "tests/unit/provisioning/attest/statement.h"
#include "tests/unit/provisioning/session.h"

static struct bytes statement, text;

static void make_json(bool quote)
{
    statement_pack(NULL, &statement);
    bytes_clear(&text);
    CU_ASSERT_EQUAL_FATAL(statement_file_make(statement_signed(&statement, quote), &text), ST_OK);
}

static void make_packed(bool quote)
{
    const Ks__SignedStatement *s;

    statement_pack(NULL, &statement);
    s = statement_signed(&statement, quote);
    bytes_clear(&text);
    CU_ASSERT_EQUAL_FATAL(bytes_reserve(&text, ks__signed_statement__get_packed_size(s)), ST_OK);
    text.len = ks__signed_statement__pack(s, text.p);
}

static void make_pem(const char *name, const char *header)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *p;
    long len;

    make_packed(true);
    CU_ASSERT_FATAL(memory != NULL && PEM_write_bio(memory, name, header, text.p, (long)text.len) > 0);
    len = BIO_get_mem_data(memory, &p);
    CU_ASSERT_EQUAL_FATAL(bytes_set(&text, span_of(p, (size_t)len)), ST_OK);
    BIO_free(memory);
}

static void accept(bool quote)
{
    struct signed_statement s;
    const char *why;

    if (statement_file_parse(bytes_span(&text), &s, &why) != ST_OK) {
        printf("\n  %s", why);
        CU_FAIL_FATAL("a good statement was refused");
    }
    CU_ASSERT_PTR_NULL(why);
    CU_ASSERT(span_equal(bytes_span(&s.statement), bytes_span(&statement)));
    CU_ASSERT(span_is(bytes_span(&s.signature), "a signature"));
    CU_ASSERT_EQUAL(s.chain_count, 1);
    CU_ASSERT_EQUAL(X509_cmp(s.chain[0], statement_certificate()), 0);
    CU_ASSERT_EQUAL(s.has_quote, quote);
    CU_ASSERT(!quote || span_is(bytes_span(&s.quote_key), "its key"));
    CU_ASSERT_EQUAL(s.content->format, 1);
    signed_statement_clear(&s);
}

static void refuse(const char *what, const char *wanted)
{
    struct signed_statement s;
    const char *why;

    if (statement_file_parse(bytes_span(&text), &s, &why) != ST_BAD_REQUEST || why == NULL || !says(why, wanted)) {
        printf("\n  %s is to be refused by \"%s\"; said was: %s", what, wanted, why != NULL ? why : "nothing");
        CU_FAIL("something else was taken for a statement");
    }
    signed_statement_clear(&s);
}

/* In the text of a good file, `from` becomes `to`. */
static void refuse_edited(const char *from, const char *to, const char *wanted)
{
    struct bytes edited = { 0 };
    const char *whole, *at;

    make_json(true);
    whole = bytes_text(&text);
    CU_ASSERT_FATAL((at = strstr(whole, from)) != NULL);
    bytes_append(&edited, whole, (size_t)(at - whole));
    bytes_append_text(&edited, to);
    bytes_append_text(&edited, at + strlen(from));
    bytes_clear(&text);
    text = edited;
    refuse(to, wanted);
}

static void in_each_form(void)
{
    make_json(true);
    accept(true);
    make_json(false);
    accept(false);
    make_packed(true);
    accept(true);
    make_packed(false);
    accept(false);
    make_pem("STRONGROOM STATEMENT", "");
    accept(true);
    bytes_append_text(&text, "\n\n"); /* where a longer one was before */
    accept(true);
}

static void members(void)
{
    static const char strange[] = "members that are not known", missing[] = "missing or no base64url";

    refuse_edited("{\"version\":1", "{\"version\":2", "not of version 1");
    refuse_edited("{\"version\":1", "{\"version\":\"1\"", "not of version 1");
    refuse_edited("\"version\":1,", "", "not of version 1");
    refuse_edited("\"version\":1", "\"version\":1,\"version\":1", "a member twice");
    refuse_edited("\"version\":1", "\"version\":1,\"verified\":true", strange);
    refuse_edited("\"attest\":", "\"verified\":true,\"attest\":", strange);
    refuse_edited("\"quote\":", "\"quotes\":", strange);
    refuse_edited("\"attest\":", "\"attested\":", strange);
    refuse_edited("\"statement\":\"", "\"statements\":\"", missing);
    refuse_edited("\"statement\":\"", "\"statement\":\"=", missing);
    refuse_edited("\"statement\":\"", "\"statement\":\"\",\"old\":\"", missing);
    refuse_edited("\"signature\":\"", "\"signature\":\"\",\"old\":\"", missing);
    refuse_edited("\"certificates\":[", "\"certificates\":[],\"old\":[", "the certificates are missing");
    refuse_edited("\"certificates\":[", "\"certificates\":[1,", "the certificates are missing");
    refuse_edited("\"certificates\":[", "\"certificates\":[\"\",", "the certificates are missing");
    refuse_edited("\"certificates\":[", "\"certificate\":[", "the certificates are missing");
    refuse_edited("-----BEGIN", "x-----BEGIN", "the certificates are missing");
    make_json(true);
    bytes_append_char(&text, '}');
    refuse("something behind the object", "no JSON object");
}

/* Five times the same one. */
static void too_many_certificates(void)
{
    Ks__SignedStatement *s;
    ProtobufCBinaryData many[CERTIFICATE_CHAIN_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = statement_certificate_der();
    statement_pack(NULL, &statement);
    s = statement_signed(&statement, false);
    s->certificates = many;
    s->n_certificates = ARRAY_LEN(many);
    bytes_clear(&text);
    CU_ASSERT_EQUAL_FATAL(statement_file_make(s, &text), ST_OK);
    refuse("a chain of five", "the certificates are missing");
    bytes_clear(&text);
    CU_ASSERT_EQUAL_FATAL(bytes_reserve(&text, ks__signed_statement__get_packed_size(s)), ST_OK);
    text.len = ks__signed_statement__pack(s, text.p);
    refuse("a chain of five, packed", "neither a JSON object nor a packed statement");
}

static void refuse_content(void (*edit)(Ks__Statement *), const uint8_t *behind, size_t len, const char *what,
                           const char *wanted)
{
    statement_pack(edit, &statement);
    bytes_append(&statement, behind, len);
    bytes_clear(&text);
    CU_ASSERT_EQUAL_FATAL(statement_file_make(statement_signed(&statement, true), &text), ST_OK);
    refuse(what, wanted);
}

static void other_format(Ks__Statement *s)
{
    s->format = 2;
}

static void no_device(Ks__Statement *s)
{
    s->device.len = 0;
}

static void short_boot_id(Ks__Statement *s)
{
    s->boot_id.len--;
}

static void no_state(Ks__Statement *s)
{
    s->state = 0;
}

static void times_of_no_clock(Ks__Statement *s)
{
    s->time_ms = UINT64_MAX;
}

static void content(void)
{
    static const char none[] = "no statement of format 1", more[] = "bytes that do not belong to it";
    static const uint8_t zero = 0, twice[] = { 0x08, 0x01 }, unknown[] = { 0xc8, 0x3e, 0x01 };

    refuse_content(other_format, NULL, 0, "another format", none);
    refuse_content(no_device, NULL, 0, "a statement of no device", none);
    refuse_content(short_boot_id, NULL, 0, "a short boot id", none);
    refuse_content(no_state, NULL, 0, "no state", none);
    refuse_content(times_of_no_clock, NULL, 0, "a time of no clock", "a number that is too large");
    refuse_content(NULL, &zero, 1, "a byte behind it", none);
    refuse_content(NULL, unknown, sizeof unknown, "a field that nobody knows", none);
    refuse_content(NULL, twice, sizeof twice, "a field that is there twice", more);
}

/* In JSON the members are counted; packed, a quote has all of its parts or none. */
static void refuse_packed(size_t without)
{
    Ks__SignedStatement *s;

    statement_pack(NULL, &statement);
    s = statement_signed(&statement, true);
    ProtobufCBinaryData *const parts[] = { &s->quote, &s->quote_signature, &s->quote_key };
    parts[without]->len = 0;
    bytes_clear(&text);
    CU_ASSERT_EQUAL_FATAL(bytes_reserve(&text, ks__signed_statement__get_packed_size(s)), ST_OK);
    text.len = ks__signed_statement__pack(s, text.p);
    refuse("a quote without one of its parts", "neither a JSON object nor a packed statement");
}

static void packed_and_pem(void)
{
    size_t whole;

    for (size_t i = 0; i < 3; i++)
        refuse_packed(i);
    make_packed(false); /* its quote is what a statement may lack */
    whole = text.len;
    for (text.len = 0; text.len < whole; text.len++)
        refuse("a packed one that was cut", "");
    bytes_append_text(&text, "x");
    refuse("a byte behind a packed one", "neither a JSON object nor a packed statement");
    make_pem("STRONGROOM STATEMENT", "");
    bytes_append_text(&text, "x");
    refuse("something behind the PEM", "something behind the statement");
    make_pem("STRONGROOM STATEMENTS", "");
    refuse("PEM of another name", "neither a JSON object nor a packed statement");
    make_pem("CERTIFICATE", "");
    refuse("a certificate", "neither a JSON object nor a packed statement");
    make_pem("STRONGROOM STATEMENT", "Proc-Type: 4,ENCRYPTED\n");
    refuse("PEM with a header", "no statement in PEM");
}

static int free_all(void)
{
    bytes_clear(&statement);
    bytes_clear(&text);
    return 0;
}

int main(void)
{
    CU_TestInfo tests[] = {
        { "each of the three forms is read, with a quote and without", in_each_form },
        { "JSON: members that are missing, strange, twice or of another form", members },
        { "a chain has an end", too_many_certificates },
        { "the statement itself has one form", content },
        { "packed and PEM: cut, longer, of another name", packed_and_pem },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "statement files", NULL, free_all, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
