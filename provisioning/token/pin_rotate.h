/* pin_rotate.h - strongroom pin rotate: a new random PIN for a machine, such that a crash at any moment leaves a file
 * whose PIN opens. */
#ifndef STRONGROOM_PROVISIONING_PIN_ROTATE_H
#define STRONGROOM_PROVISIONING_PIN_ROTATE_H

#include "provisioning/cli/command.h"

int pin_rotate(struct invocation *in);

#endif
