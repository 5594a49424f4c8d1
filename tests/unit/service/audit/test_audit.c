/* Writing a trail: what is acknowledged, what is refused, and what happens when the disk or the key does not play
 * along. */
#include "tests/unit/service/audit/trails.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware/base/clock.h"
#include "firmware/base/log.h"

/* The flush of the code under test comes here: to be counted, or to fail as a broken disk does. */
static _Atomic unsigned flushes;
static _Atomic bool flush_fails;

int fdatasync(int fd)
{
    atomic_fetch_add(&flushes, 1);
    if (!atomic_load(&flush_fails))
        return (int)syscall(SYS_fdatasync, fd);
    errno = EIO;
    return -1;
}

static void records_are_on_disk_when_done(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);
    struct trail_image image;
    struct span lines[16];

    CU_ASSERT(audit_is_up(a));
    CU_ASSERT(record_text(a, "\"n\":1") == ST_OK);
    CU_ASSERT(record_text(a, "") == ST_OK);
    CU_ASSERT(record_text(a, "\"text\":\"\\\"source\\\":\\\"x\\\",\\\"seq\\\":9\"") == ST_OK);
    image_read(path, &image);
    CU_ASSERT(image.segments == 1);
    CU_ASSERT_STRING_EQUAL(image.files[0].name, "audit-00000000000000000001.jsonl");
    CU_ASSERT(split_lines(bytes_span(&image.files[0].content), lines, 16) >= 3);
    CU_ASSERT(span_is(lines[0],
                      "{\"n\":1,\"source\":\"test-d\",\"seq\":1,\"prev\":\"00000000000000000000000000000000000"
                      "00000000000000000000000000000\"}"));
    image_clear(&image);
    audit_close(a);
    CU_ASSERT(is_whole(path, 3));
}

static void a_trail_goes_on_where_it_ended(void)
{
    const char *path = new_trail_path();
    struct audit_report report;

    for (unsigned i = 1; i <= 4; i++) {
        struct audit *a = open_trail(path, trail_key(), 0);

        record_many(a, i);
        audit_close(a);
        audit_close(open_trail(path, trail_key(), 0)); /* adds nothing: it is closed */
        CU_ASSERT(verify_trail(path, &report) == ST_OK);
        CU_ASSERT(report.records == i * (i + 1) / 2);
        CU_ASSERT(report.closed && report.unsigned_tail == 0);
        CU_ASSERT(count_files(path, ".jsonl") == 1);
        audit_report_clear(&report);
    }
    audit_close(NULL);
}

static void an_empty_trail_is_whole(void)
{
    const char *path = new_trail_path();

    audit_close(open_trail(path, trail_key(), 0));
    CU_ASSERT(is_whole(path, 0));
    audit_close(open_trail(path, trail_key(), 0));
    CU_ASSERT(is_whole(path, 0));
    CU_ASSERT(count_files(path, ".jsonl") == 0);
}

static enum status try_open(const char *path, const char *source)
{
    struct audit_config config = { .directory = path, .source = source, .signing_key = trail_key() };
    struct audit *a = NULL;
    enum status st = audit_open(&config, &a);

    CU_ASSERT((st == ST_OK) == (a != NULL));
    audit_close(a);
    return st;
}

static void one_writer_at_a_time(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);

    CU_ASSERT(try_open(path, "other") == ST_BUSY);
    record_many(a, 2);
    CU_ASSERT(is_whole(path, 2)); /* verifying needs no turn */
    audit_close(a);
    CU_ASSERT(try_open(path, "other") == ST_OK);
}

static void the_directory_is_ours_alone(void)
{
    const char *path = new_trail_path();
    char other[160];

    CU_ASSERT(mkdir(path, 0700) == 0);
    CU_ASSERT(chmod(path, 0750) == 0);
    CU_ASSERT(try_open(path, "d") == ST_NOT_PERMITTED);
    CU_ASSERT(chmod(path, 0700) == 0);
    CU_ASSERT(try_open(path, "d") == ST_OK);
    snprintf(other, sizeof other, "%s-link", path);
    CU_ASSERT(symlink(path, other) == 0);
    CU_ASSERT(try_open(other, "d") == ST_NOT_PERMITTED);
    CU_ASSERT(unlink(other) == 0);
    write_content(scratch_directory(), "a-file", span_text("x"));
    snprintf(other, sizeof other, "%s/a-file", scratch_directory());
    CU_ASSERT(try_open(other, "d") == ST_NOT_PERMITTED);
    snprintf(other, sizeof other, "%s/none/trail", scratch_directory());
    CU_ASSERT(try_open(other, "d") == ST_IO);
    CU_ASSERT(try_open(path, "") == ST_BAD_REQUEST);
    CU_ASSERT(try_open(path, "Upper") == ST_BAD_REQUEST);
    CU_ASSERT(try_open(path, "quo\"te") == ST_BAD_REQUEST);
    CU_ASSERT(try_open(path, "a23456789012345678901234567890123") == ST_BAD_REQUEST);
}

static void what_no_line_can_be_is_refused(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);
    static char big[AUDIT_RECORD_MAX + 2];
    uint64_t good = 0;

    memset(big, 'x', sizeof big - 1);
    memcpy(big, "\"x\":\"", 5);
    big[AUDIT_RECORD_MAX] = '"';
    CU_ASSERT(record_text(a, big) == ST_TOO_LARGE);
    big[AUDIT_RECORD_MAX - 1] = '"';
    big[AUDIT_RECORD_MAX] = '\0';
    good += record_text(a, big) == ST_OK;
    CU_ASSERT(record_text(a, "\"x\":1\n{\"x\":2") == ST_BAD_REQUEST);
    CU_ASSERT(record_text(a, "\"x\":\"\t\"") == ST_BAD_REQUEST);
    CU_ASSERT(record_text(a, "\"checkpoint\":{}") == ST_BAD_REQUEST);
    CU_ASSERT(record_text(a, "\"trail\":\"recovered\"") == ST_BAD_REQUEST);
    good += record_text(a, "\"x\":\"\xc3\xa9\x7f\"") == ST_OK;
    CU_ASSERT(good == 2);
    CU_ASSERT(audit_is_up(a));
    audit_close(a);
    CU_ASSERT(is_whole(path, 2));
}

/* Many entries in flight. */
struct flight {
    _Atomic unsigned done, failed;
    _Atomic bool blocked; /* the first done waits until this is false */
    _Atomic bool entered;
    _Atomic bool out_of_order;
    unsigned next;
};

struct flown {
    struct audit_entry entry;
    struct flight *flight;
    unsigned number;
};

static void landed(struct audit_entry *e)
{
    struct flown *f = e->owner;

    atomic_store(&f->flight->entered, true);
    while (atomic_load(&f->flight->blocked))
        usleep(100);
    if (f->number != f->flight->next++)
        atomic_store(&f->flight->out_of_order, true);
    if (e->status != ST_OK)
        atomic_fetch_add(&f->flight->failed, 1);
    atomic_fetch_add(&f->flight->done, 1);
}

static enum status launch(struct audit *a, struct flown *f, unsigned number, struct flight *flight)
{
    enum status st;

    *f = (struct flown){ .entry = { .done = landed, .owner = f }, .flight = flight, .number = number };
    bytes_printf(&f->entry.record, "\"number\":%u", number);
    if ((st = audit_submit(a, &f->entry)) != ST_OK)
        bytes_clear(&f->entry.record);
    return st;
}

static void a_full_queue_is_busy(void)
{
    static struct flown flown[64];
    const char *path = new_trail_path();
    struct audit_config config = { .directory = path, .source = "d", .signing_key = trail_key(), .queue_limit = 20 };
    struct flight flight = { .blocked = true };
    struct audit *a = NULL;
    unsigned taken = 1;

    CU_ASSERT_FATAL(audit_open(&config, &a) == ST_OK);
    CU_ASSERT(launch(a, &flown[0], 0, &flight) == ST_OK);
    while (!atomic_load(&flight.entered))
        usleep(100);
    while (taken < ARRAY_LEN(flown) && launch(a, &flown[taken], taken, &flight) == ST_OK)
        taken++;
    CU_ASSERT(taken == 21);
    atomic_store(&flight.blocked, false);
    audit_close(a); /* writes what was submitted */
    CU_ASSERT(flight.done == taken && flight.failed == 0 && !flight.out_of_order);
    CU_ASSERT(is_whole(path, taken));
}

#define THREADS    8
#define PER_THREAD 1500

static void *submitter(void *arg)
{
    struct audit *a = arg;
    static _Thread_local struct flown flown[PER_THREAD];
    struct flight flight = { .done = 0 };

    for (unsigned i = 0; i < PER_THREAD; i++)
        while (launch(a, &flown[i], i, &flight) == ST_BUSY)
            usleep(100);
    while (atomic_load(&flight.done) < PER_THREAD)
        usleep(100);
    return flight.failed == 0 && !flight.out_of_order ? arg : NULL;
}

static void threads_share_a_trail(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 256 * 1024);
    pthread_t threads[THREADS];
    void *good;

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, submitter, a);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &good);
        CU_ASSERT(good != NULL);
    }
    audit_close(a);
    CU_ASSERT(is_whole(path, THREADS * PER_THREAD));
    CU_ASSERT(count_files(path, ".jsonl") >= 3);
}

/* The key */

struct checkpoints {
    const char *path;
    uint64_t at_least;
};

static bool has_checkpoints(void *arg)
{
    struct checkpoints *c = arg;
    struct audit_report report;
    enum status st = verify_trail(c->path, &report);
    bool enough = st == ST_OK && report.checkpoints >= c->at_least;

    audit_report_clear(&report);
    return enough;
}

static void checkpoints_come_while_records_do(void)
{
    struct checkpoints want = { .path = new_trail_path(), .at_least = 1 };
    struct audit *a = open_trail(want.path, trail_key(), 0);
    uint64_t from = clock_monotonic_ms();

    record_many(a, 1);
    CU_ASSERT(wait_until(has_checkpoints, &want));
    record_many(a, 1);
    want.at_least = 2;
    CU_ASSERT(wait_until(has_checkpoints, &want));
    CU_ASSERT(clock_monotonic_ms() - from >= 900); /* not more than one a second */
    audit_close(a);
    CU_ASSERT(is_whole(want.path, 2));
}

static bool asked_twice(void *arg)
{
    unsigned *before = arg;

    return token_key_asked() >= *before + 2;
}

static void a_key_that_fails_fails_no_record(void)
{
    struct checkpoints want = { .path = new_trail_path(), .at_least = 1 };
    struct audit *a = open_trail(want.path, token_key(), 0);
    unsigned before = token_key_asked();
    struct audit_report report;

    token_key_fail(true);
    record_many(a, 5);
    CU_ASSERT(wait_until(asked_twice, &before)); /* it is tried again though no record comes */
    record_many(a, 5);
    CU_ASSERT(audit_is_up(a));
    CU_ASSERT(verify_trail(want.path, &report) == ST_OK);
    CU_ASSERT(report.checkpoints == 0 && report.records == 10 && report.unsigned_tail == 10);
    audit_report_clear(&report);
    token_key_fail(false);
    CU_ASSERT(wait_until(has_checkpoints, &want));
    token_key_fail(true);
    record_many(a, 1);
    audit_close(a);
    token_key_fail(false);
    CU_ASSERT(verify_trail(want.path, &report) == ST_OK);
    CU_ASSERT(!report.closed && report.records == 11 && report.unsigned_tail == 1);
    audit_report_clear(&report);
    audit_close(open_trail(want.path, token_key(), 0)); /* the next one makes up for it */
    CU_ASSERT(verify_trail(want.path, &report) == ST_OK);
    CU_ASSERT(report.closed && report.unsigned_tail == 0);
    audit_report_clear(&report);
}

static bool asked_once(void *arg)
{
    unsigned *before = arg;

    return token_key_asked() > *before;
}

static void records_do_not_wait_for_a_slow_key(void)
{
    struct checkpoints want = { .path = new_trail_path(), .at_least = 1 };
    struct audit *a = open_trail(want.path, token_key(), 0);
    unsigned before = token_key_asked();
    struct audit_report report;

    token_key_hold(true);
    record_many(a, 1);
    CU_ASSERT(wait_until(asked_once, &before));
    record_many(a, 200); /* while it signs */
    CU_ASSERT(verify_trail(want.path, &report) == ST_OK);
    CU_ASSERT(report.records == 201 && report.checkpoints == 0);
    audit_report_clear(&report);
    token_key_hold(false);
    CU_ASSERT(wait_until(has_checkpoints, &want));
    CU_ASSERT(verify_trail(want.path, &report) == ST_OK);
    CU_ASSERT(report.unsigned_tail == 0 || report.unsigned_tail == 200); /* it speaks for the first alone */
    audit_report_clear(&report);
    audit_close(a);
    CU_ASSERT(is_whole(want.path, 201));
}

static void segments_end_even_without_a_signature(void)
{
    const char *path = new_trail_path();
    struct audit *a;

    token_key_fail(true);
    a = open_trail(path, token_key(), 1024);
    record_many(a, 100);
    CU_ASSERT(count_files(path, ".jsonl") >= 4);
    token_key_fail(false);
    audit_close(a);
    CU_ASSERT(is_whole(path, 100));
}

/* The disk */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* Is the text in any segment? */
static bool is_in_trail(const char *path, const char *text)
{
    struct trail_image image;
    bool found = false;

    image_read(path, &image);
    for (size_t i = 0; i < image.segments; i++)
        found = found || strstr(bytes_text(&image.files[i].content), text) != NULL;
    image_clear(&image);
    return found;
}

static bool is_up(void *arg)
{
    return audit_is_up(arg);
}

static void a_full_disk_refuses_until_there_is_room(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);
    unsigned written = 0, refused = 0;
    struct trail_image image;
    enum status st;

    limit_files(4096);
    while ((st = record_text(a, "\"x\":\"until the disk is full\"")) == ST_OK && written < 1000)
        written++;
    CU_ASSERT(st == ST_IO && written > 10 && written < 1000);
    CU_ASSERT(!audit_is_up(a));
    for (refused = 1; refused < 10; refused++)
        CU_ASSERT(record_text(a, "\"x\":\"refused, every one of them\"") == ST_IO);
    CU_ASSERT(is_whole(path, written)); /* nothing of what was refused is there */
    limit_files(RLIM_INFINITY);
    CU_ASSERT(wait_until(is_up, a)); /* by itself, for health to see */
    CU_ASSERT(record_text(a, "\"x\":\"back\"") == ST_OK);
    audit_close(a);
    CU_ASSERT(is_whole(path, written + 2)); /* and the line that says what was refused */
    image_read(path, &image);
    CU_ASSERT(strstr(bytes_text(&image.files[0].content), "{\"trail\":\"resumed\",\"time\":\"") != NULL);
    CU_ASSERT(strstr(bytes_text(&image.files[0].content), "\"refused\":10,") != NULL);
    CU_ASSERT(strstr(bytes_text(&image.files[0].content), "every one of them") == NULL);
    image_clear(&image);
}

/* Some lines of a batch fit, the others do not: none of them may stay. */
static void a_batch_that_fits_in_part_leaves_nothing(void)
{
    static struct flown flown[21];
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);
    struct flight flight = { .blocked = true };

    CU_ASSERT(launch(a, &flown[0], 1000, &flight) == ST_OK);
    flown[0].number = 0;
    while (!atomic_load(&flight.entered))
        usleep(100);
    for (unsigned i = 1; i < ARRAY_LEN(flown); i++)
        CU_ASSERT(launch(a, &flown[i], i, &flight) == ST_OK);
    limit_files(1000);
    atomic_store(&flight.blocked, false);
    while (atomic_load(&flight.done) < ARRAY_LEN(flown))
        usleep(100);
    CU_ASSERT(flight.failed == ARRAY_LEN(flown) - 1);
    CU_ASSERT(is_in_trail(path, "{\"number\":1000,") && !is_in_trail(path, "{\"number\":1,"));
    limit_files(RLIM_INFINITY);
    CU_ASSERT(wait_until(is_up, a));
    audit_close(a);
    CU_ASSERT(is_whole(path, 2));
}

static void a_flush_that_fails_refuses_the_record(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);
    unsigned before;

    for (int i = 0; i < 20; i++) {
        before = atomic_load(&flushes);
        CU_ASSERT(record_text(a, "\"x\":\"good\"") == ST_OK);
        CU_ASSERT(atomic_load(&flushes) > before); /* done comes after the flush */
    }
    atomic_store(&flush_fails, true);
    CU_ASSERT(record_text(a, "\"x\":\"never\"") == ST_IO);
    CU_ASSERT(record_text(a, "\"x\":\"never\"") == ST_IO);
    CU_ASSERT(!audit_is_up(a) && !is_in_trail(path, "never"));
    atomic_store(&flush_fails, false);
    CU_ASSERT(record_text(a, "\"x\":\"good\"") == ST_OK);
    CU_ASSERT(audit_is_up(a));
    audit_close(a);
    CU_ASSERT(is_whole(path, 22) && !is_in_trail(path, "never"));
}

static void a_full_disk_at_a_new_segment_is_no_different(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 1);
    unsigned good = 0;

    for (unsigned i = 0; i < 20; i++) {
        limit_files(i % 3 == 1 ? 0 : RLIM_INFINITY);
        good += record_text(a, "\"x\":1") == ST_OK;
    }
    limit_files(RLIM_INFINITY);
    CU_ASSERT(wait_until(is_up, a));
    CU_ASSERT(good >= 13 && good < 20);
    audit_close(a);
    a = open_trail(path, trail_key(), 1);
    audit_close(a);
    CU_ASSERT(is_whole(path, good + (20 - good))); /* each refusal is followed by a line that says so */
}

static void closing_on_a_full_disk_loses_nothing_acknowledged(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);

    record_many(a, 5);
    limit_files(100);
    CU_ASSERT(record_text(a, "\"x\":1") == ST_IO);
    audit_close(a);
    limit_files(RLIM_INFINITY);
    CU_ASSERT(is_whole(path, 5));
    a = open_trail(path, trail_key(), 0);
    record_many(a, 5);
    audit_close(a);
    CU_ASSERT(is_whole(path, 10));
}

/* The disk has room again, but nobody has noticed yet: closing does, so that the end is signed. */
static void closing_after_a_full_disk_signs_the_end(void)
{
    const char *path = new_trail_path();
    struct audit *a = open_trail(path, trail_key(), 0);
    struct audit_report report;

    record_many(a, 5);
    limit_files(100);
    CU_ASSERT(record_text(a, "\"x\":1") == ST_IO);
    limit_files(RLIM_INFINITY);
    audit_close(a);
    CU_ASSERT(verify_trail(path, &report) == ST_OK);
    CU_ASSERT(report.closed && report.unsigned_tail == 0 && report.records == 6);
    audit_report_clear(&report);
}

static CU_TestInfo audit_cases[] = {
    { "a record is on disk when done is called", records_are_on_disk_when_done },
    { "a trail goes on where it ended", a_trail_goes_on_where_it_ended },
    { "an empty trail is whole", an_empty_trail_is_whole },
    { "one writer at a time", one_writer_at_a_time },
    { "the directory is ours alone, the source has a plain name", the_directory_is_ours_alone },
    { "what cannot stand in a line is refused, alone", what_no_line_can_be_is_refused },
    { "a full queue says busy and loses nothing", a_full_queue_is_busy },
    { "8 threads share a trail", threads_share_a_trail },
    { "checkpoints come while records do, one a second", checkpoints_come_while_records_do },
    { "a key that fails fails no record", a_key_that_fails_fails_no_record },
    { "records do not wait for a slow key", records_do_not_wait_for_a_slow_key },
    { "segments end even without a signature", segments_end_even_without_a_signature },
    { "a full disk refuses until there is room, without trace", a_full_disk_refuses_until_there_is_room },
    { "a batch that fits in part leaves nothing", a_batch_that_fits_in_part_leaves_nothing },
    { "a flush that fails refuses the record", a_flush_that_fails_refuses_the_record },
    { "a full disk at a new segment is no different", a_full_disk_at_a_new_segment_is_no_different },
    { "closing on a full disk loses nothing acknowledged", closing_on_a_full_disk_loses_nothing_acknowledged },
    { "closing after a full disk signs the end", closing_after_a_full_disk_signs_the_end },
    CU_TEST_INFO_NULL
};

int main(void)
{
    CU_SuiteInfo suites[] = { { .pName = "writing a trail", .pTests = audit_cases }, CU_SUITE_INFO_NULL };

    signal(SIGXFSZ, SIG_IGN);
    log_set_level(0);
    return run_suites(suites);
}
