#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/ceremony_board.h"
#include "tests/integration/ceremony_cli.h"
#include "tests/integration/ceremony_round.h"
#include "tests/integration/ceremony_state.h"

#define KEPT "kept" /* a file that steps aside for a moment */

static void empty_out(void)
{
    DIR *d = opendir("out");
    const struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    else
        mkdir("out", 0700);
}

bool round_begin(void)
{
    char base[300];

    snprintf(base, sizeof base, "../%s", ceremony->base);
    empty_out();
    unlink(KEPT);
    return board_bring(base) && board_start(NULL, NULL) && (ceremony->prepare == NULL || ceremony->prepare());
}

bool round_look(struct bytes *text)
{
    bool up = board_start(NULL, NULL);

    if (up)
        state_observe(text);
    else {
        bytes_reset(text);
        bytes_append_text(text, "0\nzeroised\n");
    }
    if (ceremony->observe != NULL)
        ceremony->observe(text);
    return up || board_is_zeroised();
}

/* ---- what is left ---- */

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool is_whole(const struct step *s)
{
    bool ok = s->check == NULL || cli_run(s->check, NULL) == 0;

    unlink("out/probe.json");
    return ok;
}

/* Nothing but what the steps write. */
static void check_litter(void)
{
    DIR *d = opendir("out");
    const struct dirent *e;
    char path[300];

    while (d != NULL && (e = readdir(d)) != NULL) {
        bool known = e->d_name[0] == '.' || ceremony->prepare != NULL;

        snprintf(path, sizeof path, "out/%s", e->d_name);
        for (unsigned k = 0; k < steps && !known; k++)
            known = ceremony->steps[k].file != NULL && strcmp(ceremony->steps[k].file, path) == 0;
        if (!known) {
            FAIL("%s is left over", path);
            unlink(path);
        }
    }
    if (d != NULL)
        closedir(d);
}

static void check_files(void)
{
    for (unsigned k = 0; k < steps; k++) {
        const struct step *s = &ceremony->steps[k];

        if (s->file == NULL)
            continue;
        if (k < now.answered && !is_there(s->file))
            FAIL("%s was acknowledged and is not there", s->file);
        if (k > now.answered && is_there(s->file))
            FAIL("%s is there before its time", s->file);
        if (is_there(s->file) && !is_whole(s))
            FAIL("%s is there in part", s->file);
        if (k == now.answered && now.pending) {
            fate.files_there += is_there(s->file);
            fate.files_absent += !is_there(s->file);
        }
    }
    check_litter();
}

/* How many steps are done, by what is seen: what was answered, and the one that was under way or not. */
static unsigned steps_done(const struct bytes *text)
{
    unsigned a = now.answered;

    if (now.pending && state_same(text, &seen[a + 1], false)) {
        const char *file = ceremony->steps[a].file;

        if (!state_same(text, &seen[a], false) || (file != NULL && is_there(file)))
            return a + 1;
    }
    if (!state_same(text, &seen[a], false)) {
        FAIL("neither the old state nor the new one after %u answers", a);
        state_print_difference(text, "old", &seen[a]);
        if (now.pending)
            state_print_difference(text, "new", &seen[a + 1]);
    }
    return a;
}

/* ---- taking it up again ---- */

/* That what was done is done is sometimes seen before the approvals are looked at. */
static bool is_used_up(const char *said)
{
    static const char *const words[] = { "act number", "is there already", "a value is not acceptable", "not allowed",
                                         "not in this state" /* locked */ };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(said, words[i]) != NULL)
            return true;
    return false;
}

/* What was done is refused now, approvals as used. */
static void check_refused(unsigned k)
{
    const struct step *s = &ceremony->steps[k];
    int code;

    if ((s->flags & (STEP_AGAIN | STEP_FILE | STEP_REFUSED)) != 0 || board_is_zeroised())
        return;
    if (s->file != NULL && is_there(s->file) && rename(s->file, KEPT) != 0)
        FAIL("%s: %s", s->file, strerror(errno));
    if (!cli_start(step_words(k)) || (code = cli_wait(COMMAND_MS)) == CLI_HANGS)
        FAIL("a command hangs");
    else if (code != 1)
        FAIL("what is done can be done again: %s", step_words(k));
    else if ((s->flags & (STEP_ACT | STEP_FAREWELL)) == STEP_ACT && !is_used_up(cli_said()))
        FAIL("an approval that is used is refused otherwise: %s", cli_said());
    fate.refused++;
    if (s->file != NULL && is_there(KEPT) && rename(KEPT, s->file) != 0)
        FAIL("%s: %s", s->file, strerror(errno));
}

/* The act was done and its file is lost with the command: approved anew. */
static bool file_is_lost(unsigned k)
{
    const struct step *s = &ceremony->steps[k];

    return s->file != NULL && (s->flags & (STEP_ACT | STEP_FAREWELL)) == STEP_ACT && !is_there(s->file);
}

static void take_up(unsigned done)
{
    if (done > 0)
        check_refused(done - 1);
    if (done > 0 && file_is_lost(done - 1)) {
        now.renewed = true;
        if (!step_approve(done - 1) || !step_do(done - 1))
            FAIL("what was lost with the command cannot be had again");
    }
    for (unsigned k = done; k < steps && !now.failed; k++)
        if (!step_do(k))
            FAIL("step %u cannot be taken up again", k);
}

static void check_end(void)
{
    struct bytes text = { 0 };

    if (board_is_zeroised())
        return;
    state_observe(&text);
    if (ceremony->observe != NULL)
        ceremony->observe(&text);
    if (!state_same(&text, &seen[steps], now.renewed) && !state_same(&text, &last, now.renewed)) {
        FAIL("the end is another one");
        state_print_difference(&text, "not", &last);
    }
    bytes_clear(&text);
}

/* ---- the whole ---- */

/* Where it has an owner, he can read it. */
static bool audit_is_read(const struct bytes *text)
{
    return strstr(bytes_text(text), "asked by") == NULL || strstr(bytes_text(text), "asked by 2") != NULL ||
           cli_run("keystore audit" AS_OWNER, NULL) == 0 || cli_run("keystore audit" AS_OWNER2, NULL) == 0;
}

void round_judge(void)
{
    struct bytes text = { 0 };
    const char *wrong = NULL;
    unsigned done;

    if (!round_look(&text)) {
        FAIL("the keystore does not start again");
        bytes_clear(&text);
        return;
    }
    check_files();
    done = steps_done(&text);
    fate.done += done > now.answered || (done == steps && !now.pending);
    fate.done_not += !(done > now.answered || (done == steps && !now.pending));
    if (ceremony->forgets && state_same(&text, &seen[0], false))
        done = 0;
    if (board_audit_broke() || !audit_is_read(&text))
        FAIL("the audit chain is not whole");
    if (!now.failed && ceremony->judge != NULL && (wrong = ceremony->judge(now.answered, now.pending)) != NULL)
        FAIL("%s", wrong);
    if (!now.failed)
        take_up(done);
    if (!now.failed)
        check_end();
    if (!now.failed && (wrong = ceremony->prove()) != NULL)
        FAIL("%s", wrong);
    bytes_clear(&text);
}
