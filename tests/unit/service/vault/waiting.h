/* waiting.h - the domain's asynchronous calls, for tests that wait. */
#ifndef STRONGROOM_TESTS_WAITING_H
#define STRONGROOM_TESTS_WAITING_H

#include "service/vault/keys.h"

/* Start a change or an operation and return when its `done` has been called. */
void run_change(void (*start)(struct keys *, struct key_change *), struct keys *k, struct key_change *c);
void run_operation(struct keys *k, struct key_operation *o);

#endif
