/* secret_scan SECRETS pid:NAME:PID|PATH... - looks for the secrets of a file (needle.h) in the memory of processes and
 * in files and directories. A process is stopped meanwhile, so that what is seen belongs to one moment; all of its
 * readable mappings are read through /proc/PID/mem, which takes root; one that is locked and kept out of core files is
 * called "secure heap". Says what was found where, never the secret itself, and how much was read. Exit code: 0 nothing
 * found; 1 something; 2 it could not be looked. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/integration/needle.h"

#define BLOCK_LEN (1024u * 1024)
#define PAGE_LEN  4096u

struct scan {
    struct needles *needles;
    const char *where;     /* name of the process, or path */
    const char *mapping;   /* within a process */
    uint64_t base;         /* address or offset of the block */
    uint64_t read, places; /* bytes; mappings or files */
    bool *seen;            /* per secret, at this place: it is told once */
    unsigned found;
    bool failed;
};

static uint8_t block[BLOCK_LEN];

static void report(void *arg, unsigned needle, const char *coding, size_t at)
{
    struct scan *s = arg;

    if (s->seen[needle])
        return;
    s->seen[needle] = true;
    s->found++;
    printf("found: %s (%s) in %s%s%s at %" PRIx64 "\n", needle_name(s->needles, needle), coding, s->where,
           s->mapping[0] != '\0' ? ", " : "", s->mapping, s->base + at);
}

static void begin(struct scan *s, const char *where)
{
    s->where = where;
    s->mapping = "";
    memset(s->seen, 0, needles_count(s->needles) * sizeof *s->seen);
}

/* From `from` to `to` in blocks that overlap by a window; pages that cannot be read are left out. */
static void scan_range(struct scan *s, int fd, uint64_t from, uint64_t to)
{
    size_t kept = 0, want;
    ssize_t n;

    s->places++;
    while (from < to) {
        want = BLOCK_LEN - kept < to - from ? BLOCK_LEN - kept : (size_t)(to - from);
        n = pread(fd, block + kept, want, (off_t)from);
        if (n <= 0) {
            from = (from / PAGE_LEN + 1) * PAGE_LEN;
            kept = 0;
            continue;
        }
        s->base = from - kept;
        needles_search(s->needles, span_of(block, kept + (size_t)n), report, s);
        s->read += (uint64_t)n;
        from += (uint64_t)n;
        n += (ssize_t)kept;
        kept = n < NEEDLE_WINDOW - 1 ? (size_t)n : NEEDLE_WINDOW - 1;
        memmove(block, block + (size_t)n - kept, kept);
    }
}

/* One entry of smaps: where it is comes first, its flags last. */
static void scan_mappings(struct scan *s, FILE *smaps, int mem)
{
    char line[1024], name[512] = "", rights[8] = "", first[8];
    uint64_t from = 0, to = 0, begin, end;

    while (fgets(line, sizeof line, smaps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &begin, &end, first) == 3) {
            from = begin;
            to = end;
            memcpy(rights, first, sizeof rights);
            if (sscanf(line, "%*s %*s %*s %*s %*s %511[^\n]", name) != 1)
                name[0] = '\0';
        }
        if (strncmp(line, "VmFlags:", 8) != 0)
            continue;
        if (rights[0] != 'r' || strcmp(name, "[vsyscall]") == 0 || strcmp(name, "[vvar]") == 0)
            continue;
        s->mapping = strstr(line, " lo") != NULL && strstr(line, " dd") != NULL ? "secure heap" : name;
        scan_range(s, mem, from, to);
    }
}

static void scan_process(struct scan *s, const char *name, pid_t pid)
{
    char path[64];
    uint64_t before = s->read;
    FILE *smaps;
    int mem;

    begin(s, name);
    if (pid <= 0 || kill(pid, SIGSTOP) != 0) {
        printf("%s: no process %d\n", name, pid);
        s->failed = true;
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/smaps", pid);
    smaps = fopen(path, "re");
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    mem = open(path, O_RDONLY | O_CLOEXEC);
    if (smaps != NULL && mem >= 0)
        scan_mappings(s, smaps, mem);
    kill(pid, SIGCONT);
    if (s->read == before) {
        printf("%s: its memory cannot be read: %s\n", name, strerror(errno));
        s->failed = true;
    }
    if (smaps != NULL)
        fclose(smaps);
    if (mem >= 0)
        close(mem);
}

static void scan_file(struct scan *s, const char *path, uint64_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    begin(s, path);
    if (fd < 0) {
        printf("%s: %s\n", path, strerror(errno));
        s->failed = true;
        return;
    }
    scan_range(s, fd, 0, size);
    close(fd);
}

static void scan_tree(struct scan *s, char *path)
{
    char *const roots[] = { path, NULL };
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *e;

    while (tree != NULL && (e = fts_read(tree)) != NULL) {
        if (e->fts_info == FTS_F)
            scan_file(s, e->fts_path, (uint64_t)e->fts_statp->st_size);
        else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
            printf("%s: %s\n", e->fts_path, strerror(e->fts_errno));
            s->failed = true;
        }
    }
    if (tree == NULL)
        s->failed = true;
    else
        fts_close(tree);
}

int main(int argc, char **argv)
{
    struct scan s = { 0 };
    char name[64];
    int pid;

    if (argc < 3 || (s.needles = needles_read(argv[1])) == NULL)
        return 2;
    s.seen = calloc(needles_count(s.needles), sizeof *s.seen);
    if (s.seen == NULL)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 2; i < argc; i++)
        if (sscanf(argv[i], "pid:%63[^:]:%d", name, &pid) == 2)
            scan_process(&s, name, pid);
        else
            scan_tree(&s, argv[i]);
    printf("%u secrets looked for in %" PRIu64 " KiB of %" PRIu64 " places: %u found\n", needles_count(s.needles),
           s.read / 1024, s.places, s.found);
    free(s.seen);
    needles_free(s.needles);
    if (s.failed)
        return 2;
    return s.found > 0 ? 1 : 0;
}
