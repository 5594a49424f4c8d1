/* What the board keeps in its folder: flash, counter, root key, what it publishes. */
#include "tests/unit/harness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/sim/counter_file.h"
#include "board/sim/directory.h"
#include "board/sim/flash_file.h"
#include "board/sim/pem_file.h"
#include "board/sim/root_file.h"

static const char *path_of(const char *folder, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s/%s", scratch_directory(), folder, name);
    return path;
}

static int open_folder(const char *name)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    CU_ASSERT_EQUAL_FATAL(directory_open(path, &fd), ST_OK);
    return fd;
}

static void new_flash_is_erased_and_keeps_what_is_written(void)
{
    int folder = open_folder("flash");
    uint8_t b[16], erased[16];
    struct flash_file f;

    memset(erased, 0xff, sizeof erased);
    CU_ASSERT_EQUAL_FATAL(flash_file_open(&f, folder), ST_OK);
    for (unsigned r = 0; r < HAL_REGION_COUNT_; r++) {
        size_t last = flash_file_size((enum hal_region)r) - sizeof b;

        CU_ASSERT_EQUAL(flash_file_read(&f, (enum hal_region)r, last, b, sizeof b), ST_OK);
        CU_ASSERT(memcmp(b, erased, sizeof b) == 0);
        memset(b, (int)r + 1, sizeof b);
        CU_ASSERT_EQUAL(flash_file_write(&f, (enum hal_region)r, last, b, sizeof b), ST_OK);
        CU_ASSERT_EQUAL(flash_file_sync(&f, (enum hal_region)r), ST_OK);
    }
    flash_file_close(&f);
    CU_ASSERT_EQUAL_FATAL(flash_file_open(&f, folder), ST_OK);
    for (unsigned r = 0; r < HAL_REGION_COUNT_; r++) {
        size_t size = flash_file_size((enum hal_region)r);

        CU_ASSERT_EQUAL(flash_file_read(&f, (enum hal_region)r, size - sizeof b, b, sizeof b), ST_OK);
        CU_ASSERT(b[0] == r + 1 && b[15] == r + 1);
    }
    flash_file_close(&f);
    close(folder);
}

static void flash_ends_where_it_ends(void)
{
    int folder = open_folder("flash");
    struct flash_file f;
    uint8_t b[2];

    CU_ASSERT_EQUAL_FATAL(flash_file_open(&f, folder), ST_OK);
    CU_ASSERT_EQUAL(flash_file_read(&f, HAL_REGION_AUDIT, FLASH_AUDIT_SIZE - 1, b, 2), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(flash_file_write(&f, HAL_REGION_STORE_A, FLASH_STORE_SIZE, b, 1), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(flash_file_write(&f, HAL_REGION_STORE_A, SIZE_MAX, b, 2), ST_BAD_REQUEST);
    CU_ASSERT_EQUAL(flash_file_write(&f, HAL_REGION_STORE_A, FLASH_STORE_SIZE, b, 0), ST_OK);
    flash_file_close(&f);
    close(folder);
}

static void one_keystore_at_a_time(void)
{
    int folder = open_folder("flash");
    struct flash_file f, g;

    CU_ASSERT_EQUAL_FATAL(flash_file_open(&f, folder), ST_OK);
    CU_ASSERT_EQUAL(flash_file_open(&g, folder), ST_BUSY);
    flash_file_close(&f);
    CU_ASSERT_EQUAL(flash_file_open(&g, folder), ST_OK);
    flash_file_close(&g);
    close(folder);
}

static void flash_of_another_size_is_refused(void)
{
    int folder = open_folder("short");
    struct flash_file f;

    CU_ASSERT_EQUAL_FATAL(flash_file_open(&f, folder), ST_OK);
    flash_file_close(&f);
    CU_ASSERT_EQUAL_FATAL(truncate(path_of("short", "flash-audit"), 100), 0);
    CU_ASSERT_EQUAL(flash_file_open(&f, folder), ST_CORRUPT);
    close(folder);
}

static void files_of_a_wrong_kind_are_refused(void)
{
    int folder = open_folder("kinds"), fd;

    CU_ASSERT_EQUAL(directory_open_file(folder, "missing", 0600, &fd), ST_NOT_FOUND);
    CU_ASSERT_EQUAL_FATAL(symlinkat("/etc/passwd", folder, "link"), 0);
    CU_ASSERT_EQUAL(directory_open_file(folder, "link", 0600, &fd), ST_IO);
    CU_ASSERT_EQUAL_FATAL(mkfifoat(folder, "fifo", 0600), 0);
    CU_ASSERT_EQUAL(directory_open_file(folder, "fifo", 0600, &fd), ST_NOT_PERMITTED);
    CU_ASSERT_EQUAL_FATAL(directory_make_file(folder, "one", 0600, span_text("x"), 1, &fd), ST_OK);
    close(fd);
    CU_ASSERT_EQUAL_FATAL(linkat(folder, "one", folder, "two", 0), 0);
    CU_ASSERT_EQUAL(directory_open_file(folder, "one", 0600, &fd), ST_NOT_PERMITTED);
    close(folder);
}

static void folders_others_write_in_are_refused(void)
{
    int folder = open_folder("shared"), fd;
    char path[128];

    snprintf(path, sizeof path, "%s/shared", scratch_directory());
    CU_ASSERT_EQUAL_FATAL(fchmod(folder, 0777), 0);
    CU_ASSERT_EQUAL(directory_open(path, &fd), ST_NOT_PERMITTED);
    close(folder);
    CU_ASSERT_EQUAL(directory_open("/dev/null", &fd), ST_IO);
}

static void counter_counts_on(void)
{
    int folder = open_folder("counter");
    struct counter_file c;
    uint64_t n = 99;

    for (uint64_t start = 0; start < 3; start++) {
        CU_ASSERT_EQUAL_FATAL(counter_file_open(&c, folder), ST_OK);
        CU_ASSERT_EQUAL(counter_file_read(&c), start);
        CU_ASSERT_EQUAL(counter_file_increment(&c, &n), ST_OK);
        CU_ASSERT_EQUAL(n, start + 1);
        counter_file_close(&c);
    }
    close(folder);
}

/* Spoil the slot written last (the power went), then the other one too. */
static void counter_survives_a_torn_write(void)
{
    int folder = open_folder("torn"), fd;
    struct counter_file c;
    uint64_t n;

    CU_ASSERT_EQUAL_FATAL(counter_file_open(&c, folder), ST_OK);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(counter_file_increment(&c, &n), ST_OK);
    counter_file_close(&c);
    fd = open(path_of("torn", "insecure-counter"), O_RDWR | O_CLOEXEC);
    CU_ASSERT_EQUAL(file_write(fd, 512, "torn", 4), ST_OK); /* 5 is odd: the second slot */
    CU_ASSERT_EQUAL_FATAL(counter_file_open(&c, folder), ST_OK);
    CU_ASSERT_EQUAL(counter_file_read(&c), 4); /* the one before: that write had not been acknowledged */
    counter_file_close(&c);
    CU_ASSERT_EQUAL(file_write(fd, 0, "torn", 4), ST_OK);
    CU_ASSERT_EQUAL(counter_file_open(&c, folder), ST_CORRUPT);
    close(fd);
    close(folder);
}

static void root_key_stays_until_it_is_destroyed(void)
{
    uint8_t first[HAL_ROOT_KEY_LEN] = { 0 }, second[HAL_ROOT_KEY_LEN] = { 1 };
    int folder = open_folder("root");
    struct bytes text = { 0 };
    struct root_file r;
    struct stat st;

    CU_ASSERT_EQUAL_FATAL(root_file_open(&r, folder), ST_OK);
    CU_ASSERT_EQUAL(root_file_key(&r, first), ST_OK);
    root_file_close(&r);
    CU_ASSERT_EQUAL_FATAL(root_file_open(&r, folder), ST_OK);
    CU_ASSERT_EQUAL(root_file_key(&r, second), ST_OK);
    CU_ASSERT(memcmp(first, second, sizeof first) == 0);
    CU_ASSERT_EQUAL(stat(path_of("root", "insecure-root-key"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0400);
    read_file(path_of("root", "insecure-root-key"), &text);
    CU_ASSERT(strncmp(bytes_text(&text), "INSECURE", 8) == 0);

    CU_ASSERT_EQUAL(root_file_destroy(&r), ST_OK);
    CU_ASSERT_EQUAL(root_file_key(&r, second), ST_NOT_FOUND);
    root_file_close(&r);
    CU_ASSERT_EQUAL_FATAL(root_file_open(&r, folder), ST_OK); /* and no new one is made */
    CU_ASSERT_EQUAL(root_file_key(&r, second), ST_NOT_FOUND);
    root_file_close(&r);
    bytes_clear(&text);
    close(folder);
}

static void what_is_published_is_whole(void)
{
    uint8_t der[200], shorter[60];
    int folder = open_folder("identity");
    struct pem_file f;
    struct bytes pem = { 0 };
    struct stat st;

    memset(der, 'a', sizeof der);
    memset(shorter, 'b', sizeof shorter);
    CU_ASSERT_EQUAL_FATAL(pem_file_open(&f, folder, "keystore.pem", "CERTIFICATE", 0), ST_OK);
    CU_ASSERT_EQUAL(stat(path_of("identity", "keystore.pem"), &st), 0);
    CU_ASSERT_EQUAL(st.st_size, 0);
    CU_ASSERT_EQUAL(pem_file_write(&f, span_of(der, sizeof der)), ST_OK);
    CU_ASSERT_EQUAL(pem_file_write(&f, span_of(shorter, sizeof shorter)), ST_OK);
    pem_file_close(&f);
    pem_file_close(&f); /* once more does no harm */
    read_file(path_of("identity", "keystore.pem"), &pem);
    CU_ASSERT(strncmp(bytes_text(&pem), "-----BEGIN CERTIFICATE-----\nYmJi", 32) == 0);
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&pem), "YWFh"));
    CU_ASSERT_EQUAL(stat(path_of("identity", "keystore.pem"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0444);
    bytes_clear(&pem);
    close(folder);
}

static bool only_newlines(const struct bytes *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->p[i] != '\n')
            return false;
    return true;
}

static void what_is_taken_back_leaves_only_newlines(void)
{
    static uint8_t longest[PEM_FILE_CONTENT_MAX + 1];
    int folder = open_folder("destruction");
    struct bytes text = { 0 };
    struct pem_file f;
    struct stat st;

    CU_ASSERT_EQUAL_FATAL(pem_file_open(&f, folder, "destruction", "STRONGROOM STATEMENT", PEM_FILE_MAX), ST_OK);
    CU_ASSERT_EQUAL(stat(path_of("destruction", "destruction"), &st), 0);
    CU_ASSERT_EQUAL(st.st_size, PEM_FILE_MAX);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0444);
    CU_ASSERT_EQUAL(pem_file_write(&f, span_of(longest, sizeof longest)), ST_TOO_LARGE);
    read_file(path_of("destruction", "destruction"), &text);
    CU_ASSERT_TRUE(only_newlines(&text));
    CU_ASSERT_EQUAL(pem_file_write(&f, span_of(longest, sizeof longest - 1)), ST_OK);
    pem_file_close(&f);
    CU_ASSERT_EQUAL_FATAL(pem_file_open(&f, folder, "destruction", "STRONGROOM STATEMENT", PEM_FILE_MAX), ST_OK);
    bytes_reset(&text);
    read_file(path_of("destruction", "destruction"), &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&text), "\n-----END STRONGROOM STATEMENT-----\n\n"));
    CU_ASSERT_EQUAL(pem_file_write(&f, span_of(NULL, 0)), ST_OK);
    bytes_reset(&text);
    read_file(path_of("destruction", "destruction"), &text);
    CU_ASSERT_TRUE(only_newlines(&text));
    CU_ASSERT_EQUAL(text.len, PEM_FILE_MAX); /* the room stays, whatever came and went */
    pem_file_close(&f);
    bytes_clear(&text);
    close(folder);
}

static void published_files_of_a_wrong_kind_are_refused(void)
{
    int folder = open_folder("published"), fd;
    struct pem_file f;

    CU_ASSERT_EQUAL(symlink("/dev/null", path_of("published", "link")), 0);
    CU_ASSERT_NOT_EQUAL(pem_file_open(&f, folder, "link", "CERTIFICATE", 0), ST_OK);
    CU_ASSERT_EQUAL(f.fd, -1);
    CU_ASSERT_EQUAL(mkdir(path_of("published", "folder"), 0700), 0);
    CU_ASSERT_EQUAL(pem_file_open(&f, folder, "folder", "CERTIFICATE", 0), ST_NOT_PERMITTED);
    fd = open(path_of("published", "large"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(ftruncate(fd, PEM_FILE_MAX + 1), 0);
    close(fd);
    CU_ASSERT_EQUAL(pem_file_open(&f, folder, "large", "CERTIFICATE", 0), ST_TOO_LARGE);
    CU_ASSERT_EQUAL(f.fd, -1);
    close(folder);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "new flash is erased and keeps what is written", new_flash_is_erased_and_keeps_what_is_written },
        { "flash ends where it ends", flash_ends_where_it_ends },
        { "one keystore at a time", one_keystore_at_a_time },
        { "flash of another size is refused", flash_of_another_size_is_refused },
        { "files of a wrong kind are refused", files_of_a_wrong_kind_are_refused },
        { "folders others write in are refused", folders_others_write_in_are_refused },
        { "the counter counts on", counter_counts_on },
        { "the counter survives a torn write", counter_survives_a_torn_write },
        { "the root key stays until it is destroyed", root_key_stays_until_it_is_destroyed },
        { "what is published is whole", what_is_published_is_whole },
        { "what is taken back leaves only newlines", what_is_taken_back_leaves_only_newlines },
        { "published files of a wrong kind are refused", published_files_of_a_wrong_kind_are_refused },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { "files of the board", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
