/* statement_print.h - a statement for people, and as JSON for programs. */
#ifndef STRONGROOM_PROVISIONING_STATEMENT_PRINT_H
#define STRONGROOM_PROVISIONING_STATEMENT_PRINT_H

#include "provisioning/attest/statement_verify.h"

/* `claims` NULL: nobody has verified it, and so it says. */
void statement_print(const struct invocation *in, const Ks__Statement *s, const struct device_claims *claims);
void statement_print_json(const struct invocation *in, const Ks__Statement *s, const struct device_claims *claims);

#endif
