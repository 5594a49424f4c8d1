/* keystore_verbs.h - the verbs of `strongroom keystore` that have files of their own; keystore_commands.c has the
 * table. */
#ifndef STRONGROOM_PROVISIONING_KEYSTORE_VERBS_H
#define STRONGROOM_PROVISIONING_KEYSTORE_VERBS_H

#include "provisioning/cli/command.h"

/* keystore_status.c */
int keystore_status(struct invocation *in);
/* keystore_audit.c */
int keystore_audit(struct invocation *in);

/* keystore_role_commands.c: who may do what on the link */
extern const struct verb_option keystore_set_owner_options[], keystore_auditor_options[];
int keystore_set_owner(struct invocation *in);
int keystore_add_auditor(struct invocation *in);
int keystore_remove_auditor(struct invocation *in);

/* keystore_settings_commands.c */
extern const struct verb_option keystore_audit_sink_options[], keystore_firmware_key_options[],
    keystore_clock_options[];
int keystore_audit_sink(struct invocation *in);
int keystore_firmware_key(struct invocation *in);
int keystore_clock(struct invocation *in);

/* keystore_start_commands.c: what a start asks for */
extern const struct verb_option keystore_start_mode_options[], keystore_unlock_options[];
int keystore_start_mode(struct invocation *in);
int keystore_unlock(struct invocation *in);

/* decommission_commands.c */
extern const struct verb_option keystore_decommission_options[];
int keystore_factory_reset(struct invocation *in);
int keystore_zeroise(struct invocation *in);

#endif
