/* ceremony_state.h - what can be seen of a keystore from outside, as text that is the same whenever the state is. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_STATE_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_STATE_H

#include "firmware/base/bytes.h"

/* Options by which the owner asks, the second owner (set-owner), the factory's operator. */
#define AS_OWNER    ""
#define AS_OWNER2   " --certificate ../owner2.pem --key ../owner2.key"
#define AS_OPERATOR " --certificate ../operator.pem --key ../operator.key"

/* Who has a say here, status, domain, settings, partitions. The first line is the number of the next act. */
void state_observe(struct bytes *text);
/* Do two observations tell the same? Without their act number with `but_acts`. */
bool state_same(const struct bytes *a, const struct bytes *b, bool but_acts);
/* Print the lines in which `is` differs from what it should be, which is called `what` ("old"). */
void state_print_difference(const struct bytes *is, const char *what, const struct bytes *should);
/* Is its state this one, for its owner? */
bool state_is(const char *state);

#endif
