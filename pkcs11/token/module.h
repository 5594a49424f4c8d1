/* module.h - PKCS#11 modules loaded into this process, and their slots.
 * libp11 loads and initialises a module; everything it does not offer we call through the module's function list, which
 * a dlopen of the same file gives us (the instance is the same). A module is never unloaded and never finalised:
 * libp11's unload calls C_Finalize, which would end every session in the process (limits of libp11 0.4.12).
 * Thread-safe; modules and slots live as long as the process. */
#ifndef STRONGROOM_PKCS11_MODULE_H
#define STRONGROOM_PKCS11_MODULE_H

#include <libp11.h>
#include <p11-kit/pkcs11.h>

#include "firmware/base/bytes.h"
#include "pkcs11/module/strongroom.h"

struct module;

/* Set the variables by which modules find their configuration (SOFTHSM2_CONF, STRONGROOM_PKCS11_CONF: each reads its
 * own). Before the module is loaded. Errors: ST_NO_MEMORY. */
MUST_CHECK enum status module_set_config(const char *path);

/* Load `path`, or find it loaded. `config` is set by module_set_config() first; NULL: the environment stays. When the
 * module keeps its tokens in a directory that this file names (SoftHSM), that directory is locked until the process
 * ends. Errors: ST_NOT_FOUND no module, or no token directory; ST_BUSY another process has the directory;
 * ST_UNSUPPORTED the module is loaded with another configuration; ST_UNAVAILABLE it does not initialise; ST_NO_MEMORY.
 */
MUST_CHECK enum status module_load(const char *path, const char *config, struct module **out);
CK_FUNCTION_LIST *module_functions(const struct module *m);
/* The batch interface, if the module has it; NULL. */
const CK_STRONGROOM_FUNCTION_LIST *module_batch_functions(const struct module *m);
/* The attestation interface, likewise. */
const CK_STRONGROOM_ATTESTATION_FUNCTION_LIST *module_attestation_functions(const struct module *m);
/* Initialise it again after somebody has finalised it, or do nothing. */
CK_RV module_initialise(const struct module *m);
/* The slot whose token has this label. Errors: ST_NOT_FOUND none, or more than one; ST_UNAVAILABLE. */
MUST_CHECK enum status module_find_slot(const struct module *m, const char *label, CK_SLOT_ID *out);
/* libp11's view of the slots. It remembers keys by handle and session, so each connection needs a view of its own: on a
 * token that was away, the handle of one key may have become another's. A zeroed struct is empty. */
struct libp11_view {
    PKCS11_SLOT *slots;
    unsigned count;
    PKCS11_SLOT *slot; /* the one asked for */
};
/* Take a view of slot `id` and open its session pool (read-only, the one mode it is ever opened in). This, and dropping
 * a view, closes all sessions of the slot: do both while there are none of ours.
 * Errors: ST_UNAVAILABLE. */
MUST_CHECK enum status module_libp11_open(struct module *m, CK_SLOT_ID id, struct libp11_view *out);
/* Have libp11 open its first session. Until it has one, libp11 0.4.12 waits for ever when C_OpenSession fails; with
 * one, it waits for that one to come back. So this runs in a thread that can be left behind, once the token is known to
 * answer. Errors: ST_UNAVAILABLE (the view may be empty then, given up). */
MUST_CHECK enum status module_libp11_prime(struct libp11_view *view);
/* No key that came from the view is left. */
void module_libp11_drop(struct module *m, struct libp11_view *view);
/* One owner for each slot: logging out, for one, hits all who use it. */
MUST_CHECK bool module_take_slot(struct module *m, CK_SLOT_ID id);
void module_give_slot(struct module *m, CK_SLOT_ID id);

/* The value of `directories.tokendir` in the text of a SoftHSM configuration; empty when there is none. */
struct span module_token_directory(struct span config_text);

#endif
