/* ceremony_crash NAME ROUNDS SEED KEYSTORED STRONGROOM insecure-file|tpm - kills (SIGKILL) the keystore or the command
 * in the middle of a ceremony, starts the keystore again, looks at what is left, and goes on with the ceremony. Runs in
 * a folder of its own inside the one that crash-ceremonies has made ready; that one's head says what is asked. A round
 * is one test.
 *
 * ceremony_crash make LABEL PIN_FILE FILES - puts keys and objects into a new token, for ceremony_proof.h. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/integration/ceremony_board.h"
#include "tests/integration/ceremony_cli.h"
#include "tests/integration/ceremony_proof.h"
#include "tests/integration/ceremony_round.h"
#include "tests/integration/ceremony_state.h"

#define ROUND_S 240 /* after that something hangs */

struct round now;
const struct ceremony *ceremony;
unsigned steps;
struct bytes seen[CEREMONY_STEPS_MAX + 1];
struct bytes last;
struct fate fate;
static uint64_t duration_ms, dice;

static uint64_t random_below(uint64_t n)
{
    uint64_t z = dice += 0x9e3779b97f4a7c15u; /* SplitMix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
}

/* ---- what it is like without a kill ---- */

/* Step by step: approvals, and what is to be seen after each. */
static bool rehearse(void)
{
    bool up = round_begin();

    for (unsigned k = 0; up && k <= steps; k++) {
        if (k > 0)
            up = ((ceremony->steps[k - 1].flags & STEP_ACT) == 0 || step_approve(k - 1)) && step_do(k - 1);
        if (up && ceremony->forgets && k > 0 && k < steps) {
            up = bytes_set(&seen[k], bytes_span(&seen[0])) == ST_OK;
        } else if (up) {
            board_kill();
            up = round_look(&seen[k]);
        }
    }
    board_kill();
    return up;
}

/* All at once, with the same approvals. */
static bool measure(void)
{
    uint64_t from;
    bool ok = round_begin();

    from = now_ms();
    for (unsigned k = 0; ok && k < steps; k++)
        ok = step_do(k);
    duration_ms = now_ms() - from;
    state_observe(&last);
    if (ceremony->observe != NULL)
        ceremony->observe(&last);
    if (ok && ceremony->judge != NULL && ceremony->judge(steps, false) != NULL)
        ok = false;
    board_kill();
    return ok;
}

/* ---- the kill ---- */

/* The victim dies at `when`. */
static void die(bool cli_runs)
{
    now.pending = cli_runs;
    if (cli_runs && now.victim == VICTIM_CLI) {
        cli_kill();
        fate.cli++;
        if (random_below(2) == 0) /* what it had asked for comes to its end, or dies with the keystore */
            board_stop();
    } else {
        board_kill();
        fate.keystore++;
        fate.between += !cli_runs;
    }
    board_kill();
}

/* The machine is not as fast all the time. */
static void correct_duration(uint64_t took_ms, bool done)
{
    if (done)
        duration_ms = (3 * duration_ms + took_ms) / 4;
    else if (took_ms > duration_ms)
        duration_ms += duration_ms / 8;
}

static void play(uint64_t when)
{
    uint64_t begin = now_ms();
    int code = CLI_HANGS;

    for (now.answered = 0; now.answered < steps; now.answered++) {
        uint64_t moment = now_ms();

        if (moment >= when) {
            die(false);
            return;
        }
        if (!cli_start(step_words(now.answered))) {
            FAIL("a command cannot be started");
            return;
        }
        if ((code = cli_wait(when - moment)) == CLI_HANGS)
            break;
        if (!step_is_answer(now.answered, code)) {
            FAIL("step %u fails before the kill: %s", now.answered, cli_said());
            board_kill();
            return;
        }
    }
    correct_duration(now_ms() - begin, now.answered == steps);
    if (now.answered == steps) {
        while (now_ms() < when)
            sleep_ms(1);
        die(false);
        return;
    }
    die(true);
    if (now.victim == VICTIM_CLI)
        return;
    if ((code = cli_wait(COMMAND_MS)) == CLI_HANGS) {
        FAIL("the command does not notice that the keystore is gone: %s", step_words(now.answered));
        cli_kill();
    }
    if (step_is_answer(now.answered, code)) {
        now.answered++;
        now.pending = false;
    }
}

/* ---- rounds ---- */

static void run_round(void)
{
    uint64_t before = duration_ms / 20, span = duration_ms + duration_ms / 20 + duration_ms / 10, at;

    alarm(ROUND_S);
    now.failed = false;
    now.answered = 0;
    now.pending = now.renewed = false;
    now.victim = random_below(2) == 0 ? VICTIM_KEYSTORE : VICTIM_CLI;
    at = random_below(span + 1);
    if (!round_begin()) {
        FAIL("the board cannot be had");
    } else {
        play(at > before ? now_ms() + at - before : 0);
        if (!now.failed)
            round_judge();
    }
    board_kill();
}

/* The evidence of the first failure stays. */
static void keep_logs(void)
{
    static bool kept;

    if (!kept && now.failed)
        kept = rename("keystored.log", "failed-keystored.log") == 0;
}

static unsigned run_rounds(unsigned rounds)
{
    unsigned failed = 0;

    for (now.number = 1; now.number <= rounds; now.number++) {
        run_round();
        failed += now.failed;
        keep_logs();
    }
    return failed;
}

static void report(unsigned rounds)
{
    printf("%-19s %3u rounds of %4llu ms: ended old %u, new %u; killed: the command %u, the keystore %u (idle %u); ",
           ceremony->name, rounds, (unsigned long long)duration_ms, fate.done_not, fate.done, fate.cli, fate.keystore,
           fate.between);
    printf("refused as done %u; the file under way was there %u, absent %u\n", fate.refused, fate.files_there,
           fate.files_absent);
}

static void on_alarm(int signal)
{
    static const char text[] = "a round does not come to its end\n";
    ssize_t n = write(STDOUT_FILENO, text, sizeof text - 1);

    (void)signal;
    _exit(n < 0 ? 2 : 1);
}

static bool prepare(char **argv)
{
    char folder[256], path[400];

    if ((ceremony = ceremony_find(argv[1])) == NULL || getcwd(folder, sizeof folder) == NULL)
        return false;
    steps = ceremony_steps(ceremony);
    dice = strtoull(argv[3], NULL, 10);
    for (const char *c = argv[1]; *c != '\0'; c++) /* each ceremony draws others */
        dice = dice * 31 + (unsigned char)*c;
    snprintf(path, sizeof path, "%s/strongroom.conf", folder);
    setenv("STRONGROOM_PROFILE", path, 1);
    snprintf(path, sizeof path, "%s/module.conf", folder);
    setenv("STRONGROOM_PKCS11_CONF", path, 1);
    board_init(argv[4], strcmp(argv[6], "tpm") == 0);
    cli_init(argv[5]);
    alarm(ROUND_S);
    return rehearse() && measure();
}

int main(int argc, char **argv)
{
    unsigned rounds, failed;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 5 && strcmp(argv[1], "make") == 0)
        return proof_make(argv[2], argv[3], argv[4]) ? 0 : 1;
    if (argc != 7)
        return 2;
    signal(SIGALRM, on_alarm);
    rounds = (unsigned)strtoul(argv[2], NULL, 10);
    if (!prepare(argv)) {
        printf("%s: it fails without a kill\n0 passed, %u failed\n", argv[1], rounds);
        board_end();
        return 1;
    }
    failed = run_rounds(rounds);
    board_end();
    report(rounds);
    printf("%u passed, %u failed\n", rounds - failed, failed);
    return failed == 0 ? 0 : 1;
}
