/* client.h - a PKCS#11 client as the conformance suite and the probes need one: it loads the module that $TOKEN_MODULE
 * names, finds the token of $TOKEN_LABEL and reads the PINs from the files that $TOKEN_PIN_FILE and $TOKEN_SO_PIN_FILE
 * name. One client per process. */
#ifndef STRONGROOM_CONFORMANCE_CLIENT_H
#define STRONGROOM_CONFORMANCE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/conformance/interface.h"

#define PIN_ROOM 256

struct client {
    CK_FUNCTION_LIST *f;          /* 2.40 */
    struct function_list_3_0 *f3; /* NULL: the module has no 3.0 interface */
    struct function_list_3_2 *f32;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE keeper; /* logged in; keeps the login and what is made once for many cases */
    CK_SESSION_HANDLE s;      /* read/write, of the running case */
    CK_BYTE pin[PIN_ROOM], so_pin[PIN_ROOM];
    CK_ULONG pin_len, so_pin_len;
    void *module;
};
extern struct client client;

/* How far the module is brought before a case. */
enum level { LEVEL_RAW = 1, LEVEL_READY, LEVEL_PUBLIC, LEVEL_USER };

/* Load the module, read the environment. False, with a line on stderr, when something is missing. */
bool client_load(void);
/* Bring the module to the level, with a fresh session; `afresh`: finalise first. False when the module refuses. */
bool client_reach(enum level level, bool afresh);
/* C_Initialize with locking by the system. */
CK_RV client_initialize(void);
bool client_find_slot(void);
/* Destroy every object the session sees. */
void client_clean(CK_SESSION_HANDLE s);

/* Templates are written as arrays of these. */
extern CK_BBOOL client_yes, client_no;
#define YES(type)                                                                                                      \
    {                                                                                                                  \
        (type), &client_yes, sizeof(CK_BBOOL)                                                                          \
    }
#define NO(type)                                                                                                       \
    {                                                                                                                  \
        (type), &client_no, sizeof(CK_BBOOL)                                                                           \
    }
#define FLAG(type, on)                                                                                                 \
    {                                                                                                                  \
        (type), (on) ? &client_yes : &client_no, sizeof(CK_BBOOL)                                                      \
    }
#define NUMBER(type, value)                                                                                            \
    {                                                                                                                  \
        (type), &(CK_ULONG){ (value) }, sizeof(CK_ULONG)                                                               \
    }
#define BYTES(type, p, n)                                                                                              \
    {                                                                                                                  \
        (type), (void *)(uintptr_t)(p), (n)                                                                            \
    }
#define TEXT(type, text)                                                                                               \
    {                                                                                                                  \
        (type), (void *)(uintptr_t)(text), sizeof(text) - 1                                                            \
    }
#define COUNT_OF(array)         (sizeof(array) / sizeof((array)[0]))
#define TEMPLATE(...)           ((CK_ATTRIBUTE[]){ __VA_ARGS__ }), COUNT_OF(((CK_ATTRIBUTE[]){ __VA_ARGS__ }))
#define MECHANISM(type)         (&(CK_MECHANISM){ (type), NULL, 0 })
#define MECHANISM_WITH(t, p, n) (&(CK_MECHANISM){ (t), (void *)(uintptr_t)(p), (n) })

/* Does the token offer the mechanism with all the flags? */
bool client_offers(CK_MECHANISM_TYPE type, CK_FLAGS flags);
/* How many bits a key of the mechanism may have: is `bits` among them? (In the mechanism's own units.) */
bool client_takes_size(CK_MECHANISM_TYPE type, CK_ULONG size);

/* An attribute's bytes: length, or (size_t)-1 when there is none to read. */
size_t client_attribute(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *out, size_t room);
/* 1, 0, or -1 when there is no such attribute. */
int client_flag(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type);
CK_ULONG client_number(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type);
CK_RV client_count(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n, CK_ULONG *count);

/* Names of curves as CKA_EC_PARAMS: DER, its length in *len. NULL: no such curve here. */
const CK_BYTE *client_curve(const char *name, CK_ULONG *len);
#define CURVE(name)                                                                                                    \
    {                                                                                                                  \
        CKA_EC_PARAMS, (void *)(uintptr_t)client_curve((name), &(CK_ULONG){ 0 }), client_curve_len(name)               \
    }
CK_ULONG client_curve_len(const char *name);

const char *ckr_name(CK_RV rv); /* "CKR_OK"; the text lives until the fourth call after this */

#endif
