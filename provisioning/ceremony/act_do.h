/* act_do.h - how a command does a dangerous act, or prepares its approval: the same for every verb that has
 * ACT_OPTIONS. */
#ifndef STRONGROOM_PROVISIONING_ACT_DO_H
#define STRONGROOM_PROVISIONING_ACT_DO_H

#include "provisioning/ceremony/act_file.h"
#include "provisioning/link/keystore_link.h"

#define ACT_OPTIONS                                                                                                    \
    { "prepare", "FILE", false, false, "do nothing yet: write the act that the holders approve" },                     \
        { "valid", "HOURS", false, false, "with --prepare: how long, 1 to 168 (default 24)" },                         \
        { "act", "FILE", false, false, "the act that was approved" },                                                  \
    {                                                                                                                  \
        "approval", "FILE", false, true, "of a holder (act approve)"                                                   \
    }

/* Before anything is asked or sent: are the options of the act sensible together, and has the file of --prepare a
 * place? Then the link, as keystore_link_open() opens it. */
int act_link_open(const struct invocation *in, struct keystore_link **out);
int act_begin(const struct invocation *in); /* the first half of it */

/* With --prepare: write the act file of this request and say what comes next. Else do it, with --act and each
 * --approval if there are any; whether they are needed is for the keystore to say. `request` must not have secrets in
 * it when act_is_prepared(). EXIT_DONE, or what was refused. *answer as keystore_link_call()'s; untouched by --prepare.
 */
int act_do(const struct invocation *in, struct keystore_link *k, uint16_t kind, ProtobufCMessage *request,
           void *answer);
bool act_is_prepared(const struct invocation *in);

/* Put --act and each --approval into the request, after checking that they are for just this request. The authorisation
 * lies in memory of this file, good until the next call: a command does one act. Without --act, the request stays as it
 * is. */
int act_attach(const struct invocation *in, uint16_t kind, ProtobufCMessage *request);
/* The same, of an act and approvals that came another way. */
int act_attach_these(const struct invocation *in, const struct act_file *act, const struct approval *approvals,
                     size_t count, uint16_t kind, ProtobufCMessage *request);

/* Write the act file. `who` (may be NULL) says who approves where the keystore does not know yet: its `required` and
 * `holders`. */
int act_prepare(const struct invocation *in, struct keystore_link *k, uint16_t kind, ProtobufCMessage *request,
                const struct act_file *who);

#endif
