#include "tests/bench/softhsm.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware/base/guid.h"
#include "firmware/base/secret.h"

#define SLOTS_MAX 16

static bool joined(char *out, size_t room, const char *directory, const char *name)
{
    int n = snprintf(out, room, "%s/%s", directory, name);

    return n > 0 && (size_t)n < room;
}

enum status softhsm_at(struct softhsm *s, const char *module, const char *directory)
{
    *s = (struct softhsm){ .module = module };
    return joined(s->config, sizeof s->config, directory, "softhsm2.conf") &&
                   joined(s->pin_file, sizeof s->pin_file, directory, "pin") &&
                   joined(s->tokens, sizeof s->tokens, directory, "tokens")
               ? ST_OK
               : ST_TOO_LARGE;
}

static enum status write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t len = strlen(text);
    ssize_t n;

    if (fd < 0)
        return errno == EEXIST ? ST_EXISTS : ST_IO;
    n = write(fd, text, len);
    return close(fd) == 0 && n == (ssize_t)len ? ST_OK : ST_IO;
}

static enum status write_config(const struct softhsm *s)
{
    struct bytes text = { 0 };
    enum status st;

    bytes_printf(&text, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", s->tokens);
    if ((st = bytes_status(&text)) == ST_OK && mkdir(s->tokens, 0700) != 0)
        st = ST_IO;
    if (st == ST_OK)
        st = write_file(s->config, bytes_text(&text));
    bytes_clear(&text);
    return st;
}

CK_FUNCTION_LIST *softhsm_load(const struct softhsm *s)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *f = NULL;
    void *module;

    if (setenv("SOFTHSM2_CONF", s->config, 1) != 0 || (module = dlopen(s->module, RTLD_NOW | RTLD_LOCAL)) == NULL)
        return NULL;
    *(void **)&get = dlsym(module, "C_GetFunctionList"); /* POSIX's way to make a function pointer of it */
    if (get == NULL || get(&f) != CKR_OK || f->C_Initialize(&args) != CKR_OK)
        return NULL;
    return f;
}

static bool has_label(const CK_TOKEN_INFO *info)
{
    size_t len = strlen(SOFTHSM_LABEL);

    return memcmp(info->label, SOFTHSM_LABEL, len) == 0 && info->label[len] == ' ';
}

static enum status find_slot(CK_FUNCTION_LIST *f, CK_SLOT_ID *slot)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;

    if (f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return ST_UNAVAILABLE;
    for (CK_ULONG i = 0; i < count; i++)
        if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK && has_label(&info)) {
            *slot = slots[i];
            return ST_OK;
        }
    return ST_NOT_FOUND;
}

enum status softhsm_login(const struct softhsm *s, CK_FUNCTION_LIST *f, CK_SLOT_ID *slot, CK_SESSION_HANDLE *session)
{
    struct secret pin = { 0 };
    enum status st;

    if ((st = find_slot(f, slot)) != ST_OK || (st = secret_read_file(&pin, s->pin_file)) != ST_OK)
        return st;
    if (f->C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session) != CKR_OK ||
        f->C_Login(*session, CKU_USER, pin.p, pin.len) != CKR_OK)
        st = ST_UNAVAILABLE;
    secret_clear(&pin);
    return st;
}

/* One PIN for both roles: the token lives as long as one run of a benchmark. */
static enum status init_token(CK_FUNCTION_LIST *f, struct span pin)
{
    CK_BYTE label[32], *p = (CK_BYTE *)(uintptr_t)pin.p;
    CK_SESSION_HANDLE session;
    CK_ULONG count = 1;
    CK_SLOT_ID slot;

    memset(label, ' ', sizeof label);
    memcpy(label, SOFTHSM_LABEL, strlen(SOFTHSM_LABEL));
    if (f->C_GetSlotList(CK_TRUE, &slot, &count) != CKR_OK || count < 1 ||
        f->C_InitToken(slot, p, pin.len, label) != CKR_OK || find_slot(f, &slot) != ST_OK ||
        f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) != CKR_OK ||
        f->C_Login(session, CKU_SO, p, pin.len) != CKR_OK || f->C_InitPIN(session, p, pin.len) != CKR_OK)
        return ST_UNAVAILABLE;
    return ST_OK;
}

enum status softhsm_make(const struct softhsm *s)
{
    struct guid pin = guid_random();
    CK_FUNCTION_LIST *f;
    enum status st = write_file(s->pin_file, pin.text);

    if (st == ST_EXISTS)
        return ST_OK;
    if (st == ST_OK && (st = write_config(s)) == ST_OK) {
        if ((f = softhsm_load(s)) == NULL)
            st = ST_NOT_FOUND;
        else if ((st = init_token(f, span_of(pin.text, GUID_LEN))) == ST_OK && f->C_Finalize(NULL) != CKR_OK)
            st = ST_INTERNAL;
    }
    secret_wipe(&pin, sizeof pin);
    return st;
}
