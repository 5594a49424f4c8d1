/* watch_processes ROOT OUT - writes down what everybody may read of the processes below the process ROOT, every few
 * milliseconds until it is killed: argument list, environment and name, each different content once, appended to the
 * file OUT, "--- NAME cmdline" and the like before it. Root sees those of undumpable processes too. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX  (64u * 1024)
#define DEPTH_MAX 32
#define PERIOD_NS 10000000

static uint64_t seen[SEEN_MAX]; /* hashes; open addressing, 0: free */
static char content[256u * 1024];

static ssize_t read_file(pid_t pid, const char *part, char *out, size_t room)
{
    char path[64];
    ssize_t len;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, part);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return -1;
    len = read(fd, out, room);
    close(fd);
    return len;
}

/* 0: gone. The name, in parentheses, may have anything in it. */
static pid_t parent_of(pid_t pid)
{
    char text[512], *end;
    ssize_t len = read_file(pid, "stat", text, sizeof text - 1);
    int parent = 0;

    if (len <= 0)
        return 0;
    text[len] = '\0';
    return (end = strrchr(text, ')')) != NULL && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_below(pid_t pid, pid_t root)
{
    for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++)
        if ((pid = parent_of(pid)) == root)
            return true;
    return false;
}

/* FNV-1a. */
static bool is_new(const char *part, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uint8_t)part[0];
    size_t at;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)content[i]) * 0x100000001b3u;
    hash |= 1;
    for (at = hash % SEEN_MAX; seen[at] != 0; at = (at + 1) % SEEN_MAX)
        if (seen[at] == hash)
            return false;
    seen[at] = hash;
    return true;
}

static void look_at(pid_t pid, FILE *out)
{
    static const char *const parts[] = { "cmdline", "environ", "comm" };
    char name[64];
    ssize_t len;

    if ((len = read_file(pid, "comm", name, sizeof name - 1)) <= 0)
        return;
    name[len - 1] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if ((len = read_file(pid, parts[i], content, sizeof content)) > 0 && is_new(parts[i], (size_t)len)) {
            fprintf(out, "--- %s %s\n", name, parts[i]);
            fwrite(content, 1, (size_t)len, out);
            fputc('\n', out);
        }
}

static bool look(pid_t root, FILE *out)
{
    DIR *all = opendir("/proc");
    struct dirent *e;
    pid_t pid;

    if (all == NULL)
        return false;
    while ((e = readdir(all)) != NULL)
        if ((pid = (pid_t)strtol(e->d_name, NULL, 10)) > 1 && pid != getpid() && is_below(pid, root))
            look_at(pid, out);
    closedir(all);
    return fflush(out) == 0;
}

int main(int argc, char **argv)
{
    FILE *out = argc == 3 ? fopen(argv[2], "ae") : NULL;
    pid_t root = argc == 3 ? (pid_t)strtol(argv[1], NULL, 10) : 0;

    if (out == NULL || root <= 1)
        return 2;
    while (look(root, out))
        nanosleep(&(struct timespec){ .tv_nsec = PERIOD_NS }, NULL);
    perror("watch_processes");
    return EXIT_FAILURE;
}
