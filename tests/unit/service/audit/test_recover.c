/* Opening a trail that a crash, a power cut or a stranger left. The program runs itself as the process to be killed:
 * `test_audit_recover <directory> <key file>`. */
#include "tests/unit/service/audit/trails.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware/base/log.h"
#include "service/audit/segments.h"

#define KILLS     60
#define LINES_MAX 256

static struct trail_image crashed; /* a trail as it is on disk while its writer runs */
static const char *copy;

static int make_crashed(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, other_key(), 4096); /* its checkpoints are not what is looked at here */

    record_many(a, 50);
    audit_close(a);
    a = open_trail(path, other_key(), 1 << 20);
    record_many(a, 9);
    image_read(path, &crashed);
    audit_close(a);
    copy = new_trail_path();
    return 0;
}

static int drop_crashed(void)
{
    image_clear(&crashed);
    return 0;
}

static struct file_image *last_segment(void)
{
    return &crashed.files[crashed.segments - 1];
}

static enum status try_open(void)
{
    struct audit_config config = { .directory = copy, .source = "test-d", .signing_key = other_key() };
    struct audit *a = NULL;
    enum status st = audit_open(&config, &a);

    if (st == ST_OK && record_text(a, "\"after\":1") != ST_OK)
        st = ST_INTERNAL;
    audit_close(a);
    return st;
}

/* Does the copy open, and is it then whole, with that many records? */
static bool recovers(uint64_t records)
{
    struct audit_report report = { 0 };
    enum status opened = try_open(), st = audit_verify(copy, other_key(), &report);
    bool ok = opened == ST_OK && st == ST_OK && report.records == records && report.closed;

    if (!ok)
        printf("\n  opened: %s; verified: %s; %llu records; %s\n", status_name(opened), status_name(st),
               (unsigned long long)report.records, bytes_text(&report.problem));
    audit_report_clear(&report);
    return ok;
}

static void set_head(uint64_t seq, const struct span *line)
{
    struct chain_point at = { .seq = seq };
    struct chain_hasher hasher;
    char head[HEAD_LEN];
    enum status st = chain_hasher_init(&hasher);

    if (st == ST_OK && line != NULL)
        st = chain_hash(&hasher, *line, at.hash);
    INVARIANT(st == ST_OK);
    chain_hasher_clear(&hasher);
    head_write(head, &at);
    write_content(copy, "head", span_of(head, sizeof head));
}

static void a_crash_between_records_is_no_loss(void)
{
    image_write(copy, &crashed);
    CU_ASSERT(recovers(60));
    CU_ASSERT(count_files(copy, "partial") == 0);
}

static void an_unfinished_line_is_set_aside(void)
{
    static const char rest[] = "{\"operationName\":\"KeySi";
    struct bytes b = { 0 };
    struct trail_image image;

    image_write(copy, &crashed);
    bytes_append_span(&b, bytes_span(&last_segment()->content));
    bytes_append_text(&b, rest);
    write_content(copy, last_segment()->name, bytes_span(&b));
    CU_ASSERT(recovers(61)); /* and the line that says so */
    CU_ASSERT(count_files(copy, ".partial-") == 1);
    image_read(copy, &image);
    for (size_t i = 0; i < image.count; i++)
        if (strstr(image.files[i].name, "partial") != NULL)
            CU_ASSERT(span_is(bytes_span(&image.files[i].content), rest));
    bytes_reset(&b);
    bytes_printf(&b, "\"discarded\":%zu,", sizeof rest - 1);
    CU_ASSERT(strstr(bytes_text(&image_file(&image, last_segment()->name)->content), bytes_text(&b)) != NULL);
    CU_ASSERT(strstr(bytes_text(&image_file(&image, last_segment()->name)->content), "\"reason\":\"recovered\"") !=
                  NULL ||
              strstr(bytes_text(&image_file(&image, last_segment()->name)->content), "\"reason\":\"close\"") != NULL);
    image_clear(&image);
    bytes_clear(&b);
}

/* After a power cut, what was not flushed may be anything: zeros, or later bytes without the earlier ones. */
static void torn_pages_behind_the_head_are_set_aside(void)
{
    static const uint8_t zeros[5000];
    struct span lines[LINES_MAX];
    struct bytes b = { 0 };
    size_t count;

    for (int kind = 0; kind < 3; kind++) {
        image_write(copy, &crashed);
        bytes_reset(&b);
        bytes_append_span(&b, bytes_span(&last_segment()->content));
        count = split_lines(bytes_span(&last_segment()->content), lines, LINES_MAX);
        if (kind != 1)
            bytes_append(&b, zeros, sizeof zeros);
        if (kind != 0) { /* lines that were good elsewhere */
            bytes_append_char(&b, '\n');
            bytes_append_span(&b, lines[count - 1]);
            bytes_append_char(&b, '\n');
        }
        write_content(copy, last_segment()->name, bytes_span(&b));
        CU_ASSERT(recovers(61));
        CU_ASSERT(count_files(copy, ".partial-") == 1);
    }
    bytes_clear(&b);
}

static void whole_lines_behind_an_old_head_are_kept(void)
{
    struct span lines[LINES_MAX];
    size_t count = split_lines(bytes_span(&last_segment()->content), lines, LINES_MAX);
    struct chain_line line;

    for (size_t i = 0; i < count; i++) {
        image_write(copy, &crashed);
        CU_ASSERT(chain_parse(lines[i], &line) == ST_OK);
        set_head(line.seq, &lines[i]);
        CU_ASSERT(recovers(60));
    }
    count = split_lines(bytes_span(&crashed.files[crashed.segments - 2].content), lines, LINES_MAX);
    CU_ASSERT(chain_parse(lines[count - 1], &line) == ST_OK);
    image_write(copy, &crashed);
    set_head(line.seq, &lines[count - 1]); /* the last line of the segment before */
    CU_ASSERT(recovers(60));
    image_write(copy, &crashed);
    set_head(line.seq - 1, &lines[count - 2]); /* heads are flushed before a segment begins */
    CU_ASSERT(try_open() == ST_CORRUPT);
    image_write(copy, &crashed);
    set_head(line.seq, &lines[count - 2]); /* right number, wrong hash */
    CU_ASSERT(try_open() == ST_CORRUPT);
}

static void an_empty_last_segment_is_dropped(void)
{
    struct chain_point head;
    char name[SEGMENT_NAME_LEN + 1];

    CU_ASSERT(head_parse(bytes_span(&image_file(&crashed, "head")->content), &head) == ST_OK);
    segment_name(name, head.seq + 1);
    image_write(copy, &crashed);
    write_content(copy, name, span_of(NULL, 0));
    CU_ASSERT(recovers(60));
    image_write(copy, &crashed);
    write_content(copy, name, span_text("{\"torn"));
    CU_ASSERT(recovers(61));
    segment_name(name, head.seq + 2); /* no crash leaves this */
    image_write(copy, &crashed);
    write_content(copy, name, span_of(NULL, 0));
    CU_ASSERT(try_open() == ST_CORRUPT);
}

static void a_shorter_trail_is_refused(void)
{
    struct span content = bytes_span(&last_segment()->content);

    for (size_t len = 0; len < content.len; len += len + 400 < content.len ? 37 : 1) {
        image_write(copy, &crashed);
        write_content(copy, last_segment()->name, span_of(content.p, len));
        CU_ASSERT(try_open() == ST_CORRUPT);
    }
    image_write(copy, &crashed);
    remove_content(copy, last_segment()->name);
    CU_ASSERT(try_open() == ST_CORRUPT);
    for (size_t i = 0; i < crashed.segments; i++)
        remove_content(copy, crashed.files[i].name);
    CU_ASSERT(try_open() == ST_CORRUPT);
}

static void an_edited_last_segment_is_refused(void)
{
    struct file_image *last = last_segment();

    for (size_t at = 0; at < last->content.len; at += 13) {
        image_write(copy, &crashed);
        last->content.p[at] ^= 1;
        write_content(copy, last->name, bytes_span(&last->content));
        last->content.p[at] ^= 1;
        CU_ASSERT(try_open() == ST_CORRUPT);
    }
}

static void a_missing_or_spoiled_head_is_refused(void)
{
    struct file_image *head = image_file(&crashed, "head");

    image_write(copy, &crashed);
    remove_content(copy, "head");
    CU_ASSERT(try_open() == ST_CORRUPT);
    for (size_t len = 0; len < head->content.len; len++) {
        write_content(copy, "head", span_of(head->content.p, len));
        CU_ASSERT(try_open() == ST_CORRUPT);
    }
    image_write(copy, &crashed);
    set_head(1000, NULL);
    CU_ASSERT(try_open() == ST_CORRUPT);
    image_write(copy, &(struct trail_image){ 0 }); /* died while the first head was made */
    write_content(copy, "head.new", span_text("000"));
    CU_ASSERT(recovers(1));
}

static void two_crashes_are_told_twice(void)
{
    struct bytes b = { 0 };
    struct trail_image image = { 0 };

    image_write(copy, &crashed);
    for (unsigned i = 1; i <= 2; i++) {
        image_read(copy, &image);
        bytes_reset(&b);
        bytes_append_span(&b, bytes_span(&image_file(&image, last_segment()->name)->content));
        bytes_append_text(&b, "torn");
        write_content(copy, last_segment()->name, bytes_span(&b));
        image_clear(&image);
        CU_ASSERT(recovers(60 + 2 * i - 1));
    }
    CU_ASSERT(count_files(copy, "partial") == 2);
    bytes_clear(&b);
}

/* kill -9 */

struct load {
    struct audit_entry entry;
    uint32_t number;
    _Atomic bool done;
};

static void acknowledge(struct audit_entry *e)
{
    struct load *l = e->owner;

    if (e->status != ST_OK || write(STDOUT_FILENO, &l->number, sizeof l->number) != sizeof l->number)
        _exit(1);
    atomic_store(&l->done, true);
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *f = fopen(path, "re");
    EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

    INVARIANT(key != NULL);
    fclose(f);
    return key;
}

/* Records without end; each one's number goes to standard output once it is durable. */
static int write_for_ever(const char *directory, const char *key_path)
{
    static struct load loads[48];
    struct audit *a = open_trail(directory, read_key(key_path), 8192);
    uint32_t number = 0;

    for (size_t i = 0; i < ARRAY_LEN(loads); i++)
        atomic_store(&loads[i].done, true);
    for (;;)
        for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
            struct load *l = &loads[i];

            while (!atomic_load(&l->done))
                usleep(20);
            atomic_store(&l->done, false);
            l->number = number++;
            l->entry = (struct audit_entry){ .done = acknowledge, .owner = l };
            bytes_printf(&l->entry.record, "\"run\":%d,\"number\":%u", (int)getpid(), l->number);
            if (audit_submit(a, &l->entry) != ST_OK)
                return 1;
        }
}

/* Run a writer, kill it after `enough` acknowledgements; returns how many came, and who it was. */
static uint32_t run_and_kill(const char *directory, const char *key_path, uint32_t enough, pid_t *pid)
{
    char *const args[] = { (char *)"test_audit_recover", (char *)directory, (char *)key_path, NULL };
    uint32_t number, count = 0;
    int fds[2], status = 0;

    if (pipe2(fds, O_CLOEXEC) != 0 || (*pid = fork()) < 0)
        CU_FAIL_FATAL("no process to be had");
    if (*pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        execv("/proc/self/exe", args);
        _exit(126);
    }
    close(fds[1]);
    while (read(fds[0], &number, sizeof number) == sizeof number) {
        CU_ASSERT(number == count);
        if (++count == enough)
            kill(*pid, SIGKILL);
    }
    close(fds[0]);
    waitpid(*pid, &status, 0);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return count;
}

/* Are the records 0 to count - 1 of that run in the trail, in order? */
static bool has_records(const char *directory, pid_t pid, uint32_t count)
{
    struct trail_image image;
    struct bytes all = { 0 };
    char text[64];
    const char *at;
    bool ok = true;

    image_read(directory, &image);
    for (size_t i = 0; i < image.segments; i++)
        bytes_append_span(&all, bytes_span(&image.files[i].content));
    at = bytes_text(&all);
    for (uint32_t i = 0; ok && i < count; i++) {
        snprintf(text, sizeof text, "{\"run\":%d,\"number\":%u,", (int)pid, i);
        ok = (at = strstr(at, text)) != NULL;
    }
    bytes_clear(&all);
    image_clear(&image);
    return ok;
}

static void kill_9_loses_nothing_acknowledged(void)
{
    char key_path[128];
    FILE *f;

    snprintf(key_path, sizeof key_path, "%s/key.pem", scratch_directory());
    f = fopen(key_path, "we");
    CU_ASSERT_FATAL(f != NULL && PEM_write_PrivateKey(f, trail_key(), NULL, NULL, 0, NULL, NULL) == 1);
    fclose(f);
    for (unsigned i = 0; i < KILLS;) {
        const char *path = new_trail_path();

        for (unsigned again = 0; again < 5; again++, i++) { /* some of them on a trail killed before */
            struct audit_report report;
            pid_t pid = 0;
            uint32_t acks = run_and_kill(path, key_path, 1 + i * 31 % 400, &pid);
            struct audit *a = open_trail(path, trail_key(), 8192);

            audit_close(a);
            CU_ASSERT(verify_trail(path, &report) == ST_OK);
            CU_ASSERT(report.closed && report.unsigned_tail == 0);
            audit_report_clear(&report);
            CU_ASSERT(has_records(path, pid, acks));
        }
    }
}

static CU_TestInfo recover_cases[] = {
    { "a crash between records is no loss", a_crash_between_records_is_no_loss },
    { "an unfinished line is set aside and said so", an_unfinished_line_is_set_aside },
    { "torn pages behind the head are set aside", torn_pages_behind_the_head_are_set_aside },
    { "whole lines behind an old head are kept", whole_lines_behind_an_old_head_are_kept },
    { "an empty last segment is dropped", an_empty_last_segment_is_dropped },
    { "a trail shorter than its head is refused", a_shorter_trail_is_refused },
    { "an edited last segment is refused", an_edited_last_segment_is_refused },
    { "a missing or spoiled head is refused", a_missing_or_spoiled_head_is_refused },
    { "two crashes are told twice", two_crashes_are_told_twice },
    { "kill -9 loses nothing acknowledged", kill_9_loses_nothing_acknowledged },
    CU_TEST_INFO_NULL
};

int main(int argc, char **argv)
{
    CU_SuiteInfo suites[] = { { .pName = "opening a trail after a crash",
                                .pInitFunc = make_crashed,
                                .pCleanupFunc = drop_crashed,
                                .pTests = recover_cases },
                              CU_SUITE_INFO_NULL };

    if (argc == 3)
        return write_for_ever(argv[1], argv[2]);
    log_set_level(0);
    return run_suites(suites);
}
