/* Whatever is done to a trail's files is found. One trail of several segments is written once; each case spoils a copy.
 */
#include "tests/unit/service/audit/trails.h"

#include <stdio.h>
#include <unistd.h>

#include "firmware/base/log.h"
#include "service/audit/checkpoint.h"
#include "service/audit/segments.h"

#define RECORDS   60
#define LINES_MAX 256

static struct trail_image whole; /* closed: its last line is a checkpoint */
static const char *copy;         /* where copies are spoiled */

/* Three signed segments' worth, then a few lines more, closed cleanly. */
static int make_trail(void)
{
    const char *directory = new_trail_path();
    struct audit *a = open_trail(directory, trail_key(), 4096);

    record_many(a, RECORDS);
    audit_close(a);
    a = open_trail(directory, trail_key(), 4096);
    record_many(a, 3);
    audit_close(a);
    image_read(directory, &whole);
    copy = new_trail_path();
    image_write(copy, &whole);
    return count_files(directory, ".jsonl") >= 3 ? 0 : 1;
}

static int drop_trail(void)
{
    image_clear(&whole);
    return 0;
}

/* Is the copy, as it is now, found at fault, and for a reason that has `why` in it? */
static bool found(const char *why)
{
    struct audit_report report;
    enum status st = verify_trail(copy, &report);
    bool ok = st == ST_CORRUPT && strstr(bytes_text(&report.problem), why) != NULL;

    if (!ok)
        printf("\n  not found (%s): \"%s\", wanted \"%s\"\n", status_name(st), bytes_text(&report.problem), why);
    audit_report_clear(&report);
    return ok;
}

static void a_whole_trail_is_whole(void)
{
    struct audit_report report;

    CU_ASSERT(verify_trail(copy, &report) == ST_OK);
    CU_ASSERT(report.records == RECORDS + 3);
    CU_ASSERT(report.segments == whole.segments && report.segments >= 3);
    CU_ASSERT(report.checkpoints >= 4);
    CU_ASSERT(report.unsigned_tail == 0);
    CU_ASSERT(report.closed);
    CU_ASSERT(report.problem.len == 0);
    audit_report_clear(&report);
}

static void another_key_does_not_fit(void)
{
    struct audit_report report;

    CU_ASSERT(audit_verify(copy, other_key(), &report) == ST_CORRUPT);
    CU_ASSERT(strstr(bytes_text(&report.problem), "signature is not valid") != NULL);
    audit_report_clear(&report);
}

static void nothing_there_is_said_so(void)
{
    struct audit_report report;

    CU_ASSERT(verify_trail("/nonexistent/trail", &report) == ST_NOT_FOUND);
    CU_ASSERT(verify_trail(scratch_directory(), &report) == ST_NOT_FOUND);
}

static bool is_checkpoint_line(struct span line)
{
    return span_starts_with(line, span_text("{\"checkpoint\":"));
}

/* Which bytes of a file to flip: all of its first and last lines and of every checkpoint, some of the others. */
static bool is_sampled(struct span content, size_t offset, const struct span *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t start = (size_t)(lines[i].p - content.p);

        if (offset < start || offset > start + lines[i].len)
            continue;
        return i == 0 || i + 2 >= count || is_checkpoint_line(lines[i]) || offset % 11 == 0;
    }
    return false;
}

static void every_flipped_byte_is_found(void)
{
    static const uint8_t flips[] = { 0x01, 0x20, 0x80 };
    struct span lines[LINES_MAX];
    unsigned flipped = 0;

    for (size_t f = 0; f < whole.count; f++) {
        struct file_image *file = &whole.files[f];
        size_t count = split_lines(bytes_span(&file->content), lines, LINES_MAX);

        for (size_t at = 0; at < file->content.len; at++) {
            if (!is_sampled(bytes_span(&file->content), at, lines, count))
                continue;
            file->content.p[at] ^= flips[at % ARRAY_LEN(flips)];
            write_content(copy, file->name, bytes_span(&file->content));
            if (!found("")) {
                printf("  byte %zu of %s\n", at, file->name);
                CU_FAIL("a flipped byte is not found");
            }
            file->content.p[at] ^= flips[at % ARRAY_LEN(flips)];
            flipped++;
        }
        write_content(copy, file->name, bytes_span(&file->content));
    }
    CU_ASSERT(flipped > 1000);
    CU_ASSERT(is_whole(copy, RECORDS + 3));
}

/* Write a segment anew from its lines, with `skip` left out, `twice` doubled and `swap` exchanged with the next. */
#define NONE SIZE_MAX
static void rewrite(const struct file_image *file, size_t skip, size_t twice, size_t swap)
{
    struct span lines[LINES_MAX];
    size_t count = split_lines(bytes_span(&file->content), lines, LINES_MAX);
    struct bytes out = { 0 };

    if (swap != NONE) {
        struct span line = lines[swap];

        lines[swap] = lines[swap + 1];
        lines[swap + 1] = line;
    }
    for (size_t i = 0; i < count; i++) {
        for (int times = i == skip ? 0 : i == twice ? 2 : 1; times > 0; times--) {
            bytes_append_span(&out, lines[i]);
            bytes_append_char(&out, '\n');
        }
    }
    write_content(copy, file->name, bytes_span(&out));
    bytes_clear(&out);
}

static void each_line_is_missed_when_gone(void)
{
    struct span lines[LINES_MAX];

    for (size_t f = 0; f < whole.segments; f++) {
        struct file_image *file = &whole.files[f];
        size_t count = split_lines(bytes_span(&file->content), lines, LINES_MAX);

        for (size_t i = 0; i < count; i++) {
            rewrite(file, i, NONE, NONE);
            CU_ASSERT(found(""));
            rewrite(file, NONE, i, NONE);
            CU_ASSERT(found(f + 1 < whole.segments && i + 1 == count ? "" : "does not follow"));
            if (i + 1 < count) {
                rewrite(file, NONE, NONE, i);
                CU_ASSERT(found("does not follow"));
            }
        }
        write_content(copy, file->name, bytes_span(&file->content));
    }
    CU_ASSERT(is_whole(copy, RECORDS + 3));
}

static void each_segment_is_missed_when_gone(void)
{
    for (size_t f = 0; f < whole.segments; f++) {
        remove_content(copy, whole.files[f].name);
        CU_ASSERT(found(f + 1 < whole.segments ? "missing" : "cut off"));
        write_content(copy, whole.files[f].name, span_of(NULL, 0));
        CU_ASSERT(found(f + 1 < whole.segments ? "empty" : "cut off"));
        write_content(copy, whole.files[f].name, bytes_span(&whole.files[f].content));
    }
    CU_ASSERT(is_whole(copy, RECORDS + 3));
}

static void segments_cannot_change_places(void)
{
    for (size_t f = 0; f + 1 < whole.segments; f++) {
        write_content(copy, whole.files[f].name, bytes_span(&whole.files[f + 1].content));
        write_content(copy, whole.files[f + 1].name, bytes_span(&whole.files[f].content));
        CU_ASSERT(found("does not follow"));
        image_write(copy, &whole);
    }
    write_content(copy, "audit-00000000000000000002.jsonl", bytes_span(&whole.files[1].content));
    CU_ASSERT(found("that the one before has already"));
    image_write(copy, &whole);
    write_content(copy, "audit-2.jsonl", bytes_span(&whole.files[1].content));
    CU_ASSERT(found("not the form"));
    image_write(copy, &whole);
    write_content(copy, "audit-99999999999999999999.jsonl", span_text(""));
    CU_ASSERT(found("not the form")); /* beyond 64 bits */
    image_write(copy, &whole);
}

static void a_cut_end_is_found_at_every_byte(void)
{
    struct file_image *last = &whole.files[whole.segments - 1];

    for (size_t len = 0; len < last->content.len; len++) {
        write_content(copy, last->name, span_of(last->content.p, len));
        CU_ASSERT(found(""));
    }
    write_content(copy, last->name, bytes_span(&last->content));
    for (size_t f = 0; f + 1 < whole.segments; f++) { /* within the trail */
        struct file_image *file = &whole.files[f];

        for (size_t cut = 1; cut < 300; cut++) {
            write_content(copy, file->name, span_of(file->content.p, file->content.len - cut));
            CU_ASSERT(found(""));
        }
        write_content(copy, file->name, bytes_span(&file->content));
    }
    CU_ASSERT(is_whole(copy, RECORDS + 3));
}

static void a_spoiled_head_is_found(void)
{
    struct file_image *head = image_file(&whole, "head");

    remove_content(copy, "head");
    CU_ASSERT(found("the head is missing"));
    for (size_t len = 0; len < head->content.len; len++) {
        write_content(copy, "head", span_of(head->content.p, len));
        CU_ASSERT(found("not readable"));
    }
    bytes_append_char(&head->content, '\n');
    write_content(copy, "head", bytes_span(&head->content));
    CU_ASSERT(found("not readable"));
    head->content.len--;
    write_content(copy, "head", bytes_span(&head->content));
    CU_ASSERT(is_whole(copy, RECORDS + 3));
}

static void strange_lines_are_found(void)
{
    struct file_image *last = &whole.files[whole.segments - 1];
    struct bytes b = { 0 };
    char path[512];

    bytes_append_span(&b, bytes_span(&last->content));
    bytes_append_text(&b, "{\"unfinished\":");
    write_content(copy, last->name, bytes_span(&b));
    CU_ASSERT(found("not finished"));
    bytes_append_text(&b, "1}\n");
    write_content(copy, last->name, bytes_span(&b));
    CU_ASSERT(found("no line of a trail"));
    bytes_reset(&b);
    bytes_append_span(&b, bytes_span(&last->content));
    for (size_t i = 0; i < AUDIT_LINE_MAX + 10; i++)
        bytes_append_char(&b, 'x');
    write_content(copy, last->name, bytes_span(&b));
    CU_ASSERT(found("longer than any"));
    bytes_append_char(&b, '\n');
    write_content(copy, last->name, bytes_span(&b));
    CU_ASSERT(found("longer than any"));
    bytes_clear(&b);
    remove_content(copy, last->name);
    snprintf(path, sizeof path, "%s/%s", copy, last->name);
    CU_ASSERT(symlink("/dev/zero", path) == 0);
    CU_ASSERT(found("symbolic link"));
    image_write(copy, &whole);
}

/* Forging: the whole chain made anew, as someone with the files but not the key can. */

struct forger {
    struct chain_hasher hasher;
    struct chain_point at;
    struct chain_point hashes[LINES_MAX]; /* of the forged lines, to be named in checkpoints */
    uint64_t edit;                        /* the first record from this line on is changed; 0: none */
    bool drop_checkpoints, fix_checkpoints;
};

/* The record of a forged line. A checkpoint gets the forged hash of the line it speaks for, its old signature kept. */
static void forge_record(struct forger *f, const struct chain_line *line, struct bytes *out)
{
    struct checkpoint c;
    char hash[2 * CHAIN_HASH_LEN];

    bytes_reset(out);
    bytes_append_span(out, line->record);
    if (f->edit != 0 && line->seq >= f->edit && !checkpoint_is(line->record)) {
        char *digit = memmem(out->p, out->len, ":200", 4);

        INVARIANT(digit != NULL);
        digit[1] = '4';
        f->edit = 0;
    }
    if (f->fix_checkpoints && checkpoint_parse(line->record, &c) == ST_OK) {
        uint8_t *at = memmem(out->p, out->len, "\"sha256\":\"", 10);

        chain_hex(hash, f->hashes[c.at.seq].hash);
        memcpy(at + 10, hash, sizeof hash);
    }
}

static void forge_segment(struct forger *f, struct file_image *file)
{
    struct span lines[LINES_MAX];
    size_t count = split_lines(bytes_span(&file->content), lines, LINES_MAX);
    struct bytes out = { 0 }, record = { 0 };

    for (size_t i = 0; i < count; i++) {
        struct chain_line line;
        enum status st = chain_parse(lines[i], &line);

        INVARIANT(st == ST_OK);
        if (f->drop_checkpoints && is_checkpoint_line(lines[i]))
            continue;
        forge_record(f, &line, &record);
        st = chain_append(&f->hasher, &out, &f->at, bytes_span(&record), line.source);
        INVARIANT(st == ST_OK && f->at.seq < LINES_MAX);
        f->hashes[f->at.seq] = f->at;
    }
    segment_name(file->name, f->at.seq + 1 - split_lines(bytes_span(&out), lines, LINES_MAX));
    write_content(copy, file->name, bytes_span(&out));
    bytes_clear(&out);
    bytes_clear(&record);
}

static void forge(struct forger *f)
{
    struct trail_image image;
    char head[HEAD_LEN];
    enum status st = chain_hasher_init(&f->hasher);

    INVARIANT(st == ST_OK);
    image_write(copy, &whole);
    image_read(copy, &image);
    for (size_t i = 0; i < image.segments; i++)
        remove_content(copy, image.files[i].name);
    for (size_t i = 0; i < image.segments; i++)
        forge_segment(f, &image.files[i]);
    head_write(head, &f->at);
    write_content(copy, "head", span_of(head, sizeof head));
    image_clear(&image);
    chain_hasher_clear(&f->hasher);
}

static void a_forged_chain_fails_at_a_checkpoint(void)
{
    struct forger nothing = { 0 }, edit = { .edit = 1 }, late = { .edit = RECORDS - 2 };
    struct forger fixed = { .edit = 5, .fix_checkpoints = true };

    forge(&nothing); /* the forger's tools are good: without an edit the same trail comes out */
    CU_ASSERT(is_whole(copy, RECORDS + 3));
    forge(&edit);
    CU_ASSERT(found("names another hash"));
    forge(&late);
    CU_ASSERT(found("names another hash"));
    forge(&fixed);
    CU_ASSERT(found("signature is not valid"));
    image_write(copy, &whole);
}

static void a_chain_without_checkpoints_vouches_for_nothing(void)
{
    struct forger bare = { .edit = 1, .drop_checkpoints = true };
    struct audit_report report;

    forge(&bare);
    CU_ASSERT(verify_trail(copy, &report) == ST_OK);
    CU_ASSERT(report.checkpoints == 0);
    CU_ASSERT(report.unsigned_tail == RECORDS + 3);
    CU_ASSERT(!report.closed);
    audit_report_clear(&report);
    image_write(copy, &whole);
}

/* Append one more line, chained by the rules, with that record; the head is moved on. */
static void append_forged(const char *record, size_t len)
{
    struct chain_hasher hasher;
    struct file_image *last = &whole.files[whole.segments - 1];
    struct chain_point at;
    struct bytes out = { 0 };
    char head[HEAD_LEN];
    enum status st = head_parse(bytes_span(&image_file(&whole, "head")->content), &at);

    bytes_append_span(&out, bytes_span(&last->content));
    if (st == ST_OK && (st = chain_hasher_init(&hasher)) == ST_OK)
        st = chain_append(&hasher, &out, &at, span_of(record, len), span_text("test-d"));
    INVARIANT(st == ST_OK);
    write_content(copy, last->name, bytes_span(&out));
    head_write(head, &at);
    write_content(copy, "head", span_of(head, sizeof head));
    chain_hasher_clear(&hasher);
    bytes_clear(&out);
}

static void old_and_broken_checkpoints_do_not_count(void)
{
    struct span lines[LINES_MAX];
    struct chain_line line;
    size_t count;

    for (size_t f = 0; f < whole.segments; f++) {
        count = split_lines(bytes_span(&whole.files[f].content), lines, LINES_MAX);
        for (size_t i = 0; i < count; i++)
            if (is_checkpoint_line(lines[i]) && chain_parse(lines[i], &line) == ST_OK) {
                append_forged((const char *)line.record.p, line.record.len);
                CU_ASSERT(found("cannot speak for"));
            }
    }
    append_forged("\"checkpoint\":{}", 15);
    CU_ASSERT(found("no checkpoint"));
    append_forged("\"x\":1", 5);
    CU_ASSERT(is_whole(copy, RECORDS + 4)); /* unsigned, and counted so */
    image_write(copy, &whole);
}

static CU_TestInfo verify_cases[] = {
    { "a whole trail is found whole", a_whole_trail_is_whole },
    { "another public key does not fit", another_key_does_not_fit },
    { "no trail is said so", nothing_there_is_said_so },
    { "every flipped byte is found", every_flipped_byte_is_found },
    { "each line is missed when gone, doubled or swapped", each_line_is_missed_when_gone },
    { "each segment is missed when gone or emptied", each_segment_is_missed_when_gone },
    { "segments cannot change places or names", segments_cannot_change_places },
    { "a cut is found at every byte", a_cut_end_is_found_at_every_byte },
    { "a spoiled head is found", a_spoiled_head_is_found },
    { "strange lines are found", strange_lines_are_found },
    { "a forged chain fails at a checkpoint", a_forged_chain_fails_at_a_checkpoint },
    { "a chain without checkpoints vouches for nothing", a_chain_without_checkpoints_vouches_for_nothing },
    { "old and broken checkpoints do not count", old_and_broken_checkpoints_do_not_count },
    CU_TEST_INFO_NULL
};

int main(void)
{
    CU_SuiteInfo suites[] = {
        { .pName = "audit_verify", .pInitFunc = make_trail, .pCleanupFunc = drop_trail, .pTests = verify_cases },
        CU_SUITE_INFO_NULL
    };

    log_set_level(0);
    return run_suites(suites);
}
