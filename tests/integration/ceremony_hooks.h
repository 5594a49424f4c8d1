/* ceremony_hooks.h - what single ceremonies look at and prove; ceremony.h says when. */
#ifndef STRONGROOM_TESTS_INTEGRATION_CEREMONY_HOOKS_H
#define STRONGROOM_TESTS_INTEGRATION_CEREMONY_HOOKS_H

#include "firmware/base/bytes.h"

bool prepare_rotation(void);

bool observe_auditor(struct bytes *text);
bool observe_pins(struct bytes *text);
bool observe_chain(struct bytes *text);
/* Is there a statement in the board's file `destruction`, and is it signed by the key it names? */
bool observe_destruction(struct bytes *text);

const char *judge_tries(unsigned answered, bool pending);
const char *judge_rotation(unsigned answered, bool pending);

const char *prove_domain(void);
const char *prove_new_domain(void);
const char *prove_attended(void);
const char *prove_unattended(void);
const char *prove_recovered(void);
const char *prove_unlocked_pin(void);
const char *prove_rotation(void);
const char *prove_certified(void);
const char *prove_reset(void);
const char *prove_zeroised(void);

#endif
