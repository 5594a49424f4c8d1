#include "provisioning/token_setup.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/rand.h>
#include <p11-kit/pkcs11.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/base64url.h"
#include "pkcs11/token/module.h"
#include "provisioning/private_file.h"

#define CONFIG_MAX (16u * 1024)
#define PIN_BYTES  24
#define LABEL_LEN  32 /* CK_TOKEN_INFO.label: padded with spaces, no NUL (PKCS#11 3.0, 3.2) */
#define SLOTS_MAX  1024

/* The module while this file works with it. */
struct module_use {
    CK_FUNCTION_LIST *f;
    int lock_fd; /* the token directory; -1: none to lock */
};

static enum status fail(struct token_setup *s, enum status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status fail(struct token_setup *s, enum status st, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->fault, sizeof s->fault, format, args);
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
static enum status make_module_config(struct token_setup *s)
{
    char *copy = strdup(s->module_config);
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
        st = fail(s, ST_NO_MEMORY, "out of memory");
    else if (mkdir(bytes_text(&directory), 0700) != 0 && errno != EEXIST)
        st = fail(s, ST_IO, "the token directory %s cannot be made: %s", bytes_text(&directory), strerror(errno));
    else if ((st = file_create(s->module_config, 0600, bytes_span(&text))) == ST_EXISTS)
        st = ST_OK;
    else if (st != ST_OK)
        st = fail(s, st, "the module's configuration %s cannot be written: %s", s->module_config, status_name(st));
    bytes_clear(&directory);
    bytes_clear(&text);
    free(copy);
    return st;
}

/* One owner for a SoftHSM token directory, by the same lock that pkcs11/token takes. */
static enum status lock_directory(struct token_setup *s, struct module_use *m)
{
    struct bytes text = { 0 };
    char *directory = NULL;
    struct span found;
    enum status st;

    if (s->module_config == NULL)
        return ST_OK;
    if ((st = file_read(s->module_config, CONFIG_MAX, &text)) != ST_OK) {
        st = fail(s, st, "the module's configuration %s cannot be read: %s", s->module_config, status_name(st));
        goto done;
    }
    found = module_token_directory(bytes_span(&text));
    if (found.len == 0)
        goto done; /* not SoftHSM's */
    if ((directory = span_dup_text(found)) == NULL)
        st = fail(s, ST_NO_MEMORY, "out of memory");
    else if ((m->lock_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        st = fail(s, ST_NOT_FOUND, "the token directory %s cannot be opened: %s", directory, strerror(errno));
    else if (flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0)
        st = fail(s, ST_BUSY, "the token directory %s is in use by another process; stop the daemon first", directory);
done:
    free(directory);
    bytes_clear(&text);
    return st;
}

static enum status begin(struct token_setup *s, struct module_use *m)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_FUNCTION_LIST *f;
    enum status st;
    CK_RV rv;

    if (s->module_config != NULL) {
        if (access(s->module_config, F_OK) != 0 && (st = make_module_config(s)) != ST_OK)
            return st;
        if (module_set_config(s->module_config) != ST_OK)
            return fail(s, ST_NO_MEMORY, "out of memory");
    }
    if ((st = lock_directory(s, m)) != ST_OK)
        return st;
    if ((f = load_functions(s->module)) == NULL)
        return fail(s, ST_NOT_FOUND, "the PKCS#11 module %s cannot be loaded", s->module);
    if ((rv = f->C_Initialize(&args)) != CKR_OK)
        return fail(s, ST_UNAVAILABLE, "the PKCS#11 module does not initialise (C_Initialize: 0x%lx)", rv);
    m->f = f; /* ours to finalise from here on */
    return ST_OK;
}

static void end(struct module_use *m)
{
    if (m->f != NULL)
        m->f->C_Finalize(NULL); /* so that pkcs11/token begins with a module that knows the new token */
    if (m->lock_fd >= 0)
        close(m->lock_fd);
}

static bool label_is(const CK_TOKEN_INFO *info, const char *label)
{
    size_t len = strlen(label);

    if (len > LABEL_LEN || memcmp(info->label, label, len) != 0)
        return false;
    while (len < LABEL_LEN)
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

static enum status random_pin(struct secret *out)
{
    uint8_t random[PIN_BYTES];
    struct bytes text = { 0 };
    enum status st = ST_UNAVAILABLE;

    if (RAND_priv_bytes(random, sizeof random) == 1) {
        if ((st = bytes_reserve(&text, base64url_encoded_len(sizeof random))) == ST_OK) {
            base64url_append(&text, span_of(random, sizeof random));
            if ((st = bytes_status(&text)) == ST_OK)
                st = secret_set(out, bytes_span(&text));
        }
    }
    secret_wipe(random, sizeof random);
    if (text.p != NULL)
        secret_wipe(text.p, text.cap);
    bytes_clear(&text);
    return st;
}

/* The PIN of a file, which is made when it is not there. An interrupted run's PINs are used again. */
static enum status take_pin(struct token_setup *s, const char *path, struct secret *pin)
{
    enum status st = secret_read_file(pin, path);

    if (st == ST_NOT_FOUND && (st = random_pin(pin)) == ST_OK)
        st = file_create(path, 0400, secret_span(pin));
    if (st != ST_OK)
        return fail(s, st, "the PIN file %s: %s", path, status_name(st));
    return pin->len > 0 ? ST_OK : fail(s, ST_BAD_REQUEST, "the PIN file %s is empty", path);
}

static enum status init_token(struct token_setup *s, struct module_use *m, CK_SLOT_ID slot, struct secret *so_pin)
{
    CK_UTF8CHAR label[LABEL_LEN];
    CK_RV rv;

    memset(label, ' ', sizeof label);
    memcpy(label, s->label, strlen(s->label));
    if ((rv = m->f->C_InitToken(slot, so_pin->p, so_pin->len, label)) != CKR_OK)
        return fail(s, ST_UNAVAILABLE, "the token cannot be initialised (C_InitToken: 0x%lx)", rv);
    return ST_OK;
}

static enum status init_user_pin(struct token_setup *s, struct module_use *m, CK_SLOT_ID slot, struct secret *so_pin,
                                 struct secret *pin)
{
    CK_SESSION_HANDLE session = 0;
    enum status st = ST_OK;
    CK_RV rv;

    if ((rv = m->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session)) != CKR_OK)
        return fail(s, ST_UNAVAILABLE, "no session with the token (C_OpenSession: 0x%lx)", rv);
    if ((rv = m->f->C_Login(session, CKU_SO, so_pin->p, so_pin->len)) != CKR_OK)
        st = fail(s, ST_NOT_PERMITTED, "the SO PIN of %s is not this token's (C_Login: 0x%lx)", s->so_pin_file, rv);
    else if ((rv = m->f->C_InitPIN(session, pin->p, pin->len)) != CKR_OK)
        st = fail(s, ST_UNAVAILABLE, "the user PIN cannot be set (C_InitPIN: 0x%lx)", rv);
    m->f->C_CloseSession(session); /* the last session of the token: logs out */
    return st;
}

static enum status set_up(struct token_setup *s, struct module_use *m)
{
    struct secret so_pin = { 0 }, pin = { 0 };
    CK_TOKEN_INFO info;
    CK_SLOT_ID slot = 0;
    bool there = find_slot(m->f, is_ours, s->label, &slot, &info);
    enum status st;

    if (there && (info.flags & CKF_USER_PIN_INITIALIZED) != 0)
        return ST_OK;
    /* The files first: a token whose PIN nobody knows would be lost. */
    if ((st = take_pin(s, s->so_pin_file, &so_pin)) != ST_OK || (st = take_pin(s, s->pin_file, &pin)) != ST_OK)
        goto done;
    if (!there && !find_slot(m->f, is_free, NULL, &slot, &info)) {
        st = fail(s, ST_NOT_FOUND, "the module offers no uninitialised token");
        goto done;
    }
    if ((!there && (st = init_token(s, m, slot, &so_pin)) != ST_OK) ||
        (st = init_user_pin(s, m, slot, &so_pin, &pin)) != ST_OK)
        goto done;
    s->made = true;
done:
    secret_clear(&so_pin);
    secret_clear(&pin);
    return st;
}

enum status token_setup(struct token_setup *s)
{
    struct module_use m = { .lock_fd = -1 };
    size_t len = strlen(s->label);
    enum status st;

    s->made = false;
    s->fault[0] = '\0';
    if (len == 0 || len > LABEL_LEN)
        return fail(s, ST_BAD_REQUEST, "the token's label must have 1 to %d bytes", LABEL_LEN);
    if ((st = begin(s, &m)) == ST_OK)
        st = set_up(s, &m);
    end(&m);
    return st;
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
