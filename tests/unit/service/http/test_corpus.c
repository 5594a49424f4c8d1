/* Whatever comes, nothing breaks, and what becomes of it does not depend on how it was cut. */
#include <dirent.h>

#include "tests/unit/harness.h"
#include "tests/unit/service/http/frames.h"
#include "tests/unit/service/http/wire.h"

static struct wire w;
static struct bytes file;

static void each_file(const char *set, void (*use)(const char *path))
{
    const char *found = vectors_folder(set);
    char folder[512], path[1024];
    struct dirent *e;
    unsigned n = 0;
    DIR *d;

    if (found == NULL)
        return;
    snprintf(folder, sizeof folder, "%s", found);
    if ((d = opendir(folder)) == NULL)
        CU_FAIL_FATAL("a folder cannot be read");
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "COPYING") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        read_file(path, &file);
        use(path);
        n++;
    }
    closedir(d);
    bytes_clear(&file);
    CU_ASSERT(n > 0);
}

/* For HTTP/1.1 every byte of the answers must be the same. */
static void h1_file(const char *path)
{
    struct bytes said = { 0 }, seen = { 0 };

    for (size_t piece = 0; piece < 20; piece = piece * 6 + 1) {
        wire_open(&w, false);
        wire_receive(&w, bytes_span(&file), piece);
        if (piece == 0) {
            bytes_append_span(&said, bytes_span(&w.out));
            bytes_append_span(&seen, bytes_span(&w.log));
        }
        CU_ASSERT(span_equal(bytes_span(&said), bytes_span(&w.out)));
        CU_ASSERT(span_equal(bytes_span(&seen), bytes_span(&w.log)));
        if (!span_equal(bytes_span(&said), bytes_span(&w.out)))
            printf("\n  %s, pieces of %zu", path, piece);
        wire_close(&w);
    }
    bytes_clear(&said);
    bytes_clear(&seen);
}

/* For HTTP/2 the order of its own frames may differ, and whether a stream is still open when the next frame for it
 * comes. What the handler saw may not, nor may a connection that ended with an error be one that goes on. */
static void h2_bytes(struct span in, const char *path)
{
    struct bytes seen = { 0 };
    struct said s;

    for (size_t piece = 0; piece < 20; piece = piece * 6 + 1) {
        wire_open(&w, true);
        wire_receive(&w, in, piece);
        wire_pass(&w, 1000);
        s = frames_said(bytes_span(&w.out));
        CU_ASSERT(s.sound && (!s.goaway || s.goaway_code == H2_NO_ERROR || wire_ended(&w)));
        if (piece == 0)
            bytes_append_span(&seen, bytes_span(&w.log));
        CU_ASSERT(span_equal(bytes_span(&seen), bytes_span(&w.log)));
        if (!span_equal(bytes_span(&seen), bytes_span(&w.log)))
            printf("\n  %s, pieces of %zu: %u dispatched", path, piece, w.seen);
        wire_close(&w);
    }
    bytes_clear(&seen);
}

static void h2_file(const char *path)
{
    struct bytes with = { 0 };

    h2_bytes(bytes_span(&file), path);
    if (!span_starts_with(bytes_span(&file), span_text("PRI * HTTP/2.0"))) { /* seeds without their preface */
        frame_put_preface(&with);
        bytes_append_span(&with, bytes_span(&file));
        h2_bytes(bytes_span(&with), path);
        bytes_clear(&with);
    }
}

static void target_of(struct span text)
{
    struct target t;
    size_t total = 0;

    if (target_parse(&t, text) != ST_OK) {
        CU_ASSERT(t.storage.p == NULL);
        return;
    }
    for (size_t i = 0; i < t.segment_count; i++) {
        CU_ASSERT(!span_is(t.segments[i], ".") && !span_is(t.segments[i], "..") && t.segments[i].len > 0);
        CU_ASSERT(memchr(t.segments[i].p, '/', t.segments[i].len) == NULL);
        total += t.segments[i].len;
    }
    for (size_t i = 0; i < t.param_count; i++)
        total += t.params[i].name.len + t.params[i].value.len;
    CU_ASSERT(total <= text.len);
    target_clear(&t);
}

static void url_file(const char *path)
{
    (void)path;
    for (size_t i = 0; i < file.len; i++)
        target_of(span_of(file.p + i, file.len - i));
    for (size_t i = 0; i < file.len; i++)
        if (file.p[i] == ':')
            file.p[i] = '/';
    for (size_t i = 0; i < file.len; i++)
        target_of(span_of(file.p + i, file.len - i));
}

/* The header blocks of a story, "wire": "hex", each as a request of its own; their scheme is http, so each is reset. */
static bool next_block(size_t *at, struct bytes *block)
{
    static const char mark[] = "\"wire\": \"";

    for (; *at + sizeof mark < file.len; ++*at)
        if (memcmp(file.p + *at, mark, sizeof mark - 1) == 0)
            break;
    if (*at + sizeof mark >= file.len)
        return false;
    *at += sizeof mark - 1;
    bytes_reset(block);
    for (; *at + 1 < file.len && file.p[*at] != '"'; *at += 2) {
        const char text[3] = { (char)file.p[*at], (char)file.p[*at + 1], '\0' };

        bytes_append_char(block, (char)strtoul(text, NULL, 16));
    }
    return true;
}

static void story_put(struct bytes *to, size_t changed_block, size_t changed_byte, uint8_t flip)
{
    struct bytes block = { 0 };
    size_t at = 0;

    frame_put_preface(to);
    for (uint32_t n = 0; next_block(&at, &block); n++) {
        if (n == changed_block && changed_byte < block.len)
            block.p[changed_byte] ^= flip;
        if (block.len <= 16384)
            frame_put(to, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 2 * n + 1, bytes_span(&block));
    }
    bytes_clear(&block);
}

static void hpack_file(const char *path)
{
    struct bytes in = { 0 };

    wire_open(&w, true);
    story_put(&in, SIZE_MAX, 0, 0);
    wire_receive(&w, bytes_span(&in), 0);
    CU_ASSERT(frames_said(bytes_span(&w.out)).sound);
    /* These assume a table larger than the one we offer. */
    if (strstr(path, "16384") == NULL && strstr(path, "change-table-size") == NULL) {
        CU_ASSERT(frames_said(bytes_span(&w.out)).goaway_code != H2_COMPRESSION_ERROR);
    }
    wire_close(&w);
    for (size_t i = 0; i < 120; i += 5) {
        bytes_reset(&in);
        story_put(&in, i % 3, i, (uint8_t)(1u << i % 8));
        wire_open(&w, true);
        wire_receive(&w, bytes_span(&in), 0);
        CU_ASSERT(frames_said(bytes_span(&w.out)).sound);
        wire_close(&w);
    }
    bytes_clear(&in);
}

static void h1_corpus(void)
{
    each_file("http/h1-corpus", h1_file);
}
static void h2_corpus(void)
{
    each_file("http/h2-corpus", h2_file);
    each_file("http/h2-frames/h2spec", h2_file);
    each_file("http/h2-frames/nghttp", h2_file);
}
static void url_corpus(void)
{
    each_file("http/url-corpus", url_file);
}
static void hpack_stories(void)
{
    static const char *const sets[] = {
        "hpack/go-hpack",         "hpack/haskell-http2-linear", "hpack/haskell-http2-naive-huffman",
        "hpack/nghttp2",          "hpack/nghttp2-16384-4096",   "hpack/nghttp2-change-table-size",
        "hpack/node-http2-hpack", "hpack/python-hpack"
    };

    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        each_file(sets[i], hpack_file);
}

static CU_TestInfo cases[] = {
    { "HTTP/1.1 seeds: the same bytes said, however they are cut", h1_corpus },
    { "HTTP/2 seeds: the same requests, however they are cut", h2_corpus },
    { "URLs: what is taken holds no dots, slashes or more than was given", url_corpus },
    { "header blocks of eight encoders are decoded; changed ones break nothing", hpack_stories },
    CU_TEST_INFO_NULL,
};
static CU_SuiteInfo suites[] = { { "corpus", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

int main(void)
{
    return run_suites(suites);
}
