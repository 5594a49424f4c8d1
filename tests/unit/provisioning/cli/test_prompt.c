/* provisioning/cli/prompt.c and terminal.c, on a terminal whose other end the test holds. */
#include "provisioning/cli/prompt.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provisioning/cli/private_file.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/pty.h"
#include "tests/unit/provisioning/session.h"

#define SECRET "tr0ub4dor & 3"

static struct pty terminal;

static void play(int (*child)(void *arg), void *arg)
{
    pty_start(&terminal, child, arg);
}

/* The exit code; the terminal must be as it was. */
static int end(void)
{
    int code = pty_end(&terminal);

    CU_ASSERT_TRUE(pty_echoes(&terminal));
    return code;
}

static struct invocation invocation(void)
{
    static const struct noun noun = { "noun", "", NULL };
    static const struct verb verb = { .name = "verb" };

    return (struct invocation){ .noun = &noun, .verb = &verb, .out = stdout, .err = stderr };
}

/* In the child: 0 when what came is `arg`, 42 when it is something else. */
static int ask_secret(void *arg)
{
    struct invocation in = invocation();
    struct secret s = { 0 };
    int code = prompt_secret(&in, "Passphrase", &s);

    if (code == EXIT_DONE && !span_is(secret_span(&s), arg))
        code = 42;
    if (code != EXIT_DONE && code != 42 && s.p != NULL)
        code = 43;
    secret_clear(&s);
    return code;
}

static int ask_new(void *arg)
{
    struct invocation in = invocation();
    struct secret s = { 0 };
    int code = prompt_new_secret(&in, "New passphrase", 8, &s);

    if (code == EXIT_DONE && !span_is(secret_span(&s), arg))
        code = 42;
    secret_clear(&s);
    return code;
}

static int ask_word(void *arg)
{
    struct invocation in = invocation();

    return prompt_confirm(&in, "All keys are destroyed.", arg);
}

static char secret_text[] = SECRET, word[] = "destroy";

static void is_read_and_not_shown(void)
{
    play(ask_secret, secret_text);
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    CU_ASSERT_FALSE(pty_echoes(&terminal));
    pty_type(&terminal, SECRET "\n");
    CU_ASSERT_EQUAL(end(), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(bytes_text(&terminal.screen), "Passphrase: \r\n");
    pty_clear(&terminal);
}

/* What lies in the terminal before the question is no answer. */
static int ask_late(void *arg)
{
    char go;

    if (write(STDOUT_FILENO, "early\n", 6) != 6 || read(STDIN_FILENO, &go, 1) != 1)
        return 44;
    return ask_secret(arg);
}

static void typed_too_early(void)
{
    play(ask_late, secret_text);
    CU_ASSERT(pty_await(&terminal, "early"));
    pty_type(&terminal, "\nnot this\n"); /* the first line lets the child go on; the second is there already */
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    pty_type(&terminal, SECRET "\n");
    CU_ASSERT_EQUAL(end(), EXIT_DONE);
    pty_clear(&terminal);
}

static void lengths(void)
{
    static const struct {
        size_t len;
        int code;
    } cases[] = {
        { 0, EXIT_REFUSED },
        { 1, EXIT_DONE },
        { PASSPHRASE_MAX, EXIT_DONE },
        { PASSPHRASE_MAX + 1, EXIT_REFUSED },
        { PASSPHRASE_MAX + 2, EXIT_REFUSED },
        { 3 * PASSPHRASE_MAX, EXIT_REFUSED },
    };
    char text[4 * PASSPHRASE_MAX];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memset(text, 'q', cases[i].len);
        text[cases[i].len] = '\0';
        play(ask_secret, text);
        CU_ASSERT(pty_await(&terminal, "Passphrase: "));
        pty_type(&terminal, text);
        pty_type(&terminal, "\n");
        CU_ASSERT_EQUAL(end(), cases[i].code);
        CU_ASSERT_PTR_NULL(strstr(bytes_text(&terminal.screen), "qq"));
        pty_clear(&terminal);
    }
}

static void ends_by(const char *typed, int signal_number, const char *why)
{
    play(ask_secret, secret_text);
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    CU_ASSERT_FALSE(pty_echoes(&terminal));
    pty_type(&terminal, typed);
    if (signal_number != 0)
        CU_ASSERT_EQUAL(kill(terminal.pid, signal_number), 0);
    CU_ASSERT_EQUAL(end(), EXIT_REFUSED);
    CU_ASSERT(says(bytes_text(&terminal.screen), why));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&terminal.screen), "half"));
    pty_clear(&terminal);
}

static void interrupted(void)
{
    ends_by("half a sec\003", 0, "interrupted");
    ends_by("half a sec\034", 0, "interrupted");
    ends_by("half a sec", SIGTERM, "interrupted");
    ends_by("half a sec", SIGHUP, "interrupted");
    ends_by("\004", 0, "nothing was typed");
}

/* nohup's wish: a signal that was ignored stays so. */
static int ask_unimpressed(void *arg)
{
    signal(SIGHUP, SIG_IGN);
    return ask_secret(arg);
}

static void ignored_stays_ignored(void)
{
    play(ask_unimpressed, secret_text);
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    CU_ASSERT_EQUAL(kill(terminal.pid, SIGHUP), 0);
    pty_type(&terminal, SECRET "\n");
    CU_ASSERT_EQUAL(end(), EXIT_DONE);
    pty_clear(&terminal);
}

/* ^Z: the terminal is the shell's again; then the question is put anew, and half an answer is forgotten. */
static void stopped_and_continued(void)
{
    play(ask_secret, secret_text);
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    pty_type(&terminal, "half a sec");
    CU_ASSERT_EQUAL(kill(terminal.pid, SIGTSTP), 0);
    CU_ASSERT(pty_await_stop(&terminal));
    CU_ASSERT_TRUE(pty_echoes(&terminal));
    CU_ASSERT_EQUAL(kill(terminal.pid, SIGCONT), 0);
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    CU_ASSERT_FALSE(pty_echoes(&terminal));
    pty_type(&terminal, SECRET "\n");
    CU_ASSERT_EQUAL(end(), EXIT_DONE);
    pty_clear(&terminal);
}

static void asked_twice(const char *first, const char *second, int code, const char *why)
{
    play(ask_new, secret_text);
    CU_ASSERT(pty_await(&terminal, "New passphrase: "));
    pty_type(&terminal, first);
    pty_type(&terminal, "\n");
    if (second != NULL) {
        CU_ASSERT(pty_await(&terminal, "New passphrase, again: "));
        CU_ASSERT_FALSE(pty_echoes(&terminal));
        pty_type(&terminal, second);
        pty_type(&terminal, "\n");
    }
    CU_ASSERT_EQUAL(end(), code);
    CU_ASSERT(says(bytes_text(&terminal.screen), why));
    CU_ASSERT_PTR_NULL(strstr(bytes_text(&terminal.screen), first));
    pty_clear(&terminal);
}

static void new_secret(void)
{
    asked_twice(SECRET, SECRET, EXIT_DONE, "again");
    asked_twice(SECRET, SECRET "x", EXIT_REFUSED, "not the same");
    asked_twice(SECRET, "Tr0ub4dor & 3", EXIT_REFUSED, "not the same");
    asked_twice("seven 7", NULL, EXIT_REFUSED, "at least 8 bytes");
}

static void confirm(void)
{
    static const struct {
        const char *typed;
        int code;
    } cases[] = {
        { "destroy\n", EXIT_DONE },     { "Destroy\n", EXIT_REFUSED }, { "destroy \n", EXIT_REFUSED },
        { " destroy\n", EXIT_REFUSED }, { "destro\n", EXIT_REFUSED },  { "destroyed\n", EXIT_REFUSED },
        { "yes\n", EXIT_REFUSED },      { "\n", EXIT_REFUSED },        { "\003", EXIT_REFUSED },
        { "\004", EXIT_REFUSED },       { "y\n", EXIT_REFUSED },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        play(ask_word, word);
        CU_ASSERT(pty_await(&terminal, "All keys are destroyed."));
        CU_ASSERT(pty_await(&terminal, "Type \"destroy\" to go on: "));
        CU_ASSERT_TRUE(pty_echoes(&terminal));
        pty_type(&terminal, cases[i].typed);
        CU_ASSERT_EQUAL(end(), cases[i].code);
        pty_clear(&terminal);
    }
}

/* A pipe as standard input is not read, whatever it holds. */
static int ask_with_pipe(void *arg)
{
    int ends[2];

    if (pipe(ends) != 0 || write(ends[1], SECRET "\n", sizeof SECRET) != sizeof SECRET ||
        dup2(ends[0], STDIN_FILENO) < 0)
        return 44;
    return ask_secret(arg);
}

static void standard_input_is_not_read(void)
{
    char other[] = "typed by hand";

    play(ask_with_pipe, other);
    CU_ASSERT(pty_await(&terminal, "Passphrase: "));
    pty_type(&terminal, "typed by hand\n");
    CU_ASSERT_EQUAL(end(), EXIT_DONE);
    pty_clear(&terminal);
}

static const struct verb_option file_option = { "pin-file", "FILE", false, false, "" };

/* In a process without a terminal: the code, and what was said. */
static int without_terminal(const char *file, size_t min, struct said *said)
{
    struct invocation in = invocation();
    struct secret s = { 0 };
    FILE *err = tmpfile();
    char text[512] = "";
    int status;
    pid_t pid;

    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    if (file != NULL)
        in.given[in.given_count++] = (struct given_option){ &file_option, file };
    in.err = err;
    fflush(stdout);
    if ((pid = fork()) == 0) {
        int code;

        setsid();
        code =
            min > 0 ? prompt_new_or_file(&in, "pin-file", "PIN", min, &s) : prompt_or_file(&in, "pin-file", "PIN", &s);
        if (code == EXIT_DONE && !span_is(secret_span(&s), SECRET))
            code = 42;
        fflush(err);
        _exit(code);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    rewind(err);
    text[fread(text, 1, sizeof text - 1, err)] = '\0';
    fclose(err);
    said_clear(said);
    said->err = strdup(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *put(const char *name, const char *text, mode_t mode)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", scratch_directory(), name);
    unlink(path);
    CU_ASSERT_EQUAL(file_create(path, mode, span_text(text)), ST_OK);
    return path;
}

static void files(void)
{
    char text[PASSPHRASE_MAX + 2];
    struct said said = { 0 };

    CU_ASSERT_EQUAL(without_terminal(NULL, 0, &said), EXIT_REFUSED);
    CU_ASSERT_STRING_EQUAL(said.err, "strongroom: noun verb: no terminal to ask on; give --pin-file FILE\n");
    CU_ASSERT_EQUAL(without_terminal(put("pin", SECRET "\n", 0400), 0, &said), EXIT_DONE);
    CU_ASSERT_EQUAL(without_terminal(put("pin", SECRET, 0600), 8, &said), EXIT_DONE);
    CU_ASSERT_EQUAL(without_terminal(put("pin", SECRET, 0600), sizeof SECRET, &said), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "too short"));
    CU_ASSERT_EQUAL(without_terminal(put("pin", SECRET, 0640), 0, &said), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "its owner alone"));
    CU_ASSERT_EQUAL(without_terminal(put("pin", "\n", 0400), 0, &said), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "empty"));
    CU_ASSERT_EQUAL(without_terminal("/nonexistent/pin", 0, &said), EXIT_REFUSED);
    memset(text, '1', sizeof text);
    text[PASSPHRASE_MAX + 1] = '\0';
    CU_ASSERT_EQUAL(without_terminal(put("pin", text, 0400), 0, &said), EXIT_REFUSED);
    CU_ASSERT(says(said.err, "more than 255 bytes"));
    said_clear(&said);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "a secret is read and not shown", is_read_and_not_shown },
        { "what was typed before the question is no answer", typed_too_early },
        { "1 to 255 bytes", lengths },
        { "a signal ends it, and the terminal is as it was", interrupted },
        { "a signal that was ignored stays ignored", ignored_stays_ignored },
        { "stopped, it gives the terminal back; continued, it asks anew", stopped_and_continued },
        { "a new secret is asked for twice and has its length", new_secret },
        { "a confirmation is one exact word", confirm },
        { "standard input is not read", standard_input_is_not_read },
        { "without a terminal a private file, or nothing", files },
        CU_TEST_INFO_NULL,
    };
    static CU_SuiteInfo suites[] = { { "prompt", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
