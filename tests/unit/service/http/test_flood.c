#include "service/http/flood.h"
#include "service/http/frames.h"
#include "service/http/pace.h"
#include "tests/unit/harness.h"

#define SECOND UINT64_C(1000000)

static struct http_limits limits;

static unsigned allowed(struct flood *f, enum flood_kind kind, unsigned tries, uint64_t now_us)
{
    unsigned n = 0;

    while (tries-- > 0)
        n += flood_allows(f, kind, now_us);
    return n;
}

static void a_hundred_at_once(void)
{
    struct flood f;

    limits = http_limits_default;
    flood_init(&f, &limits, SECOND);
    CU_ASSERT(allowed(&f, FLOOD_PING, 100, SECOND) == 100);
    CU_ASSERT(!flood_allows(&f, FLOOD_PING, SECOND));
    CU_ASSERT(flood_allows(&f, FLOOD_SETTINGS, SECOND)); /* each kind has its own */
    CU_ASSERT(allowed(&f, FLOOD_RESET, 100, SECOND) == 100);
    CU_ASSERT(!flood_allows(&f, FLOOD_RESET, SECOND));
}

static void then_so_many_a_second(void)
{
    struct flood f;
    uint64_t now = SECOND;
    unsigned n = 0;

    limits = http_limits_default;
    flood_init(&f, &limits, now);
    (void)allowed(&f, FLOOD_PING, 100, now);
    for (unsigned i = 0; i < 100; i++) /* 10 a second can go on for ever */
        n += flood_allows(&f, FLOOD_PING, now += SECOND / 10);
    CU_ASSERT(n == 100);
    for (n = 0; n < 1000 && flood_allows(&f, FLOOD_PING, now += SECOND / 20); n++)
        ;
    CU_ASSERT(n < 5); /* 20 cannot */
    CU_ASSERT(flood_allows(&f, FLOOD_PING, now + 3600 * SECOND));
    CU_ASSERT(flood_allows(&f, FLOOD_PING, UINT64_MAX - 1)); /* no clock overflows it */
    CU_ASSERT(flood_allows(&f, FLOOD_PING, 5));              /* nor one that stands or goes back */
}

static enum flood_kind classify(struct span frame, size_t piece)
{
    struct frames f;
    enum flood_kind kind = FLOOD_KINDS, last = FLOOD_KINDS;

    limits = http_limits_default;
    frames_init(&f);
    f.preface_left = 0;
    for (size_t at = 0, n; at < frame.len; at += n) {
        size_t most = piece < frame.len - at ? piece : frame.len - at;

        n = frames_read(&f, span_of(frame.p + at, most), &limits, 1, &kind);
        if (kind != FLOOD_KINDS)
            last = kind;
    }
    CU_ASSERT(!frames_partial(&f) || f.in_block);
    return last;
}

static void frames_are_told_apart(void)
{
    static const struct {
        uint8_t bytes[20];
        size_t len;
        enum flood_kind kind;
    } known[] = {
        { { 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 9, FLOOD_EMPTY_DATA },
        { { 0, 0, 0, 0, 1, 0, 0, 0, 1 }, 9, FLOOD_KINDS },                /* ends the stream */
        { { 0, 0, 3, 0, 8, 0, 0, 0, 1, 2, 0, 0 }, 12, FLOOD_EMPTY_DATA }, /* all padding */
        { { 0, 0, 3, 0, 8, 0, 0, 0, 1, 1, 9, 0 }, 12, FLOOD_KINDS },
        { { 0, 0, 0, 1, 4, 0, 0, 0, 1 }, 9, FLOOD_EMPTY_HEADERS },
        { { 0, 0, 0, 9, 0, 0, 0, 0, 1 }, 9, FLOOD_EMPTY_HEADERS },
        { { 0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9 }, 14, FLOOD_PRIORITY },
        { { 0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8 }, 13, FLOOD_RESET },
        { { 0, 0, 0, 4, 0, 0, 0, 0, 0 }, 9, FLOOD_SETTINGS },
        { { 0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 }, 17, FLOOD_PING },
        { { 0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1 }, 13, FLOOD_TINY_WINDOW_UPDATE },
        { { 0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 1, 0, 0 }, 13, FLOOD_KINDS },
        { { 0, 0, 2, 0x10, 0, 0, 0, 0, 0, 1, 2 }, 11, FLOOD_UNKNOWN },
        { { 0, 0, 0, 0xff, 0, 0, 0, 0, 0 }, 9, FLOOD_UNKNOWN },
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        for (size_t piece = 1; piece <= known[i].len; piece++)
            CU_ASSERT(classify(span_of(known[i].bytes, known[i].len), piece) == known[i].kind);
}

static void half_frames_are_half(void)
{
    static const uint8_t block[] = { 0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82, 0, 0, 0, 9, 4, 0, 0, 0, 1 };
    struct frames f;
    enum flood_kind kind;

    frames_init(&f);
    CU_ASSERT(!frames_partial(&f));
    CU_ASSERT(frames_read(&f, span_text("PRI * "), &limits, 5, &kind) == 6 && frames_partial(&f));
    CU_ASSERT(frames_read(&f, span_text("HTTP/2.0\r\n\r\nSM\r\n\r\n"), &limits, 5, &kind) == 18 && !frames_partial(&f));
    CU_ASSERT(frames_read(&f, span_of(block, 10), &limits, 6, &kind) == 10);
    CU_ASSERT(frames_partial(&f) && f.in_block && f.block_since_us == 6); /* END_HEADERS is still to come */
    CU_ASSERT(frames_read(&f, span_of(block + 10, 9), &limits, 7, &kind) == 9 && kind == FLOOD_EMPTY_HEADERS);
    CU_ASSERT(!frames_partial(&f) && !f.in_block);
}

static void what_comes_slowly_is_noticed(void)
{
    struct pace p = { 0 };
    uint64_t now = SECOND;

    limits = http_limits_default;
    CU_ASSERT(pace_holds(&p, false, &limits, now) && p.since_us == 0);
    CU_ASSERT(pace_holds(&p, true, &limits, now));
    p.bytes = 999;
    CU_ASSERT(pace_holds(&p, true, &limits, now + 9 * SECOND));
    CU_ASSERT(!pace_holds(&p, true, &limits, now + 10 * SECOND));
    p.bytes = 1000;
    CU_ASSERT(pace_holds(&p, true, &limits, now + 20 * SECOND));
    CU_ASSERT(!pace_holds(&p, true, &limits, now + 30 * SECOND)); /* each span anew */
    CU_ASSERT(pace_holds(&p, false, &limits, now + 90 * SECOND));
}

static CU_TestInfo cases[] = {
    { "a hundred of a kind at once, not one more", a_hundred_at_once },
    { "then so many a second, for ever", then_so_many_a_second },
    { "frames are told apart however they are cut", frames_are_told_apart },
    { "a frame or header block that stops half-way is known", half_frames_are_half },
    { "less than a thousand bytes in ten seconds is too slow", what_comes_slowly_is_noticed },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "flood, frames, pace", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

int main(void)
{
    return run_suites(suites);
}
