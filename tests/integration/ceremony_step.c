#include <time.h>
#include <unistd.h>

#include "tests/integration/ceremony_cli.h"
#include "tests/integration/ceremony_round.h"

#define AHEAD_S (8 * 3600)

/* $TIME: the same all along, so that what was approved is what is done. */
static const char *moment_ahead(void)
{
    time_t then = time(NULL) + AHEAD_S;
    static char text[32];
    struct tm tm;

    if (text[0] == '\0')
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &tm));
    return text;
}

static const char *words_of(unsigned k, const char *more)
{
    static char text[CLI_WORDS_ROOM];
    const char *words = ceremony->steps[k].words, *at = strstr(words, "$TIME");

    if (at != NULL)
        snprintf(text, sizeof text, "%.*s%s%s%s", (int)(at - words), words, moment_ahead(), at + strlen("$TIME"), more);
    else
        snprintf(text, sizeof text, "%s%s", words, more);
    return text;
}

/* The first part of the names of an act's files. */
static const char *act_name(unsigned k)
{
    static char name[16];

    snprintf(name, sizeof name, now.renewed ? "again-%u" : "act-%u", k);
    return name;
}

const char *step_words(unsigned k)
{
    const char *act = act_name(k);
    static char more[200];

    more[0] = '\0';
    if ((ceremony->steps[k].flags & STEP_ACT) != 0)
        snprintf(more, sizeof more, " --act %s.json --approval %s-one.json --approval %s-two.json", act, act, act);
    return words_of(k, more);
}

static bool run(const char *words)
{
    struct bytes said = { 0 };
    bool ok = cli_run(words, &said) == 0;

    if (!ok)
        printf("strongroom %s\n%s", words, bytes_text(&said));
    bytes_clear(&said);
    return ok;
}

static bool approve(const char *act, const char *holder)
{
    char words[CLI_WORDS_ROOM], out[64];

    snprintf(out, sizeof out, "%s-%s.json", act, holder);
    unlink(out);
    snprintf(words, sizeof words,
             "act approve --act %s.json --certificate ../holder-%s.pem --key ../holder-%s.key --yes --out %s", act,
             holder, holder, out);
    return run(words);
}

bool step_approve(unsigned k)
{
    const char *act = act_name(k);
    char more[64], file[32];

    snprintf(file, sizeof file, "%s.json", act);
    snprintf(more, sizeof more, " --valid 100 --prepare %s", file);
    unlink(file);
    return run(words_of(k, more)) && approve(act, "one") && approve(act, "two");
}

bool step_is_answer(unsigned k, int code)
{
    if ((ceremony->steps[k].flags & STEP_REFUSED) == 0)
        return code == 0;
    return code == 1 && (strstr(cli_said(), "the passphrase is wrong") != NULL ||
                         strstr(cli_said(), "too many wrong passphrases") != NULL);
}

bool step_do(unsigned k)
{
    if (cli_start(step_words(k)) && step_is_answer(k, cli_wait(COMMAND_MS)))
        return true;
    printf("strongroom %s\n%s", step_words(k), cli_said());
    return false;
}
