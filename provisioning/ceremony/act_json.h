/* act_json.h - an act, and what was found of its approvals, as JSON. */
#ifndef STRONGROOM_PROVISIONING_ACT_JSON_H
#define STRONGROOM_PROVISIONING_ACT_JSON_H

#include "provisioning/ceremony/act_file.h"

/* Write one object: the act as its file has it, without the request; its name; its words, made from what is signed.
 * `approved` (may be NULL) says which of the act's holders did. EXIT_DONE, or EXIT_REFUSED after saying why. */
int act_json_print(const struct invocation *in, const struct act_file *a, const bool *approved);

#endif
