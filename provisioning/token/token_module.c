#include "provisioning/token/token_module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkcs11/module/strongroom.h"
#include "pkcs11/token/module.h"
#include "provisioning/cli/private_file.h"

#define CONFIG_MAX (16u * 1024)
#define SLOTS_MAX  1024

enum status token_module_fail(struct token_module *m, enum status st, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(m->fault, sizeof m->fault, format, args);
    va_end(args);
    return st;
}

static CK_FUNCTION_LIST *load_functions(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays loaded: pkcs11/token uses it next */
    CK_RV (*get_list)(CK_FUNCTION_LIST **) = NULL;
    CK_FUNCTION_LIST *f = NULL;

    if (library != NULL)
        *(void **)&get_list = dlsym(library, "C_GetFunctionList"); /* POSIX's way to get a function from dlsym */
    return get_list != NULL && get_list(&f) == CKR_OK ? f : NULL;
}

/* SoftHSM's configuration and token directory, beside each other. */
static enum status make_config(struct token_module *m)
{
    char *copy = strdup(m->module_config);
    struct bytes directory = { 0 }, text = { 0 };
    enum status st = ST_NO_MEMORY;

    if (copy == NULL)
        return st;
    bytes_printf(&directory, "%s/tokens", dirname(copy));
    bytes_printf(&text,
                 "# The tokens of one daemon; no other process may use this directory meanwhile.\n"
                 "directories.tokendir = %s\n"
                 "objectstore.backend = file\n"
                 "log.level = ERROR\n"
                 "slots.removable = false\n",
                 bytes_text(&directory));
    if (bytes_status(&directory) != ST_OK || bytes_status(&text) != ST_OK)
        st = token_module_fail(m, ST_NO_MEMORY, "out of memory");
    else if (mkdir(bytes_text(&directory), 0700) != 0 && errno != EEXIST)
        st = token_module_fail(m, ST_IO, "the token directory %s cannot be made: %s", bytes_text(&directory),
                               strerror(errno));
    else if ((st = file_create(m->module_config, 0600, bytes_span(&text))) == ST_EXISTS)
        st = ST_OK;
    else if (st != ST_OK)
        st = token_module_fail(m, st, "the module's configuration %s cannot be written: %s", m->module_config,
                               status_name(st));
    bytes_clear(&directory);
    bytes_clear(&text);
    free(copy);
    return st;
}

/* One owner for a SoftHSM token directory, by the same lock that pkcs11/token takes. */
static enum status lock_directory(struct token_module *m)
{
    struct bytes text = { 0 };
    char *directory = NULL;
    struct span found;
    enum status st;

    if ((st = file_read(m->module_config, CONFIG_MAX, &text)) != ST_OK) {
        st = token_module_fail(m, st, "the module's configuration %s cannot be read: %s", m->module_config,
                               status_name(st));
        goto done;
    }
    found = module_token_directory(bytes_span(&text));
    if (found.len == 0)
        goto done; /* not SoftHSM's */
    if ((directory = span_dup_text(found)) == NULL)
        st = token_module_fail(m, ST_NO_MEMORY, "out of memory");
    else if ((m->lock_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        st = token_module_fail(m, ST_NOT_FOUND, "the token directory %s cannot be opened: %s", directory,
                               strerror(errno));
    else if (flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0)
        st = token_module_fail(m, ST_BUSY, "the token directory %s is in use by another process; stop the daemon first",
                               directory);
done:
    free(directory);
    bytes_clear(&text);
    return st;
}

/* The module's configuration, and the lock on its tokens. */
static enum status prepare(struct token_module *m)
{
    enum status st;

    if (m->module_config == NULL)
        return ST_OK;
    if (m->make_config && access(m->module_config, F_OK) != 0 && (st = make_config(m)) != ST_OK)
        return st;
    if (module_set_config(m->module_config) != ST_OK)
        return token_module_fail(m, ST_NO_MEMORY, "out of memory");
    return lock_directory(m);
}

enum status token_module_open(struct token_module *m)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_FUNCTION_LIST *f;
    enum status st;
    CK_RV rv;

    m->f = NULL;
    m->lock_fd = -1;
    m->fault[0] = '\0';
    if ((st = prepare(m)) != ST_OK)
        return st;
    if ((f = load_functions(m->module)) == NULL)
        return token_module_fail(m, ST_NOT_FOUND, "the PKCS#11 module %s cannot be loaded", m->module);
    if ((rv = f->C_Initialize(&args)) != CKR_OK)
        return token_module_fail(m, ST_UNAVAILABLE, "the PKCS#11 module does not initialise (C_Initialize: 0x%lx)", rv);
    m->f = f; /* ours to finalise from here on */
    return ST_OK;
}

void token_module_close(struct token_module *m)
{
    if (m->f != NULL)
        m->f->C_Finalize(NULL); /* so that pkcs11/token begins with a module that knows the new token */
    if (m->lock_fd >= 0)
        close(m->lock_fd);
    m->f = NULL;
    m->lock_fd = -1;
}

static bool label_is(const CK_TOKEN_INFO *info, const char *label)
{
    size_t len = strlen(label);

    if (len > TOKEN_LABEL_LEN || memcmp(info->label, label, len) != 0)
        return false;
    while (len < TOKEN_LABEL_LEN)
        if (info->label[len++] != ' ')
            return false;
    return true;
}

/* Visits the tokens present; returns the slot of the one `wanted` accepts. */
typedef bool token_wanted(const CK_TOKEN_INFO *info, const char *label);

static bool find_slot(CK_FUNCTION_LIST *f, token_wanted *wanted, const char *label, CK_SLOT_ID *slot,
                      CK_TOKEN_INFO *info)
{
    CK_SLOT_ID ids[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX, n = 0;

    /* Asking the length first makes SoftHSM look for a free slot anew. */
    if (f->C_GetSlotList(CK_TRUE, NULL, &n) != CKR_OK || n > SLOTS_MAX ||
        f->C_GetSlotList(CK_TRUE, ids, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++) {
        if (f->C_GetTokenInfo(ids[i], info) != CKR_OK || !wanted(info, label))
            continue;
        *slot = ids[i];
        return true;
    }
    return false;
}

static bool is_ours(const CK_TOKEN_INFO *info, const char *label)
{
    return (info->flags & CKF_TOKEN_INITIALIZED) != 0 && label_is(info, label);
}

static bool is_free(const CK_TOKEN_INFO *info, const char *label)
{
    (void)label;
    return (info->flags & CKF_TOKEN_INITIALIZED) == 0;
}

bool token_module_find(struct token_module *m, const char *label, CK_SLOT_ID *slot, CK_TOKEN_INFO *info)
{
    return find_slot(m->f, is_ours, label, slot, info);
}

bool token_module_find_free(struct token_module *m, CK_SLOT_ID *slot, CK_TOKEN_INFO *info)
{
    return find_slot(m->f, is_free, NULL, slot, info);
}

/* PKCS#11 3.0, 3.6: CK_INTERFACE is not in the header of 2.40. */
struct interface {
    char *name;
    void *functions;
    CK_FLAGS flags;
};

unsigned long token_module_link_keys(const struct token_module *m, CK_SLOT_ID slot)
{
    CK_RV (*get)(CK_BYTE_PTR name, CK_VERSION * version, struct interface * *out, CK_FLAGS flags);
    void *library = dlopen(m->module, RTLD_NOW | RTLD_LOCAL); /* it is loaded, and stays so */
    static CK_BYTE name[] = STRONGROOM_TOKEN_INTERFACE;
    const CK_STRONGROOM_TOKEN_FUNCTION_LIST *list;
    struct interface *found = NULL;
    CK_ULONG count = 0;

    if (library == NULL)
        return 0;
    *(void **)&get = dlsym(library, "C_GetInterface");
    if (get == NULL || get(name, NULL, &found, 0) != CKR_OK || found == NULL)
        return 0;
    list = found->functions;
    return list->C_StrongroomLinkKeys(slot, &count) == CKR_OK ? count : 0;
}

/* A padded field of PKCS#11 as text; `out` has one byte more than the field. */
static void unpad(char *out, const CK_UTF8CHAR *field, size_t len)
{
    while (len > 0 && field[len - 1] == ' ')
        len--;
    memcpy(out, field, len);
    out[len] = '\0';
}

enum status token_facts_read(const char *module, const char *label, struct token_facts *out)
{
    CK_FUNCTION_LIST *f = load_functions(module);
    CK_TOKEN_INFO info;
    CK_INFO library;
    CK_SLOT_ID slot;

    *out = (struct token_facts){ 0 };
    if (f == NULL || f->C_GetInfo(&library) != CKR_OK)
        return ST_UNAVAILABLE;
    if (!find_slot(f, is_ours, label, &slot, &info))
        return ST_NOT_FOUND;
    unpad(out->label, info.label, sizeof info.label);
    unpad(out->manufacturer, info.manufacturerID, sizeof info.manufacturerID);
    unpad(out->model, info.model, sizeof info.model);
    unpad(out->serial, info.serialNumber, sizeof info.serialNumber);
    unpad(out->library, library.libraryDescription, sizeof library.libraryDescription);
    out->library_major = library.libraryVersion.major;
    out->library_minor = library.libraryVersion.minor;
    out->hardware_major = info.hardwareVersion.major;
    out->hardware_minor = info.hardwareVersion.minor;
    out->firmware_major = info.firmwareVersion.major;
    out->firmware_minor = info.firmwareVersion.minor;
    out->user_pin_locked = (info.flags & CKF_USER_PIN_LOCKED) != 0;
    out->user_pin_final_try = (info.flags & CKF_USER_PIN_FINAL_TRY) != 0;
    out->so_pin_locked = (info.flags & CKF_SO_PIN_LOCKED) != 0;
    return ST_OK;
}
