#include "provisioning/cli/result_file.h"

#include "provisioning/cli/private_file.h"

#define RESULT_FILES_MAX 4

static struct {
    const char *path;
    struct file_draft draft;
} reserved[RESULT_FILES_MAX];
static size_t count;

static const char *why_not(enum status st)
{
    switch (st) {
    case ST_EXISTS:
        return "exists already, and nothing is replaced";
    case ST_NOT_FOUND:
        return "there is no such directory";
    case ST_NOT_PERMITTED:
        return "no file may be made there";
    case ST_TOO_LARGE:
        return "there is no room for it on the disk";
    default:
        return status_name(st);
    }
}

int result_file_reserve(const struct invocation *in, const char *path, unsigned mode, size_t room)
{
    enum status st;

    for (size_t i = 0; i < count; i++)
        if (strcmp(reserved[i].path, path) == 0)
            return command_misused(in, "%s: two results cannot be one file", path);
    INVARIANT(count < RESULT_FILES_MAX);
    if ((st = file_reserve(path, mode, &reserved[count].draft)) == ST_OK &&
        (st = file_make_room(&reserved[count].draft, room)) != ST_OK)
        file_abandon(&reserved[count].draft);
    if (st != ST_OK)
        return command_refuse(in, "%s: %s", path, why_not(st));
    reserved[count++].path = path;
    return EXIT_DONE;
}

int result_file_write(const struct invocation *in, const char *path, unsigned mode, struct span content)
{
    enum status st;
    size_t i = 0;

    while (i < count && strcmp(reserved[i].path, path) != 0)
        i++;
    if (i == count) {
        st = file_create(path, mode, content);
    } else {
        st = file_fill(&reserved[i].draft, path, content);
        reserved[i] = reserved[--count];
    }
    return st == ST_OK ? EXIT_DONE : command_refuse(in, "%s: %s", path, why_not(st));
}

void result_files_abandon(void)
{
    while (count > 0)
        file_abandon(&reserved[--count].draft);
}
