/* check.h - what a case says of what it saw. The verdict goes to CUnit; a failure's text names the call, what it gave
 * and what it should have given. The REQUIRE kind ends the case. */
#ifndef STRONGROOM_CONFORMANCE_CHECK_H
#define STRONGROOM_CONFORMANCE_CHECK_H

#include "tests/conformance/client.h"

#define ANY_RV ((CK_RV)-1) /* ends the list of check_one_of */

bool check_that(bool good, const char *text, const char *file, unsigned line, bool fatal);
bool check_rv(CK_RV rv, CK_RV want, const char *text, const char *file, unsigned line, bool fatal);
bool check_one_of(CK_RV rv, const CK_RV *wanted, const char *text, const char *file, unsigned line);
/* The case needs what the token does not offer: it counts as "not offered". Always false. */
bool check_absent(const char *what);

#define CHECK(good)          check_that((good), #good, __FILE__, __LINE__, false)
#define REQUIRE(good)        check_that((good), #good, __FILE__, __LINE__, true)
#define CHECK_RV(call, want) check_rv((call), (want), #call, __FILE__, __LINE__, false)
#define CHECK_OK(call)       check_rv((call), CKR_OK, #call, __FILE__, __LINE__, false)
#define REQUIRE_OK(call)     check_rv((call), CKR_OK, #call, __FILE__, __LINE__, true)
#define CHECK_ONE(call, ...) check_one_of((call), (const CK_RV[]){ __VA_ARGS__, ANY_RV }, #call, __FILE__, __LINE__)
#define OFFERED(type, flags) (client_offers((type), (flags)) || check_absent(#type))
#define F                    (client.f)
#define S                    (client.s)

#endif
