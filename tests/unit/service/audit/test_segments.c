#include "service/audit/segments.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/service/audit/trails.h"

static const char *directory;
static int directory_fd;

static int set_up(void)
{
    directory = new_trail_path();
    if (mkdir(directory, 0700) != 0)
        return 1;
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory_fd >= 0 ? 0 : 1;
}

static int tear_down(void)
{
    return close(directory_fd);
}

static void segments_are_listed_in_order(void)
{
    static const uint64_t firsts[] = { 300, 1, UINT64_MAX, 20 };
    struct segment_list list;
    char name[SEGMENT_NAME_LEN + 1];

    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        segment_name(name, firsts[i]);
        write_content(directory, name, span_text(""));
    }
    write_content(directory, "head", span_text(""));
    write_content(directory, "audit-00000000000000000300.partial-17", span_text(""));
    CU_ASSERT(segment_list_read(directory_fd, &list) == ST_OK);
    CU_ASSERT_FATAL(list.count == 4);
    CU_ASSERT(list.first[0] == 1 && list.first[1] == 20 && list.first[2] == 300 && list.first[3] == UINT64_MAX);
    segment_list_clear(&list);
}

static void names_that_only_resemble_segments_are_refused(void)
{
    static const char *const names[] = { "audit-.jsonl",
                                         "audit-1.jsonl",
                                         "audit-00000000000000000000.jsonl",
                                         "audit-0000000000000000001x.jsonl",
                                         "audit-18446744073709551616.jsonl",
                                         "audit-000000000000000000001.jsonl" };
    struct segment_list list;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        write_content(directory, names[i], span_text(""));
        CU_ASSERT(segment_list_read(directory_fd, &list) == ST_CORRUPT);
        CU_ASSERT(list.first == NULL);
        remove_content(directory, names[i]);
    }
}

static void a_head_is_read_back_and_nothing_else(void)
{
    struct chain_point at = { .seq = 12345678901234567890u, .hash = { 1, 2, 3, [31] = 0xff } }, read;
    char text[HEAD_LEN];

    head_write(text, &at);
    CU_ASSERT(strncmp(text, "12345678901234567890 0102030000", 31) == 0 && text[HEAD_LEN - 1] == '\n');
    CU_ASSERT(head_parse(span_of(text, HEAD_LEN), &read) == ST_OK && chain_point_equal(&at, &read));
    for (size_t i = 0; i < HEAD_LEN; i++) {
        text[i] ^= 0x10; /* a digit becomes something else */
        CU_ASSERT(head_parse(span_of(text, HEAD_LEN), &read) == ST_CORRUPT);
        text[i] ^= 0x10;
        CU_ASSERT(head_parse(span_of(text, i), &read) == ST_CORRUPT);
    }
    CU_ASSERT(
        head_parse(span_text("99999999999999999999 0000000000000000000000000000000000000000000000000000000000000000\n"),
                   &read) == ST_CORRUPT);
}

static void lines_of_every_length_are_read(void)
{
    static char all[64 * AUDIT_LINE_MAX];
    struct line_reader r;
    struct span line;
    size_t len = 0;
    enum status st;
    int fd;

    for (size_t i = 0; i < 400; i++) { /* across every boundary of the buffer */
        size_t n = (i * 977) % AUDIT_LINE_MAX / 4;

        memset(all + len, 'a' + (int)(i % 26), n);
        len += n;
        all[len++] = '\n';
    }
    memcpy(all + len, "unfinished", 10);
    write_content(directory, "lines", span_of(all, len + 10));
    fd = openat(directory_fd, "lines", O_RDONLY | O_CLOEXEC);
    CU_ASSERT(line_reader_init(&r, fd) == ST_OK);
    for (size_t i = 0; i < 400; i++) {
        CU_ASSERT_FATAL(line_reader_next(&r, &line) == ST_OK);
        CU_ASSERT(line.len == (i * 977) % AUDIT_LINE_MAX / 4);
        CU_ASSERT(line.len == 0 || (line.p[0] == 'a' + i % 26 && line.p[line.len - 1] == 'a' + i % 26));
    }
    CU_ASSERT(r.offset == len);
    CU_ASSERT(line_reader_next(&r, &line) == ST_NOT_FOUND && r.unfinished == 10);
    line_reader_clear(&r);
    close(fd);

    memset(all, 'x', sizeof all);
    all[AUDIT_LINE_MAX - 1] = '\n';
    write_content(directory, "lines", span_of(all, 3 * AUDIT_LINE_MAX));
    fd = openat(directory_fd, "lines", O_RDONLY | O_CLOEXEC);
    CU_ASSERT(line_reader_init(&r, fd) == ST_OK);
    CU_ASSERT(line_reader_next(&r, &line) == ST_OK && line.len == AUDIT_LINE_MAX - 1);
    st = line_reader_next(&r, &line);
    CU_ASSERT(st == ST_TOO_LARGE);
    line_reader_clear(&r);
    close(fd);
}

int main(void)
{
    CU_TestInfo cases[] = { { "segments are listed in order", segments_are_listed_in_order },
                            { "names that only resemble segments are refused",
                              names_that_only_resemble_segments_are_refused },
                            { "a head is read back, and nothing else", a_head_is_read_back_and_nothing_else },
                            { "lines of every length are read, too long ones refused", lines_of_every_length_are_read },
                            CU_TEST_INFO_NULL };
    CU_SuiteInfo suites[] = {
        { .pName = "a trail's files", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = cases },
        CU_SUITE_INFO_NULL
    };

    return run_suites(suites);
}
