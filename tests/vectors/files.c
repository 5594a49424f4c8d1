#include <bzlib.h>
#include <dirent.h>
#include <stdio.h>

#include "tests/vectors/sets.h"

#define FILE_SIZE_MAX (64u * 1024 * 1024)

static bool read_plain(FILE *f, struct bytes *out)
{
    char block[65536];
    size_t n;

    while ((n = fread(block, 1, sizeof block, f)) > 0 && out->len < FILE_SIZE_MAX)
        bytes_append(out, block, n);
    return ferror(f) == 0;
}

static bool read_bzip2(FILE *f, struct bytes *out)
{
    int error, ignored;
    char block[65536];
    BZFILE *z = BZ2_bzReadOpen(&error, f, 0, 0, NULL, 0);

    while (error == BZ_OK && out->len < FILE_SIZE_MAX) {
        int n = BZ2_bzRead(&error, z, block, sizeof block);

        if (n > 0)
            bytes_append(out, block, (size_t)n);
    }
    BZ2_bzReadClose(&ignored, z);
    return error == BZ_STREAM_END;
}

json_t *vector_file(const char *path)
{
    size_t len = strlen(path);
    bool packed = len > 4 && strcmp(path + len - 4, ".bz2") == 0, ok;
    struct bytes text = { 0 };
    json_error_t error = { 0 };
    json_t *root = NULL;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return NULL;
    ok = packed ? read_bzip2(f, &text) : read_plain(f, &text);
    fclose(f);
    if (ok && bytes_status(&text) == ST_OK)
        root = json_loadb((const char *)text.p, text.len, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error);
    if (root == NULL)
        fprintf(stderr, "%s: %s\n", path, error.text);
    bytes_clear(&text);
    return root;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **vector_names(const char *folder, const char *end, size_t *count)
{
    DIR *d = opendir(folder);
    char **names = NULL;
    struct dirent *e;

    *count = 0;
    while (d != NULL && (e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name), tail = strlen(end);

        if (len < tail || strcmp(e->d_name + len - tail, end) != 0)
            continue;
        names = realloc(names, (*count + 1) * sizeof *names);
        INVARIANT(names != NULL);
        names[(*count)++] = strdup(e->d_name);
    }
    if (d != NULL)
        closedir(d);
    if (names != NULL)
        qsort(names, *count, sizeof *names, by_name);
    return names;
}
