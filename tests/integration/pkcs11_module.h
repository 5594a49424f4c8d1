/* pkcs11_module.h - a PKCS#11 module in a test's own process, loaded and called as any client does. One per process. */
#ifndef STRONGROOM_TESTS_INTEGRATION_PKCS11_MODULE_H
#define STRONGROOM_TESTS_INTEGRATION_PKCS11_MODULE_H

#include "firmware/base/bytes.h"
#include "pkcs11/module/strongroom.h"

extern CK_FUNCTION_LIST *p11; /* NULL before p11_open() */
extern CK_BBOOL p11_yes, p11_no;

#define P11_YES(type)                                                                                                  \
    {                                                                                                                  \
        (type), &p11_yes, sizeof(CK_BBOOL)                                                                             \
    }
#define P11_NO(type)                                                                                                   \
    {                                                                                                                  \
        (type), &p11_no, sizeof(CK_BBOOL)                                                                              \
    }
#define P11_NUMBER(type, n)                                                                                            \
    {                                                                                                                  \
        (type), &(CK_ULONG){ (n) }, sizeof(CK_ULONG)                                                                   \
    }
#define P11_BYTES(type, p, n)                                                                                          \
    {                                                                                                                  \
        (type), (void *)(uintptr_t)(p), (n)                                                                            \
    }
#define P11_TEXT(type, text) P11_BYTES(type, text, strlen(text))

/* Load `path` and initialise it. False, with a line on standard error, when that fails. */
bool p11_open(const char *path);
/* The slot of the initialised token with this label. Errors: the module's; CKR_TOKEN_NOT_PRESENT there is none. */
CK_RV p11_find_slot(const char *label, CK_SLOT_ID *out);
/* A read/write session in which the user is logged in.. */
CK_RV p11_log_in(CK_SLOT_ID slot, struct span pin, CK_SESSION_HANDLE *out);
/* The one object that the template describes. Errors: the module's; CKR_OBJECT_HANDLE_INVALID none, or several. */
CK_RV p11_find(CK_SESSION_HANDLE s, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *out);

#endif
