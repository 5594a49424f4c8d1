/* ceremony_round.h - one round: where the ceremony stood when the kill came, its commands, and what is found
 * afterwards. One ceremony per process. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_ROUND_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_ROUND_H

#include <stdio.h>

#include "tests/integration/ceremony.h"

#define COMMAND_MS 60000

enum victim { VICTIM_KEYSTORE, VICTIM_CLI };

struct round {
    unsigned number, answered; /* steps */
    bool pending;              /* one was under way when the kill came */
    enum victim victim;
    bool renewed; /* it was approved anew, so that the act number is another one at the end */
    bool failed;
};

extern struct round now;
extern const struct ceremony *ceremony;
extern unsigned steps;
extern struct bytes seen[CEREMONY_STEPS_MAX + 1]; /* without a kill: after so many steps, and a start */
extern struct bytes last;                         /* after all of them, without one */
extern struct fate {                              /* what became of the rounds */
    unsigned keystore, cli, between, done_not, done, refused, files_there, files_absent;
} fate;

#define FAIL(...)                                                                                                      \
    do {                                                                                                               \
        printf("%s, round %u: ", ceremony->name, now.number);                                                          \
        printf(__VA_ARGS__);                                                                                           \
        putchar('\n');                                                                                                 \
        now.failed = true;                                                                                             \
    } while (0)

/* ---- ceremony_step.c ---- */

/* The command of step k, with its approvals. */
const char *step_words(unsigned k);
/* The act file and its approvals, as the state is now. */
bool step_approve(unsigned k);
/* Is this exit code, with what the command has said, the step's answer? */
bool step_is_answer(unsigned k, int code);
/* Do it. False: it was refused, which is then printed. */
bool step_do(unsigned k);

/* ---- ceremony_judge.c ---- */

/* The board before the ceremony, its keystore started. */
bool round_begin(void);
/* Start the keystore and observe it. False: it does not start, and was not zeroised. */
bool round_look(struct bytes *text);
/* After the kill: look at what is left, take the ceremony up again, prove that it has come to its end. */
void round_judge(void);

#endif
