#include <poll.h>
#include <unistd.h>

#include "tests/unit/pkcs11/module/module_rig.h"

#define DEPTH LINK_OUTSTANDING_MAX

static CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };
static CK_STRONGROOM_BATCH_PTR batch;
static CK_SESSION_HANDLE session;
static int descriptor;

static void begin(void)
{
    session = rig_session();
    CU_ASSERT_FATAL(rig.batch->OpenBatch(session, &descriptor, &batch) == CKR_OK);
}

static void end(void)
{
    CU_ASSERT(rig.batch->CloseBatch(batch) == CKR_OK);
    rig_finalize();
}

static bool readable(int ms)
{
    struct pollfd p = { .fd = descriptor, .events = POLLIN };

    return poll(&p, 1, ms) == 1;
}

/* Until `want` results are there, or nothing comes. */
static CK_ULONG reap_all(CK_STRONGROOM_RESULT *results, CK_ULONG want)
{
    CK_ULONG got = 0;

    while (got < want && readable(PATIENCE_MS)) {
        CK_ULONG n = want - got;
        CK_RV rv = rig.batch->Reap(batch, results + got, &n);

        got += n;
        if (rv != CKR_OK)
            break;
    }
    return got;
}

static void arguments_are_checked(void)
{
    CK_STRONGROOM_REQUEST r = { 0 };
    CK_STRONGROOM_RESULT result;
    CK_ULONG n = 1;

    CU_ASSERT(rig.batch->OpenBatch(1, &descriptor, &batch) == CKR_CRYPTOKI_NOT_INITIALIZED);
    CU_ASSERT(rig.batch->Submit(NULL, &r, &n) == CKR_CRYPTOKI_NOT_INITIALIZED);
    begin();
    CU_ASSERT(rig.batch->OpenBatch(12345, &descriptor, &batch) == CKR_SESSION_HANDLE_INVALID);
    CU_ASSERT(rig.batch->OpenBatch(session, NULL, &batch) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->Submit(batch, NULL, &n) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->Submit(batch, &r, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->Submit(NULL, &r, &n) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->Reap(batch, NULL, &n) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->Reap(batch, &result, NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->CloseBatch(NULL) == CKR_ARGUMENTS_BAD);
    CU_ASSERT(rig.batch->WantsWrite(NULL) == CK_FALSE);
    n = 1;
    CU_ASSERT(rig.batch->Reap(batch, &result, &n) == CKR_OK && n == 0);
    end();
}

static void full_depth_in_one_go(void)
{
    static CK_BYTE in[DEPTH][32], out[DEPTH][64];
    CK_STRONGROOM_REQUEST requests[DEPTH + 1];
    CK_STRONGROOM_RESULT results[DEPTH];
    CK_ULONG n = DEPTH + 1;
    bool seen[DEPTH] = { false };

    begin();
    for (CK_ULONG i = 0; i <= DEPTH; i++) {
        in[i % DEPTH][0] = (CK_BYTE)(i % DEPTH);
        requests[i] = (CK_STRONGROOM_REQUEST){ .operation = CK_STRONGROOM_SIGN,
                                               .tag = &seen[i % DEPTH],
                                               .mechanism = &ecdsa,
                                               .key = FAKE_EC_KEY,
                                               .in = in[i % DEPTH],
                                               .in_len = 32,
                                               .out = out[i % DEPTH],
                                               .out_room = 64 };
    }
    for (unsigned round = 0; round < 20; round++) {
        memset(seen, 0, sizeof seen);
        memset(out, 0xee, sizeof out);
        n = DEPTH + 1;
        CU_ASSERT(rig.batch->Submit(batch, requests, &n) == CKR_OK && n == DEPTH); /* and not one more */
        CU_ASSERT_FATAL(reap_all(results, DEPTH) == DEPTH);
        for (unsigned i = 0; i < DEPTH; i++) {
            bool *mine = results[i].tag;
            size_t which = (size_t)(mine - seen);

            CU_ASSERT(results[i].rv == CKR_OK && results[i].out_len == 64 && !*mine);
            CU_ASSERT(out[which][0] == which && out[which][63] == which);
            *mine = true;
        }
    }
    end();
}

static void what_is_wrong_comes_back_as_a_result(void)
{
    CK_BYTE out[64], byte = 1;
    CK_MECHANISM unknown = { CKM_DES3_CBC, NULL, 0 };
    CK_ATTRIBUTE bad = { CKA_LABEL, NULL, 4 };
    CK_STRONGROOM_REQUEST r[] = {
        { .operation = 7, .tag = (void *)0 },
        { .operation = CK_STRONGROOM_SIGN, .tag = (void *)1, .mechanism = NULL, .in = &byte, .in_len = 1 },
        { .operation = CK_STRONGROOM_SIGN, .tag = (void *)2, .mechanism = &unknown, .in = &byte, .in_len = 1 },
        { .operation = CK_STRONGROOM_SIGN, .tag = (void *)3, .mechanism = &ecdsa, .in = NULL, .in_len = 1 },
        { .operation = CK_STRONGROOM_SIGN, .tag = (void *)4, .mechanism = &ecdsa, .in = &byte, .in_len = DATA_MAX + 1 },
        { .operation = CK_STRONGROOM_VERIFY, .tag = (void *)5, .mechanism = &ecdsa, .in = &byte, .in_len = 1 },
        { .operation = CK_STRONGROOM_UNWRAP, .tag = (void *)6, .mechanism = &ecdsa, .in = &byte, .in_len = 0 },
        { .operation = CK_STRONGROOM_UNWRAP,
          .tag = (void *)7,
          .mechanism = &ecdsa,
          .in = &byte,
          .in_len = 1,
          .attributes = &bad,
          .attribute_count = 1 },
        { .operation = CK_STRONGROOM_SIGN,
          .tag = (void *)8,
          .mechanism = &ecdsa,
          .key = FAKE_EC_KEY,
          .in = &byte,
          .in_len = 1,
          .out = out,
          .out_room = 63 },
        { .operation = CK_STRONGROOM_UNWRAP, .tag = (void *)9, .mechanism = &ecdsa, .in = &byte, .in_len = 1 },
        { .operation = CK_STRONGROOM_DESTROY, .tag = (void *)10, .key = 103 },
    };
    static const CK_RV want[] = { CKR_ARGUMENTS_BAD,
                                  CKR_ARGUMENTS_BAD,
                                  CKR_MECHANISM_INVALID,
                                  CKR_ARGUMENTS_BAD,
                                  CKR_DATA_LEN_RANGE,
                                  CKR_ARGUMENTS_BAD,
                                  CKR_WRAPPED_KEY_LEN_RANGE,
                                  CKR_ATTRIBUTE_VALUE_INVALID,
                                  CKR_BUFFER_TOO_SMALL,
                                  CKR_OK,
                                  CKR_OK };
    CK_STRONGROOM_RESULT results[ARRAY_LEN(r)];
    CK_ULONG n = ARRAY_LEN(r);

    begin();
    CU_ASSERT(rig.batch->Submit(batch, r, &n) == CKR_OK && n == ARRAY_LEN(r));
    CU_ASSERT_FATAL(reap_all(results, ARRAY_LEN(r)) == ARRAY_LEN(r));
    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        size_t tag = (size_t)results[i].tag;

        CU_ASSERT(tag < ARRAY_LEN(want) && results[i].rv == want[tag]);
        if (tag == 8)
            CU_ASSERT(results[i].out_len == 64);
        if (tag == 9)
            CU_ASSERT(results[i].handle == 103);
    }
    end();
}

static void large_requests_fill_the_link(void)
{
    static CK_BYTE in[DATA_MAX], iv[16];
    static CK_BYTE out[16][DATA_MAX];
    CK_MECHANISM cbc = { CKM_AES_CBC_PAD, iv, sizeof iv };
    CK_STRONGROOM_RESULT results[16];
    CK_ULONG sent = 0, got = 0;

    memset(in, 3, sizeof in);
    begin();
    while (got < 16) {
        CK_ULONG n = 16 - sent;
        CK_STRONGROOM_REQUEST r[16];
        struct pollfd p = { .fd = descriptor, .events = POLLIN };

        for (CK_ULONG i = 0; i < n; i++)
            r[i] = (CK_STRONGROOM_REQUEST){ .operation = CK_STRONGROOM_DECRYPT,
                                            .mechanism = &cbc,
                                            .key = FAKE_AES_KEY,
                                            .in = in,
                                            .in_len = sizeof in,
                                            .out = out[sent + i],
                                            .out_room = DATA_MAX };
        CU_ASSERT_FATAL(rig.batch->Submit(batch, r, &n) == CKR_OK);
        sent += n;
        if (rig.batch->WantsWrite(batch))
            p.events |= POLLOUT;
        CU_ASSERT_FATAL(poll(&p, 1, PATIENCE_MS) == 1);
        n = 16 - got;
        CU_ASSERT_FATAL(rig.batch->Reap(batch, results + got, &n) == CKR_OK);
        got += n;
    }
    for (unsigned i = 0; i < 16; i++)
        CU_ASSERT(results[i].rv == CKR_OK && results[i].out_len == DATA_MAX && out[i][DATA_MAX - 1] == 3);
    end();
}

static void a_session_goes_on_beside_it(void)
{
    CK_BYTE in[32] = "a", out[64], sig[64];
    CK_STRONGROOM_REQUEST r = { .operation = CK_STRONGROOM_SIGN,
                                .mechanism = &ecdsa,
                                .key = FAKE_EC_KEY,
                                .in = in,
                                .in_len = 32,
                                .out = out,
                                .out_room = 64 };
    CK_STRONGROOM_RESULT result;
    CK_ULONG n = 1, len = sizeof sig;

    begin();
    CU_ASSERT(rig.p11->C_SignInit(session, &ecdsa, FAKE_EC_KEY) == CKR_OK);
    CU_ASSERT(rig.batch->Submit(batch, &r, &n) == CKR_OK);
    CU_ASSERT(rig.p11->C_Sign(session, in, 32, sig, &len) == CKR_OK);
    CU_ASSERT(reap_all(&result, 1) == 1 && result.rv == CKR_OK);
    end();
}

static void the_end_of_the_link(void)
{
    CK_BYTE in[32] = "a", out[64];
    CK_STRONGROOM_REQUEST r[3];
    CK_STRONGROOM_RESULT results[3];
    CK_ULONG n = 3;

    for (unsigned i = 0; i < 3; i++)
        r[i] = (CK_STRONGROOM_REQUEST){ .operation = CK_STRONGROOM_SIGN,
                                        .mechanism = &ecdsa,
                                        .key = FAKE_EC_KEY,
                                        .in = in,
                                        .in_len = 32,
                                        .out = out,
                                        .out_room = 64 };
    begin();
    fake_fail(rig.fake, FAULT_CLOSE_ALL, MESSAGE_COMPUTE, 1);
    CU_ASSERT(rig.batch->Submit(batch, r, &n) == CKR_OK && n == 3);
    CU_ASSERT(reap_all(results, 3) == 3);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT(results[i].rv == CKR_DEVICE_REMOVED && results[i].out_len == 0);
    n = 3;
    CU_ASSERT(rig.batch->Reap(batch, results, &n) == CKR_DEVICE_REMOVED && n == 0);
    n = 3;
    CU_ASSERT(rig.batch->Submit(batch, r, &n) == CKR_DEVICE_REMOVED && n == 0);
    CU_ASSERT(rig.batch->CloseBatch(batch) == CKR_OK);
    /* Opened anew, on a new session. */
    session = rig_session();
    CU_ASSERT(rig.batch->OpenBatch(session, &descriptor, &batch) == CKR_OK);
    n = 3;
    CU_ASSERT(rig.batch->Submit(batch, r, &n) == CKR_OK && n == 3);
    CU_ASSERT(reap_all(results, 3) == 3 && results[0].rv == CKR_OK);
    end();
}

static void a_wrong_answer_ends_the_link(void)
{
    static const enum fault faults[] = { FAULT_OTHER_ID, FAULT_OTHER_KIND, FAULT_GARBAGE };
    CK_BYTE in[32] = "a", out[64];
    CK_STRONGROOM_REQUEST r = { .operation = CK_STRONGROOM_SIGN,
                                .mechanism = &ecdsa,
                                .key = FAKE_EC_KEY,
                                .in = in,
                                .in_len = 32,
                                .out = out,
                                .out_room = 64 };
    CK_STRONGROOM_RESULT result;

    for (unsigned i = 0; i < ARRAY_LEN(faults); i++) {
        CK_ULONG n = 1;

        begin();
        fake_fail(rig.fake, faults[i], MESSAGE_COMPUTE, 1);
        CU_ASSERT(rig.batch->Submit(batch, &r, &n) == CKR_OK);
        CU_ASSERT(reap_all(&result, 1) == 1 && result.rv == CKR_DEVICE_REMOVED);
        end();
    }
}

int main(void)
{
    static CU_TestInfo cases[] = { { "arguments are checked", arguments_are_checked },
                                   { "full depth in one go, again and again", full_depth_in_one_go },
                                   { "what is wrong comes back as a result", what_is_wrong_comes_back_as_a_result },
                                   { "large requests fill the link", large_requests_fill_the_link },
                                   { "a session goes on beside it", a_session_goes_on_beside_it },
                                   { "the end of the link", the_end_of_the_link },
                                   { "a wrong answer ends the link", a_wrong_answer_ends_the_link },
                                   CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = { { "pkcs11 batch", rig_open, rig_close, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
