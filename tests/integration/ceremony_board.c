#include "tests/integration/ceremony_board.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/process.h"

#define BLOCK    (64u * 1024)
#define SMALL    (1024u * 1024) /* files up to this are made anew, of larger ones what differs is written */
#define START_MS 30000
#define LOG      "keystored.log"

static const char *program;
static bool has_tpm;
static pid_t keystore, tpm;
static size_t log_start; /* of the present keystore's part of the log */
static char here[256], root[300];

uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

void board_init(const char *keystored, bool with_tpm)
{
    program = keystored;
    has_tpm = with_tpm;
    INVARIANT(getcwd(here, sizeof here) != NULL);
    snprintf(root, sizeof root, has_tpm ? "tpm:%s/tpm.socket" : "insecure-file", here);
}

/* ---- the copy ---- */

static bool write_all(int fd, const uint8_t *p, size_t len, off_t at)
{
    return pwrite(fd, p, len, at) == (ssize_t)len;
}

static bool write_differences(int fd, const uint8_t *from, size_t len)
{
    const uint8_t *now = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    bool ok = now != MAP_FAILED;

    for (size_t at = 0; ok && at < len; at += BLOCK) {
        size_t n = len - at < BLOCK ? len - at : BLOCK;

        if (memcmp(now + at, from + at, n) != 0)
            ok = write_all(fd, from + at, n, (off_t)at);
    }
    if (now != MAP_FAILED)
        munmap((void *)(uintptr_t)now, len);
    return ok;
}

static bool copy_content(const char *to, const uint8_t *from, const struct stat *info)
{
    size_t len = (size_t)info->st_size;
    struct stat there;
    bool ok;
    int fd;

    if (len > SMALL && stat(to, &there) == 0 && there.st_size == info->st_size) {
        fd = open(to, O_RDWR | O_CLOEXEC);
        ok = fd >= 0 && write_differences(fd, from, len);
    } else {
        unlink(to);
        fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ok = fd >= 0 && fchmod(fd, info->st_mode & 07777) == 0 && write_all(fd, from, len, 0);
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool copy_file(int folder, const char *name, const char *to)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    void *from = MAP_FAILED;
    struct stat info;
    bool ok = fd >= 0 && fstat(fd, &info) == 0;

    if (ok && info.st_size > 0)
        ok = (from = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) != MAP_FAILED;
    ok = ok && copy_content(to, from, &info);
    if (from != MAP_FAILED)
        munmap(from, (size_t)info.st_size);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Every file of the folder `from`, and none that is not there. */
static bool copy_folder(const char *from, const char *to)
{
    DIR *old = opendir(to), *d = opendir(from);
    const struct dirent *e;
    char path[512];
    bool ok = d != NULL;

    while (ok && old != NULL && (e = readdir(old)) != NULL)
        if (e->d_name[0] != '.' && faccessat(dirfd(d), e->d_name, F_OK, 0) != 0)
            unlinkat(dirfd(old), e->d_name, 0);
    if (old != NULL)
        closedir(old);
    else
        ok = ok && mkdir(to, 0700) == 0;
    while (ok && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%.200s", to, e->d_name);
            ok = copy_file(dirfd(d), e->d_name, path);
        }
    if (d != NULL)
        closedir(d);
    return ok;
}

/* ---- the TPM ---- */

static bool start_tpm(void)
{
    char state[300], server[320], control[320];
    const char *words[] = { "env",      "swtpm", "socket", "--tpm2", "--tpmstate", state,
                            "--server", server,  "--ctrl", control,  "--flags",    "not-need-init,startup-clear",
                            NULL };

    snprintf(state, sizeof state, "dir=%s/tpm", here);
    snprintf(server, sizeof server, "type=unixio,path=%s/tpm.socket", here);
    snprintf(control, sizeof control, "type=unixio,path=%s/tpm.control", here);
    unlink("tpm.socket");
    unlink("tpm.control");
    if ((tpm = process_spawn("/usr/bin/env", words, "tpm.log")) == 0)
        return false;
    for (uint64_t begin = now_ms(); access("tpm.socket", F_OK) != 0; sleep_ms(2))
        if (now_ms() - begin > START_MS)
            return false;
    return true;
}

bool board_bring(const char *base)
{
    char path[300];

    snprintf(path, sizeof path, "%s/tpm", base);
    if (tpm != 0)
        process_kill(tpm);
    tpm = 0;
    if (has_tpm && (!copy_folder(path, "tpm") || !start_tpm()))
        return false;
    snprintf(path, sizeof path, "%s/board", base);
    unlink(LOG);
    return copy_folder(path, "board");
}

/* ---- the keystore ---- */

static bool log_says(const char *text, size_t from)
{
    static char all[64 * 1024];
    int fd = open(LOG, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? pread(fd, all, sizeof all - 1, (off_t)from) : -1;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return false;
    all[n] = '\0';
    return strstr(all, text) != NULL;
}

bool board_ended_by_itself(void)
{
    if (keystore == 0 || process_await(keystore, 0) < 0)
        return false;
    keystore = 0;
    return true;
}

bool board_start(const char *option, const char *value)
{
    char folder[300], operator[300];
    const char *words[] = { "keystored", "--directory",    folder, "--root", root,
                            "--factory", operator, option, value,  NULL };
    struct stat info;

    snprintf(folder, sizeof folder, "%s/board", here);
    snprintf(operator, sizeof operator, "%s/../operator.pem", here);
    log_start = stat(LOG, &info) == 0 ? (size_t)info.st_size : 0;
    unlink("board/keystore.sock");
    if ((keystore = process_spawn(program, words, LOG)) == 0)
        return false;
    for (uint64_t begin = now_ms(); !log_says("listening on", log_start); sleep_ms(2))
        if (board_ended_by_itself() || now_ms() - begin > START_MS)
            return false;
    return true;
}

void board_kill(void)
{
    if (keystore != 0)
        process_kill(keystore);
    keystore = 0;
}

void board_stop(void)
{
    if (keystore == 0)
        return;
    process_terminate(keystore);
    while (waitpid(keystore, NULL, 0) < 0 && errno == EINTR) {
        /* again */
    }
    keystore = 0;
}

bool board_is_zeroised(void)
{
    return log_says("this keystore was zeroised", log_start);
}

bool board_audit_broke(void)
{
    return log_says("the audit chain does not verify", 0);
}

void board_end(void)
{
    board_kill();
    if (tpm != 0)
        process_kill(tpm);
    tpm = 0;
}
