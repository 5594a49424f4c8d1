/* provisioning/cli/command.c: the grammar, on a table of the test's own; and what strongroom's own table promises. */
#include <stdio.h>
#include <unistd.h>

#include "provisioning/cli/completion.h"
#include "provisioning/cli/manual.h"
#include "tests/unit/harness.h"
#include "tests/unit/provisioning/session.h"

static char seen[512]; /* what the verb was given */

static int show(struct invocation *in)
{
    size_t n = 0;

    seen[0] = '\0';
    for (size_t i = 0; i < in->given_count; i++)
        n += (size_t)snprintf(seen + n, sizeof seen - n, "%s=%s;", in->given[i].option->name,
                              in->given[i].value != NULL ? in->given[i].value : "");
    snprintf(seen + n, sizeof seen - n, "json=%d config=%s", in->json, in->config_path != NULL ? in->config_path : "-");
    fprintf(in->out, "shown\n");
    return EXIT_DONE;
}

static int refuse(struct invocation *in)
{
    return command_refuse(in, "the %s is gone", "moon");
}

static const struct verb_option options[] = {
    { "colour", "NAME", true, false, "which colour" },
    { "spot", "PLACE", false, true, "a spot" },
    { "bright", NULL, false, false, "more of it" },
    { 0 },
};
static const struct verb verbs[] = {
    { "paint", "make it coloured", "Takes a while.", true, false, options, show },
    { "wash", "make it clean", NULL, false, true, NULL, show },
    { "lose", "make it vanish", NULL, false, true, NULL, refuse },
    { 0 },
};
static const struct noun nouns[] = { { "wall", "what stands around", verbs } };

static struct said said;

#define WALL(...) session_run(nouns, 1, (const char *const[]){ __VA_ARGS__, NULL }, &said)

static void no_words(void)
{
    CU_ASSERT_EQUAL(session_run(nouns, 1, (const char *const[]){ NULL }, &said), EXIT_USAGE);
    CU_ASSERT(says(said.err, "Usage:"));
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_EQUAL(WALL("wall"), EXIT_USAGE);
    CU_ASSERT(says(said.err, "paint"));
}

static void help_everywhere(void)
{
    CU_ASSERT_EQUAL(WALL("--help"), EXIT_DONE);
    CU_ASSERT(says(said.out, "wall") && says(said.out, "make it clean") && says(said.out, "Exit codes"));
    CU_ASSERT_EQUAL(WALL("wall", "--help"), EXIT_DONE);
    CU_ASSERT(says(said.out, "paint"));
    CU_ASSERT_EQUAL(WALL("wall", "paint", "--help"), EXIT_DONE);
    CU_ASSERT(says(said.out, "--colour NAME") && says(said.out, "(required)") && says(said.out, "Takes a while."));
    CU_ASSERT(says(said.out, "--json") && says(said.out, "--config FILE"));
    CU_ASSERT_STRING_EQUAL(said.err, "");
    CU_ASSERT_EQUAL(WALL("wall", "wash", "-h"), EXIT_DONE);
    CU_ASSERT(says(said.out, "make it clean"));
    CU_ASSERT_EQUAL(WALL("wall", "wash", "--help"), EXIT_DONE);
    CU_ASSERT_PTR_NULL(strstr(said.out, "--json"));
}

static void version(void)
{
    CU_ASSERT_EQUAL(WALL("--version"), EXIT_DONE);
    CU_ASSERT(says(said.out, "strongroom "));
}

static void values_arrive(void)
{
    CU_ASSERT_EQUAL(WALL("wall", "paint", "--colour", "red", "--spot=left", "--spot", "right", "--bright", "--json",
                         "--config", "/c"),
                    EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(seen, "colour=red;spot=left;spot=right;bright=;json=;config=/c;json=1 config=/c");
    CU_ASSERT_STRING_EQUAL(said.out, "shown\n");
}

static void refused(const char *words[], const char *why)
{
    seen[0] = '\0';
    CU_ASSERT_EQUAL(session_run(nouns, 1, words, &said), EXIT_USAGE);
    CU_ASSERT(says(said.err, why));
    CU_ASSERT_STRING_EQUAL(said.out, "");
    CU_ASSERT_STRING_EQUAL(seen, "");
}

static void wrong_usage(void)
{
    refused((const char *[]){ "roof", "paint", NULL }, "no noun \"roof\"");
    refused((const char *[]){ "wall", "burn", NULL }, "wall: no verb \"burn\"; there are: paint, wash, lose");
    refused((const char *[]){ "wall", "paint", "--config", "/c", NULL }, "--colour NAME is missing");
    refused((const char *[]){ "wall", "paint", "--colour", NULL }, "--colour needs a value");
    refused((const char *[]){ "wall", "paint", "--colour", "a", "--colour", "b", "--config", "/c", NULL },
            "--colour is given twice");
    refused((const char *[]){ "wall", "paint", "--colour", "a", "--shade", "b", NULL }, "--shade");
    refused((const char *[]){ "wall", "paint", "--colour", "a", "stray", "--config", "/c", NULL }, "\"stray\"");
    refused((const char *[]){ "wall", "paint", "--bright=1", "--colour", "a", NULL }, "--bright takes no value");
    refused((const char *[]){ "wall", "wash", "--json", NULL }, "--json");
    refused((const char *[]){ "wall", "paint", "-c", NULL }, "-c");
}

/* What a script says today must mean the same when there are more options. */
static void whole_names(void)
{
    refused((const char *[]){ "wall", "paint", "--col", "a", "--config", "/c", NULL },
            "unknown option --col; did you mean --colour?");
    refused((const char *[]){ "wall", "paint", "--colour", "a", "--conf=/c", NULL }, "unknown option --conf;");
    refused((const char *[]){ "wall", "paint", "--colour", "a", "--config", "/c", "--br", NULL }, "--bright?");
    refused((const char *[]){ "wall", "paint", "--col", NULL }, "unknown option --col;");
    CU_ASSERT_EQUAL(WALL("wall", "paint", "--colour", "--col", "--config", "/c"), EXIT_DONE); /* a value */
}

static void columns(void)
{
    CU_ASSERT_EQUAL(RUN(&said, "domain", "restore", "--help"), EXIT_DONE);
    CU_ASSERT(says(said.out, "--key-passphrase-file FILE    the passphrase"));
    CU_ASSERT(says(said.out, "--act FILE                    the act"));
    CU_ASSERT_EQUAL(RUN(&said, "keystore", "start-mode", "--help"), EXIT_DONE);
    CU_ASSERT(says(said.out, "--operator-passphrase-file FILE  passphrases"));
}

static void configuration(void)
{
    refused((const char *[]){ "wall", "paint", "--colour", "a", NULL }, "no configuration");
    CU_ASSERT_EQUAL(WALL("wall", "wash"), EXIT_DONE);
    setenv("STRONGROOM_CONFIG", "/from/environment", 1);
    CU_ASSERT_EQUAL(WALL("wall", "paint", "--colour", "a"), EXIT_DONE);
    CU_ASSERT(says(seen, "config=/from/environment"));
    CU_ASSERT_EQUAL(WALL("wall", "paint", "--colour", "a", "--config", "/given"), EXIT_DONE);
    CU_ASSERT(says(seen, "config=/given"));
    unsetenv("STRONGROOM_CONFIG");
}

static void refusal_names_the_command(void)
{
    CU_ASSERT_EQUAL(WALL("wall", "lose"), EXIT_REFUSED);
    CU_ASSERT_STRING_EQUAL(said.err, "strongroom: wall lose: the moon is gone\n");
}

/* What a file or a peer said does nothing to the terminal on which it is repeated. */
static void refusals_are_plain(void)
{
    static const char *const words[][2] = {
        { "red", "red" },
        { "Zo\xc3\xab \xe5\xad\x97", "Zo\xc3\xab \xe5\xad\x97" },
        { "\x1b[2Jgone\r\n\x7f", "\\x1b[2Jgone\\x0d\\x0a\\x7f" },
        { "\xc2\x9b"
          "2J",
          "\\xc2\\x9b"
          "2J" },
        { "\xe2\x80\xae"
          "txt",
          "\\xe2\\x80\\xae"
          "txt" },
        { "\xc3", "\\xc3" },
        { "\xc0\x9b\xff", "\\xc0\\x9b\\xff" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
        { "\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91" },
    };
    char wanted[80];

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        CU_ASSERT_EQUAL(WALL("wall", words[i][0]), EXIT_USAGE);
        snprintf(wanted, sizeof wanted, "no verb \"%s\"", words[i][1]);
        CU_ASSERT(says(said.err, wanted));
    }
}

static void too_many_options(void)
{
    const char *words[40] = { "wall", "paint", "--config", "/c", "--colour", "red" };

    for (size_t i = 6; i < 38; i++)
        words[i] = "--spot=x";
    CU_ASSERT_EQUAL(session_run(nouns, 1, words, &said), EXIT_DONE);
}

static int full_run(struct invocation *in)
{
    fprintf(in->out, "much\n");
    return EXIT_DONE;
}

static void full_disk(void)
{
    static const struct verb one[] = { { "say", "say much", NULL, false, true, NULL, full_run }, { 0 } };
    static const struct noun talker[] = { { "talker", "talks", one } };
    static const char *const words[] = { "talker", "say", NULL };
    FILE *full = fopen("/dev/full", "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    CU_ASSERT_EQUAL(session_run_to(talker, 1, words, full, stderr), EXIT_REFUSED);
    fclose(full);
}

/* What a maker of documents writes. */
static char *written(void (*make)(const struct noun *n, FILE *out), const struct noun *n)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    INVARIANT(f != NULL);
    make(n, f);
    fclose(f);
    return text;
}

static void make_overview(const struct noun *n, FILE *out)
{
    manual_overview(n, strongroom_noun_count, out);
}

static void make_completion(const struct noun *n, FILE *out)
{
    completion_bash(n, strongroom_noun_count, out);
}

/* Is this among the words of the line, which ends with a quotation mark? */
static bool has_word(const char *line, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = strstr(line, word); at != NULL && at < strchr(line, '\n'); at = strstr(at + 1, word))
        if ((at[-1] == '"' || at[-1] == ' ') && (at[len] == '"' || at[len] == ' '))
            return true;
    return false;
}

static void option_is_described(const struct verb_option *o, const char *help, const char *page, const char *line)
{
    char text[80];

    snprintf(text, sizeof text, "--%s", o->name);
    CU_ASSERT(says(help, text));
    CU_ASSERT_TRUE(has_word(line, text));
    snprintf(text, sizeof text, ".It Fl -%s%s%s", o->name, o->argument != NULL ? " Ar " : "",
             o->argument != NULL ? o->argument : "");
    CU_ASSERT(says(page, text));
}

/* The words that the completion has for a verb begin here. */
static const char *completed(const char *completion, const struct noun *n, const struct verb *v)
{
    char text[80];
    size_t at = 0;

    snprintf(text, sizeof text, "\"%s %s\") words=", n->name, v->name);
    while (completion[at] != '\0' && strncmp(completion + at, text, strlen(text)) != 0)
        at++;
    CU_ASSERT_NOT_EQUAL_FATAL(completion[at], '\0');
    return completion + at;
}

/* Each noun, verb and option is in its help, its manual page and the completion; each verb is in the overview. */
static void everything_is_described(void)
{
    char *overview = written(make_overview, strongroom_nouns), *completion = written(make_completion, strongroom_nouns);

    for (size_t i = 0; i < strongroom_noun_count; i++) {
        const struct noun *n = &strongroom_nouns[i];
        char *page = written(manual_noun, n), text[80];

        for (const struct verb *v = n->verbs; v->name != NULL; v++) {
            const char *line = completed(completion, n, v);

            snprintf(text, sizeof text, ".It Ic %s %s\n", n->name, v->name);
            CU_ASSERT(says(overview, text));
            snprintf(text, sizeof text, ".Ss %s\n", v->name);
            CU_ASSERT(says(page, text));
            CU_ASSERT_EQUAL(RUN(&said, n->name, v->name, "--help"), EXIT_DONE);
            for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++)
                option_is_described(o, said.out, page, line);
            for (size_t k = 0; command_common_option(v, k) != NULL; k++)
                option_is_described(command_common_option(v, k), said.out, page, line);
        }
        free(page);
    }
    free(overview);
    free(completion);
}

/* Is there such a verb, with each of the options of the line? Lines that begin with spaces go on with the one before.
 */
static void example_is_sound(const struct noun *n, const char *commands)
{
    char *text = strdup(commands), *rest = text, *word;
    const struct verb *v = NULL;

    while ((word = strsep(&rest, " \n")) != NULL) {
        if (strcmp(word, "strongroom") == 0) {
            CU_ASSERT_STRING_EQUAL(strsep(&rest, " \n"), n->name);
            word = strsep(&rest, " \n");
            for (v = n->verbs; v->name != NULL && strcmp(v->name, word) != 0;)
                v++;
            CU_ASSERT_PTR_NOT_NULL_FATAL(v->name);
        } else if (strncmp(word, "--", 2) == 0) {
            bool known = false;

            for (const struct verb_option *o = v->options; o != NULL && o->name != NULL; o++)
                known = known || strcmp(o->name, word + 2) == 0;
            for (size_t k = 0; command_common_option(v, k) != NULL; k++)
                known = known || strcmp(command_common_option(v, k)->name, word + 2) == 0;
            CU_ASSERT(known || says("no such option", word));
        }
    }
    free(text);
}

static void every_page_has_an_example(void)
{
    for (size_t i = 0; i < strongroom_noun_count; i++) {
        char *page = written(manual_noun, &strongroom_nouns[i]);

        CU_ASSERT(says(page, "\n.Sh EXAMPLES\n") && says(page, "\n.Sh EXIT STATUS\n"));
        if (manual_example(strongroom_nouns[i].name) != NULL)
            example_is_sound(&strongroom_nouns[i], manual_example(strongroom_nouns[i].name)->commands);
        free(page);
    }
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

/* The pages of all nouns and the overview, read by whatever reads manuals here. */
static void manual_pages_are_well_formed(void)
{
    char path[512], line[1200], said_of_it[1024] = "";

    for (size_t i = 0; i <= strongroom_noun_count; i++) {
        char *page = i < strongroom_noun_count ? written(manual_noun, &strongroom_nouns[i])
                                               : written(make_overview, strongroom_nouns);
        FILE *f;

        snprintf(path, sizeof path, "%s/page.1", scratch_directory());
        write_file(path, page);
        snprintf(line, sizeof line,
                 "if command -v mandoc >/dev/null; then mandoc -Tlint -Wwarning %s; "
                 "elif command -v man >/dev/null; then man --warnings=w -E UTF-8 -l %s 2>&1 >/dev/null; fi",
                 path, path);
        f = popen(line, "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        said_of_it[fread(said_of_it, 1, sizeof said_of_it - 1, f)] = '\0';
        pclose(f);
        CU_ASSERT_STRING_EQUAL(said_of_it, "");
        free(page);
    }
}

/* What bash offers behind these words; the last is what is being typed. */
static bool bash_offers(const char *script, const char *words, const char *wanted)
{
    char line[2048], got[4096] = "";
    FILE *f;

    snprintf(line, sizeof line,
             "bash -c '. %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _strongroom; "
             "printf \"%%s \" \"${COMPREPLY[@]}\"'",
             script, words);
    f = popen(line, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    CU_ASSERT_EQUAL(pclose(f), 0);
    return says(got, wanted);
}

static void bash_completes(void)
{
    char script[512], *completion = written(make_completion, strongroom_nouns);

    snprintf(script, sizeof script, "%s/completion", scratch_directory());
    write_file(script, completion);
    CU_ASSERT(bash_offers(script, "strongroom \"\"", "pin "));
    CU_ASSERT(bash_offers(script, "strongroom key", "keystore "));
    CU_ASSERT(bash_offers(script, "strongroom pin \"\"", "status change unlock rotate --help "));
    CU_ASSERT(bash_offers(script, "strongroom pin r", "rotate "));
    CU_ASSERT(bash_offers(script, "strongroom pin rotate --w", "--who "));
    CU_ASSERT(bash_offers(script, "strongroom pin rotate --who \"\"", "user so "));
    CU_ASSERT(bash_offers(script, "strongroom pin rotate --who u", "user "));
    CU_ASSERT(bash_offers(script, "strongroom pin status --config /etc/host", "/etc/hosts "));
    CU_ASSERT(bash_offers(script, "strongroom attest show --statement /etc/host", "/etc/hosts "));
    CU_ASSERT(bash_offers(script, "strongroom pin rotate --who = u", "user "));
    CU_ASSERT(bash_offers(script, "strongroom pin rotate --who =", "user so "));
    CU_ASSERT(bash_offers(script, "strongroom pin status --config = /etc/host", "/etc/hosts "));
    CU_ASSERT(bash_offers(script, "strongroom domain create --holder ann = /etc/host", "/etc/hosts "));
    CU_ASSERT(bash_offers(script, "strongroom identity create --name \"\"", " ")); /* free text: nothing */
    free(completion);
}

int main(void)
{
    static CU_TestInfo cases[] = {
        { "no words: usage on standard error, exit code 2", no_words },
        { "--help works for the program, each noun and each verb, whatever else is missing", help_everywhere },
        { "--version", version },
        { "values and switches arrive, a repeatable option in order", values_arrive },
        { "wrong usage is named, the verb does not run, exit code 2", wrong_usage },
        { "options by their whole names alone", whole_names },
        { "help has its words in a column", columns },
        { "the configuration comes from --config, else from the environment, else is asked for", configuration },
        { "a refusal names the command and gives exit code 1", refusal_names_the_command },
        { "a refusal does nothing to the terminal", refusals_are_plain },
        { "many repeatable options", too_many_options },
        { "output that cannot be written is a failure", full_disk },
        { "every verb and option is in its help, the manual and the completion", everything_is_described },
        { "every manual page has an example, which the grammar takes", every_page_has_an_example },
        { "the manual pages are well-formed", manual_pages_are_well_formed },
        { "bash completes nouns, verbs, options and values", bash_completes },
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = { { "command", NULL, NULL, NULL, NULL, cases }, CU_SUITE_INFO_NULL };
    int code;

    unsetenv("STRONGROOM_CONFIG");
    code = run_suites(suites);
    said_clear(&said);
    return code;
}
