/* The TPM's quotes, against swtpm and against a TPM of our own making that says what we like. */
#include "tests/unit/harness.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/sim/root_tpm.h"
#include "board/sim/tpm.h"
#include "tests/unit/board/sim/swtpm.h"
#include "tests/unit/firmware/flash/quote_check.h"

static const uint8_t image[TPM_DIGEST_LEN] = "this firmware, thirty-two bytes",
                     nonce[TPM_DIGEST_LEN] = "a nonce of just thirty-two bytes",
                     other[TPM_DIGEST_LEN] = "A nonce of just thirty-two bytes";

struct asked {
    struct bytes key, attest, signature;
};

static struct quote ask(struct tpm *t, struct asked *a)
{
    CU_ASSERT_EQUAL(tpm_quote_key(t, &a->key), ST_OK);
    CU_ASSERT_EQUAL(tpm_quote(t, ROOT_TPM_PCR, nonce, &a->attest, &a->signature), ST_OK);
    return (struct quote){ bytes_span(&a->key), bytes_span(&a->attest), bytes_span(&a->signature) };
}

static void asked_clear(struct asked *a)
{
    bytes_clear(&a->key);
    bytes_clear(&a->attest);
    bytes_clear(&a->signature);
}

static struct tpm *connected(const struct swtpm *s)
{
    struct tpm *t = NULL;

    CU_ASSERT_EQUAL_FATAL(tpm_open(s->socket, &t), ST_OK);
    return t;
}

static void quote_says_what_was_measured(void)
{
    uint8_t expected[TPM_DIGEST_LEN], now[TPM_DIGEST_LEN];
    struct asked a = { 0 };
    struct root_tpm r;
    struct swtpm s;
    struct quote q;
    struct tpm *t;

    swtpm_start(&s, "quote");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    quote_expected_pcr(image, expected);
    CU_ASSERT_EQUAL(tpm_pcr_read(t, ROOT_TPM_PCR, now), ST_OK);
    CU_ASSERT(memcmp(now, expected, sizeof now) == 0);
    q = ask(t, &a);
    CU_ASSERT_PTR_NULL(quote_fault(&q, nonce, expected));
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, other, expected), "the extra data");
    a.attest.p[a.attest.len - 1] ^= 1;
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, nonce, expected), "the signature");

    CU_ASSERT_EQUAL(tpm_pcr_extend(t, ROOT_TPM_PCR, image), ST_OK); /* something else comes to run */
    q = ask(t, &a);
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, nonce, expected), "the PCR digest");
    asked_clear(&a);
    tpm_close(t);
    swtpm_stop(&s);
}

static void another_nonce_is_another_quote(void)
{
    struct bytes attest = { 0 }, signature = { 0 };
    uint8_t pcr[TPM_DIGEST_LEN];
    struct asked a = { 0 };
    struct swtpm s;
    struct quote q;
    struct tpm *t;

    swtpm_start(&s, "nonces");
    t = connected(&s);
    q = ask(t, &a);
    CU_ASSERT_EQUAL(tpm_quote(t, ROOT_TPM_PCR, other, &attest, &signature), ST_OK);
    CU_ASSERT_FALSE(span_equal(bytes_span(&attest), q.attest));
    CU_ASSERT_EQUAL(tpm_pcr_read(t, ROOT_TPM_PCR, pcr), ST_OK);
    q.signature = bytes_span(&signature);
    CU_ASSERT_STRING_EQUAL(quote_fault(&q, nonce, pcr), "the signature"); /* of the other one */
    q.attest = bytes_span(&attest);
    CU_ASSERT_PTR_NULL(quote_fault(&q, other, pcr));
    bytes_clear(&attest);
    bytes_clear(&signature);
    asked_clear(&a);
    tpm_close(t);
    swtpm_stop(&s);
}

static void key_is_the_tpms_for_good(void)
{
    struct bytes first = { 0 }, again = { 0 }, strangers = { 0 };
    struct swtpm s, stranger;
    struct root_tpm r;
    struct tpm *t;

    swtpm_start(&s, "stable");
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    for (int i = 0; i < 10; i++) { /* the key is flushed: a TPM has room for three */
        CU_ASSERT_EQUAL(tpm_quote_key(t, i == 0 ? &first : &again), ST_OK);
        CU_ASSERT(i == 0 || span_equal(bytes_span(&first), bytes_span(&again)));
    }
    tpm_close(t);
    t = connected(&s); /* the keystore restarts */
    CU_ASSERT_EQUAL(tpm_quote_key(t, &again), ST_OK);
    CU_ASSERT(span_equal(bytes_span(&first), bytes_span(&again)));
    tpm_close(t);
    swtpm_stop(&s);

    swtpm_start(&s, "stable"); /* the TPM too, and the root key is destroyed in it */
    t = connected(&s);
    CU_ASSERT_EQUAL(root_tpm_open(&r, t, image), ST_OK);
    CU_ASSERT_EQUAL(root_tpm_destroy(&r), ST_OK);
    CU_ASSERT_EQUAL(tpm_quote_key(t, &again), ST_OK);
    CU_ASSERT(span_equal(bytes_span(&first), bytes_span(&again)));
    tpm_close(t);
    swtpm_stop(&s);

    swtpm_start(&stranger, "stranger");
    t = connected(&stranger);
    CU_ASSERT_EQUAL(tpm_quote_key(t, &strangers), ST_OK);
    CU_ASSERT_FALSE(span_equal(bytes_span(&first), bytes_span(&strangers)));
    tpm_close(t);
    swtpm_stop(&stranger);
    bytes_clear(&first);
    bytes_clear(&again);
    bytes_clear(&strangers);
}

static void a_tpm_that_is_gone_is_unavailable(void)
{
    struct asked a = { 0 };
    struct swtpm s;
    struct tpm *t;

    swtpm_start(&s, "gone");
    t = connected(&s);
    swtpm_stop(&s);
    CU_ASSERT_EQUAL(tpm_quote_key(t, &a.key), ST_UNAVAILABLE);
    CU_ASSERT_EQUAL(tpm_quote(t, ROOT_TPM_PCR, nonce, &a.attest, &a.signature), ST_UNAVAILABLE);
    asked_clear(&a);
    tpm_close(t);
}

/* A TPM that answers its first commands (startup, and two questions for what is loaded) and then as the test has it. */
struct script {
    struct span answers[2];
};

static const uint8_t started[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0 }, failure[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 1, 1 };

static void play(int listener, const struct script *script)
{
    const struct span answers[] = { span_of(started, sizeof started), span_of(failure, sizeof failure),
                                    span_of(failure, sizeof failure), script->answers[0], script->answers[1] };
    int to = accept(listener, NULL, NULL);
    uint8_t command[TPM_MESSAGE_MAX];
    bool ok = to >= 0;

    for (size_t i = 0; ok && i < ARRAY_LEN(answers); i++)
        ok = read(to, command, sizeof command) > 0 && answers[i].len > 0 &&
             write(to, answers[i].p, answers[i].len) == (ssize_t)answers[i].len;
    _exit(0);
}

/* With `quote`, what tpm_quote() says; else tpm_quote_key(). */
static enum status said_to(const struct script *script, bool quote, struct asked *a)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct tpm *t = NULL;
    enum status st;
    pid_t pid;
    int fd;

    snprintf(at.sun_path, sizeof at.sun_path, "%s/script.sock", scratch_directory());
    unlink(at.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
    if ((pid = fork()) == 0)
        play(fd, script);
    CU_ASSERT_EQUAL_FATAL(tpm_open(at.sun_path, &t), ST_OK);
    st = quote ? tpm_quote(t, ROOT_TPM_PCR, nonce, &a->attest, &a->signature) : tpm_quote_key(t, &a->key);
    tpm_close(t);
    close(fd);
    waitpid(pid, NULL, 0);
    return st;
}

/* An answer with sessions: `handle` 0 is none. */
static struct span answer(struct tpm_writer *w, uint32_t handle, const struct tpm_writer *parameters)
{
    w->len = 0;
    w->failed = false;
    tpm_put_u16(w, 0x8002);
    tpm_put_u32(w, (uint32_t)(14 + (handle != 0 ? 4 : 0) + parameters->len));
    tpm_put_u32(w, 0);
    if (handle != 0)
        tpm_put_u32(w, handle);
    tpm_put_u32(w, (uint32_t)parameters->len);
    tpm_put(w, parameters->p, parameters->len);
    CU_ASSERT_FALSE_FATAL(w->failed);
    return span_of(w->p, w->len);
}

/* TPM2B_PUBLIC as of an attestation key, with a coordinate of `x_len` bytes. */
static void put_public(struct tpm_writer *w, uint32_t attributes, uint16_t scheme, size_t x_len, bool more)
{
    static const uint8_t ones[] = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1";
    size_t size;

    w->len = 0;
    w->failed = false;
    size = tpm_size_begin(w);
    tpm_put_u16(w, 0x23); /* ECC */
    tpm_put_u16(w, 0x0b); /* SHA-256 */
    tpm_put_u32(w, attributes);
    tpm_put_u16(w, 0);    /* policy */
    tpm_put_u16(w, 0x10); /* no symmetric algorithm */
    tpm_put_u16(w, scheme);
    tpm_put_u16(w, 0x0b);
    tpm_put_u16(w, 0x03); /* P-256 */
    tpm_put_u16(w, 0x10); /* no KDF */
    tpm_put_sized(w, span_of(ones, x_len));
    tpm_put_sized(w, span_of(ones, 32));
    if (more)
        tpm_put_u8(w, 0);
    tpm_size_end(w, size);
}

static enum status key_from(uint32_t attributes, uint16_t scheme, size_t x_len, bool more, struct asked *a)
{
    struct tpm_writer parameters, whole;
    struct script script = { 0 };

    put_public(&parameters, attributes, scheme, x_len, more);
    script.answers[0] = answer(&whole, 0x80000000, &parameters);
    return said_to(&script, false, a);
}

static void only_the_attestation_key_is_taken(void)
{
    const uint32_t attributes = 0x00050472;
    struct asked a = { 0 };

    CU_ASSERT_EQUAL(key_from(attributes, 0x18, 32, false, &a), ST_OK);
    CU_ASSERT_EQUAL(a.key.len, 91);
    CU_ASSERT(a.key.p[27] == 1 && a.key.p[59] == 1);
    CU_ASSERT_EQUAL(key_from(attributes, 0x18, 30, false, &a), ST_OK); /* without the zeros before it */
    CU_ASSERT(a.key.len == 91 && a.key.p[27] == 0 && a.key.p[28] == 0 && a.key.p[29] == 1 && a.key.p[59] == 1);
    CU_ASSERT_EQUAL(key_from(0x00040472, 0x18, 32, false, &a), ST_INTERNAL); /* not restricted: it signs anything */
    CU_ASSERT_EQUAL(key_from(attributes, 0x1a, 32, false, &a), ST_INTERNAL); /* ECDAA */
    CU_ASSERT_EQUAL(key_from(attributes, 0x18, 33, false, &a), ST_INTERNAL);
    CU_ASSERT_EQUAL(key_from(attributes, 0x18, 32, true, &a), ST_INTERNAL);
    asked_clear(&a);
}

static enum status quote_from(uint16_t scheme, size_t r_len, bool more, struct asked *a)
{
    struct tpm_writer key, made, parameters, quoted;
    struct script script;

    put_public(&key, 0x00050472, 0x18, 32, false);
    script.answers[0] = answer(&made, 0x80000000, &key);
    parameters.len = 0;
    parameters.failed = false;
    tpm_put_sized(&parameters, span_text("attest"));
    tpm_put_u16(&parameters, scheme);
    tpm_put_u16(&parameters, 0x0b);
    tpm_put_sized(&parameters, span_of("a number of thirty-three bytes or less", r_len));
    tpm_put_sized(&parameters, span_of(nonce, 1));
    if (more)
        tpm_put_u8(&parameters, 0);
    script.answers[1] = answer(&quoted, 0, &parameters);
    return said_to(&script, true, a);
}

static void only_ecdsa_signatures_are_taken(void)
{
    static const uint8_t der[] = { 0x30, 7, 2, 2, 'a', ' ', 2, 1, 'a' };
    struct asked a = { 0 };

    CU_ASSERT_EQUAL(quote_from(0x18, 2, false, &a), ST_OK);
    CU_ASSERT(span_is(bytes_span(&a.attest), "attest"));
    CU_ASSERT(span_equal(bytes_span(&a.signature), span_of(der, sizeof der)));
    CU_ASSERT_EQUAL(quote_from(0x14, 2, false, &a), ST_INTERNAL); /* RSASSA */
    CU_ASSERT_EQUAL(quote_from(0x18, 33, false, &a), ST_INTERNAL);
    CU_ASSERT_EQUAL(quote_from(0x18, 2, true, &a), ST_INTERNAL);
    asked_clear(&a);
}

int main(void)
{
    CU_TestInfo cases[] = { { "a quote says what was measured", quote_says_what_was_measured },
                            { "another nonce is another quote", another_nonce_is_another_quote },
                            { "the attestation key is the TPM's for good", key_is_the_tpms_for_good },
                            { "a TPM that is gone is unavailable", a_tpm_that_is_gone_is_unavailable },
                            { "only the attestation key is taken for it", only_the_attestation_key_is_taken },
                            { "only ECDSA signatures are taken", only_ecdsa_signatures_are_taken },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "quotes", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
