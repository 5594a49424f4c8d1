/* suites.h - all suites, in the order in which they run. */
#ifndef STRONGROOM_CONFORMANCE_SUITES_H
#define STRONGROOM_CONFORMANCE_SUITES_H

#include "tests/conformance/suite.h"

void suite_general(struct suite *s);
void suite_slots(struct suite *s);
void suite_sessions(struct suite *s);
void suite_login(struct suite *s);
void suite_objects(struct suite *s);
void suite_find(struct suite *s);
void suite_attributes(struct suite *s);
void suite_templates(struct suite *s);
void suite_rights(struct suite *s);
void suite_import(struct suite *s);
void suite_generate(struct suite *s);
void suite_sign(struct suite *s);
void suite_mac(struct suite *s);
void suite_digest(struct suite *s);
void suite_cipher(struct suite *s);
void suite_rsa(struct suite *s);
void suite_parameters(struct suite *s);
void suite_operation(struct suite *s);
void suite_wrap(struct suite *s);
void suite_derive(struct suite *s);
void suite_random(struct suite *s);
void suite_pqc(struct suite *s);
void suite_threads(struct suite *s);
void suite_process(struct suite *s);
void suite_many(struct suite *s);
void suite_restart(struct suite *s);
void suite_lockout(struct suite *s);

#endif
