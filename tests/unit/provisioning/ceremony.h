/* ceremony.h - holders and acts for the tests of ceremonies away from a keystore. */
#ifndef STRONGROOM_TESTS_PROVISIONING_CEREMONY_H
#define STRONGROOM_TESTS_PROVISIONING_CEREMONY_H

#include "provisioning/ceremony/act_file.h"

#define CEREMONY_HOLDERS 4 /* the last is a stranger: in no act */

/* A path in scratch_directory(). The text lives as long as the program. */
const char *ceremony_path(const char *file);
/* Make each holder's certificate and key (RSA, 2,048 bits, no passphrase), once. */
void ceremony_holders(void);
const char *ceremony_certificate(size_t holder);
const char *ceremony_key(size_t holder);
/* An act of this request, good for an hour, which two of the first three holders approve. For act_file_clear(). */
void ceremony_act(uint16_t kind, const ProtobufCMessage *request, struct act_file *out);
/* The same, written to scratch_directory() under this name, in place of what was there. Returns its path. */
const char *ceremony_act_file(const char *file, uint16_t kind, const ProtobufCMessage *request);
/* Run `act approve --yes` as that holder, in place of what was there. Returns the exit code. */
int ceremony_approve(const char *act, size_t holder, const char *out);
/* Replace the first `from` in a file by `to`; false: it is not there. */
bool ceremony_edit(const char *path, const char *from, const char *to);

/* On a board whose owner is owner.pem: the domain of the first three holders, of whom two approve, made, exported to
 * domain.json in place of what was there, and confirmed. Returns the last exit code. Needs board.c. */
struct board;
int ceremony_domain(const struct board *b, const char *name);

/* An invocation for functions that take one; what is refused goes to `err`, which is emptied by the next call. */
const struct invocation *ceremony_invocation(void);
const char *ceremony_refusal(void);

#endif
