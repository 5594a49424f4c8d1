/* Run when the CLI is built: writes what is made of its table of commands, the manual pages and the completion, into
 * <directory>/man/man1 and <directory>/bash-completion/completions. */
#include <errno.h>
#include <sys/stat.h>

#include "provisioning/cli/completion.h"
#include "provisioning/cli/manual.h"
#include "provisioning/nouns.h"

static FILE *create(const char *directory, const char *folder, const char *name)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s/%s", directory, folder, name);
    if ((f = fopen(path, "w")) == NULL)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return f;
}

static bool finish(FILE *f)
{
    return fflush(f) == 0 && fclose(f) == 0;
}

static bool make_folders(const char *directory)
{
    static const char *const folders[] = { "", "/man", "/man/man1", "/bash-completion",
                                           "/bash-completion/completions" };
    char path[4096];

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof path, "%s%s", directory, folders[i]);
        if (mkdir(path, 0755) != 0 && errno != EEXIST) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
            return false;
        }
    }
    return true;
}

static bool write_nouns(const char *directory)
{
    for (size_t i = 0; i < strongroom_noun_count; i++) {
        char name[64];
        FILE *f;

        snprintf(name, sizeof name, "strongroom-%s.1", strongroom_nouns[i].name);
        if ((f = create(directory, "man/man1", name)) == NULL)
            return false;
        manual_noun(&strongroom_nouns[i], f);
        if (!finish(f))
            return false;
    }
    return true;
}

static bool write_all(const char *directory)
{
    FILE *f;

    if (!make_folders(directory) || !write_nouns(directory) ||
        (f = create(directory, "bash-completion/completions", "strongroom")) == NULL)
        return false;
    completion_bash(strongroom_nouns, strongroom_noun_count, f);
    if (!finish(f) || (f = create(directory, "man/man1", "strongroom.1")) == NULL)
        return false;
    manual_overview(strongroom_nouns, strongroom_noun_count, f);
    return finish(f);
}

int main(int argc, char **argv)
{
    return argc == 2 && write_all(argv[1]) ? EXIT_DONE : EXIT_REFUSED;
}
