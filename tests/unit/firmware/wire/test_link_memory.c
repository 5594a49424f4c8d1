/* The n-th allocation fails, ours or OpenSSL's, for n after n: a link then fails as a whole and says so, leaks nothing
 * (the sanitizers watch) and never opens half. The linker sends our malloc() and calloc() here (--wrap). */
#include <openssl/crypto.h>

#include "tests/unit/firmware/wire/rig.h"
#include "tests/unit/harness.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);

static size_t left = SIZE_MAX; /* allocations that still succeed */

static bool fails(void)
{
    if (left == 0)
        return true;
    left -= left != SIZE_MAX;
    return false;
}

void *__wrap_malloc(size_t len)
{
    return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
    return fails() ? NULL : __real_calloc(n, len);
}

static void *openssl_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return len == 0 || fails() ? NULL : __real_malloc(len);
}

static void *openssl_realloc(void *p, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(p, len);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* A link from nothing to an answer. False: something failed on the way; everything is freed again. */
static bool whole_life(const struct pair *with)
{
    static uint8_t body[20000];
    struct message m = { .id = 1, .kind = MESSAGE_SEED, .body = { body, sizeof body } }, got;
    struct pair p = *with;
    enum status st;
    bool good;

    p.board = p.client = NULL;
    good = link_new_board(p.board_identity, LINK_FRAMING_LENGTH, rig_boot_id, &p.board) == ST_OK &&
           link_new_client(p.client_identity, LINK_FRAMING_LENGTH, &p.client) == ST_OK && pair_pump(&p, 500) == ST_OK &&
           link_is_open(p.board) && link_send(p.client, &m) == ST_OK && link_flush(p.client) == ST_OK &&
           pair_pump(&p, 500) == ST_OK && link_next(p.board, &got, &st) && got.body.len == sizeof body;
    link_free(p.board);
    link_free(p.client);
    return good;
}

static void a_link_fails_as_a_whole(void)
{
    struct pair p;
    bool good = false;

    pair_init(&p, LINK_FRAMING_LENGTH);
    CU_ASSERT_TRUE_FATAL(whole_life(&p)); /* what OpenSSL makes once is made */
    for (size_t n = 0; n < 100000 && !good; n += 1 + n / 64) {
        left = n;
        good = whole_life(&p);
        CU_ASSERT_TRUE(good || left == 0);
        left = SIZE_MAX;
    }
    CU_ASSERT_TRUE(good);
    CU_ASSERT_TRUE(whole_life(&p));
    pair_clear(&p);
}

/* The board's: OSSL_LIB_CTX_new(), which the client's begins with, leaks by itself when an allocation fails. */
static void an_identity_fails_as_a_whole(void)
{
    struct credential c;
    enum status st = ST_NO_MEMORY;

    credential_make(&c, "P-256");
    for (size_t n = 0; n < 100000 && st != ST_OK; n += 1 + n / 16) {
        struct link_identity *id;

        left = n;
        st = link_identity_board(c.key, c.certificate, &id);
        left = SIZE_MAX;
        CU_ASSERT_EQUAL(st == ST_OK, id != NULL);
        link_identity_free(id);
    }
    CU_ASSERT_EQUAL(st, ST_OK);
    credential_clear(&c);
}

int main(void)
{
    static CU_TestInfo cases[] = { { "a link fails as a whole", a_link_fails_as_a_whole },
                                   { "an identity fails as a whole", an_identity_fails_as_a_whole },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "memory", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    INVARIANT(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1);
    return run_suites(suites);
}
