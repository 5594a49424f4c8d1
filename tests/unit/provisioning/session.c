#include "tests/unit/provisioning/session.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"

#define WORDS_MAX 48

bool says(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return true;
    printf("\n  \"%s\" does not say \"%s\"", text, part);
    return false;
}

void said_clear(struct said *said)
{
    free(said->out);
    free(said->err);
    *said = (struct said){ 0 };
}

int session_run_to(const struct noun *nouns, size_t count, const char *const *words, FILE *out, FILE *err)
{
    char name[] = "strongroom", *argv[WORDS_MAX] = { name };
    int argc = 1, code;

    while (words[argc - 1] != NULL) {
        INVARIANT(argc < WORDS_MAX - 1);
        argv[argc] = strdup(words[argc - 1]); /* getopt's words are not const */
        argc++;
    }
    code = command_run(nouns, count, argc, argv, out, err);
    while (argc > 1)
        free(argv[--argc]);
    return code;
}

int session_run(const struct noun *nouns, size_t count, const char *const *words, struct said *said)
{
    size_t out_len, err_len;
    FILE *out, *err;
    int code;

    said_clear(said);
    out = open_memstream(&said->out, &out_len);
    err = open_memstream(&said->err, &err_len);
    INVARIANT(out != NULL && err != NULL);
    code = session_run_to(nouns, count, words, out, err);
    fclose(out);
    fclose(err);
    return code;
}

/* The whole of a stream as a C string. */
static char *slurp(FILE *f)
{
    struct bytes b = { 0 };
    char block[4096];
    size_t n;

    rewind(f);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        bytes_append(&b, block, n);
    fclose(f);
    bytes_append(&b, "", 1);
    INVARIANT(bytes_status(&b) == ST_OK);
    return (char *)b.p;
}

int session_run_apart(const char *const *words, struct said *said)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int status = 0;
    pid_t pid;

    said_clear(said);
    INVARIANT(out != NULL && err != NULL);
    fflush(stdout);
    if ((pid = fork()) == 0) {
        int code = session_run_to(strongroom_nouns, strongroom_noun_count, words, out, err);

        fflush(out);
        fflush(err);
        _exit(code);
    }
    INVARIANT(pid > 0 && waitpid(pid, &status, 0) == pid);
    said->out = slurp(out);
    said->err = slurp(err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *session_path(const char *name, const char *file)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];

    snprintf(path, sizeof paths[0], "%s/%s/%s", scratch_directory(), name, file);
    return path;
}

static void append_line(struct bytes *text, const char *option, const char *path)
{
    bytes_printf(text, "%s = %s\n", option, path);
}

const char *session_config(const char *name)
{
    struct bytes text = { 0 };
    char directory[512];
    static char path[512];

    snprintf(directory, sizeof directory, "%s/%s", scratch_directory(), name);
    INVARIANT(mkdir(directory, 0700) == 0);
    bytes_append_text(&text, "tenant_id = 11111111-2222-4333-8444-555555555555\ntoken_label = strongroom-test\n"
                             "token_module = /usr/lib/softhsm/libsofthsm2.so\n");
    append_line(&text, "management_store", session_path(name, "management.db"));
    append_line(&text, "audit_directory", session_path(name, "audit"));
    append_line(&text, "certificate_file", session_path(name, "tls.pem"));
    append_line(&text, "token_pin_file", session_path(name, "pin"));
    append_line(&text, "token_config", session_path(name, "softhsm2.conf"));
    snprintf(path, sizeof path, "%s", session_path(name, "config"));
    INVARIANT(file_create(path, 0600, bytes_span(&text)) == ST_OK);
    bytes_clear(&text);
    return path;
}
