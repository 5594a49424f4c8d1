/* The files that ceremonies carry from machine to machine, the first byte says which: an act, an approval, a release, a
 * backup, a device. What is accepted is written as a file that is accepted and written as the same. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provisioning/attest/device_file.h"
#include "provisioning/ceremony/act_words.h"
#include "provisioning/ceremony/release_file.h"
#include "provisioning/cli/private_file.h"
#include "provisioning/keystore/backup_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct verb verb = { .name = "fuzz" };
static const struct noun noun = { .name = "fuzz" };
static struct invocation in = { .noun = &noun, .verb = &verb };
static char given[64], made[64], again[64];

/* A file of its own in memory would do for reading; what is written must not be there before. */
static void prepare(void)
{
    static char directory[] = "/tmp/fuzz_ceremony_files.XXXXXX";
    int fd;

    if (in.out != NULL)
        return;
    INVARIANT((in.out = in.err = fopen("/dev/null", "w")) != NULL);
    INVARIANT((fd = memfd_create("given", 0)) >= 0 && mkdtemp(directory) != NULL);
    snprintf(given, sizeof given, "/proc/self/fd/%d", fd);
    snprintf(made, sizeof made, "%s/made", directory);
    snprintf(again, sizeof again, "%s/again", directory);
}

static void give(struct span text)
{
    int fd = (int)strtol(given + strlen("/proc/self/fd/"), NULL, 10);

    INVARIANT(ftruncate(fd, 0) == 0 && pwrite(fd, text.p, text.len, 0) == (ssize_t)text.len);
}

static void both_are_the_same(void)
{
    struct bytes one = { 0 }, other = { 0 };

    INVARIANT(file_read(made, ACT_FILE_MAX, &one) == ST_OK && file_read(again, ACT_FILE_MAX, &other) == ST_OK);
    INVARIANT(span_equal(bytes_span(&one), bytes_span(&other)));
    bytes_clear(&one);
    bytes_clear(&other);
    unlink(made);
    unlink(again);
}

static void act(void)
{
    struct act_file a = { 0 }, back = { 0 };
    struct bytes words = { 0 };

    if (act_file_read(&in, given, &a) == EXIT_DONE) {
        INVARIANT(act_words(&a, &words) != ST_OK || words.len > 0);
        INVARIANT(act_file_write(&in, made, &a, span_text("words")) == EXIT_DONE);
        INVARIANT(act_file_read(&in, made, &back) == EXIT_DONE);
        INVARIANT(act_file_write(&in, again, &back, span_text("words")) == EXIT_DONE);
        both_are_the_same();
    }
    bytes_clear(&words);
    act_file_clear(&a);
    act_file_clear(&back);
}

static void approval(void)
{
    struct approval a = { 0 }, back = { 0 };

    if (approval_read(&in, given, &a) == EXIT_DONE) {
        INVARIANT(approval_write(&in, made, &a) == EXIT_DONE && approval_read(&in, made, &back) == EXIT_DONE);
        INVARIANT(approval_write(&in, again, &back) == EXIT_DONE);
        both_are_the_same();
    }
    approval_clear(&a);
    approval_clear(&back);
}

static void release(void)
{
    struct release r = { 0 }, back = { 0 };

    if (release_read(&in, given, &r) == EXIT_DONE) {
        INVARIANT(release_write(&in, made, &r) == EXIT_DONE && release_read(&in, made, &back) == EXIT_DONE);
        INVARIANT(release_write(&in, again, &back) == EXIT_DONE);
        both_are_the_same();
    }
    release_clear(&r);
    release_clear(&back);
}

/* As many parts as it says, none behind. */
static void backup(void)
{
    struct backup_file f = { 0 };
    struct span part = { 0 };
    uint32_t count = 0;
    size_t at = 0;

    if (backup_file_read(&in, given, &f) == EXIT_DONE) {
        for (; backup_file_next(&f, &at, &part); count++)
            INVARIANT(part.len > 0 && part.len <= BACKUP_PART_MAX);
        INVARIANT(count == f.parts && part.p + part.len == f.content.p + f.content.len);
    }
    backup_file_clear(&f);
}

static void device(void)
{
    struct device_file d = { 0 };

    INVARIANT(device_file_read(&in, given, &d) != EXIT_DONE || d.certificate != NULL);
    device_file_clear(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(void) = { act, approval, release, backup, device };

    prepare();
    if (size == 0)
        return 0;
    give(span_of(data + 1, size - 1));
    readers[data[0] % ARRAY_LEN(readers)]();
    return 0;
}
