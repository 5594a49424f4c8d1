#include "pkcs11/token/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "firmware/base/log.h"

#define PRIME_SECONDS   1
#define SLOTS_MAX       1024
#define CONFIG_MAX      (16u * 1024)
#define CONFIG_VARIABLE "SOFTHSM2_CONF"
#define OUR_VARIABLE    "STRONGROOM_PKCS11_CONF"
#define CONFIG_DEFAULT  "/etc/softhsm/softhsm2.conf"

struct taken_slot {
    CK_SLOT_ID id;
    struct taken_slot *next;
};

struct module {
    char *path;
    char *config; /* NULL: none given */
    void *library;
    CK_FUNCTION_LIST *functions;
    PKCS11_CTX *libp11;
    int lock_fd; /* the token directory, locked; -1: none */
    struct taken_slot *taken;
    struct module *next;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct module *registry;

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.len - 1);
    while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '\r'))
        s.len--;
    return s;
}

struct span module_token_directory(struct span text)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        struct span line = span_of(text.p, end != NULL ? (size_t)(end - text.p) : text.len);
        const uint8_t *equals = line.len > 0 ? memchr(line.p, '=', line.len) : NULL;
        size_t used = line.len + (end != NULL);

        if (equals != NULL && span_is(trim(span_of(line.p, (size_t)(equals - line.p))), "directories.tokendir"))
            return trim(span_of(equals + 1, (size_t)(line.p + line.len - equals - 1)));
        text = span_of(text.p + used, text.len - used);
    }
    return span_of(NULL, 0);
}

static enum status read_config(const char *path, struct bytes *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t block[4096];
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? ST_NOT_FOUND : ST_IO;
    while ((n = read(fd, block, sizeof block)) > 0 && out->len <= CONFIG_MAX)
        bytes_append(out, block, (size_t)n);
    close(fd);
    return n < 0 ? ST_IO : out->len > CONFIG_MAX ? ST_TOO_LARGE : bytes_status(out);
}

/* One process may own a SoftHSM token: C_Login rewrites token.object, and a process in C_Initialize at that moment sees
 * no token. The lock goes when the process ends, however it ends. */
static enum status lock_directory(const char *directory, int *fd_out)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        log_error("the token directory cannot be opened");
        return ST_NOT_FOUND;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum status st = errno == EWOULDBLOCK ? ST_BUSY : ST_UNAVAILABLE;

        close(fd);
        log_error("the token directory is in use by another process");
        return st;
    }
    *fd_out = fd;
    return ST_OK;
}

static enum status lock_tokens(struct module *m)
{
    const char *config = m->config != NULL ? m->config : getenv(CONFIG_VARIABLE);
    struct bytes text = { 0 };
    char *directory = NULL;
    struct span found;
    enum status st;

    if (config == NULL && strstr(m->path, "softhsm") != NULL)
        config = CONFIG_DEFAULT;
    if (config == NULL)
        return ST_OK;
    if ((st = read_config(config, &text)) != ST_OK) {
        st = m->config != NULL ? ST_NOT_FOUND : ST_OK;
        goto done;
    }
    found = module_token_directory(bytes_span(&text));
    if (found.len == 0) /* not a configuration of SoftHSM */
        goto done;
    st = (directory = span_dup_text(found)) == NULL ? ST_NO_MEMORY : lock_directory(directory, &m->lock_fd);
done:
    free(directory);
    bytes_clear(&text);
    return st;
}

static enum status open_library(struct module *m)
{
    CK_RV (*get_list)(CK_FUNCTION_LIST **);

    if ((m->library = dlopen(m->path, RTLD_NOW | RTLD_LOCAL)) == NULL) {
        log_error("the PKCS#11 module cannot be loaded");
        return ST_NOT_FOUND;
    }
    *(void **)&get_list = dlsym(m->library, "C_GetFunctionList"); /* POSIX's way to get a function from dlsym */
    if (get_list == NULL || get_list(&m->functions) != CKR_OK || m->functions == NULL)
        return ST_NOT_FOUND;
    return ST_OK;
}

enum status module_set_config(const char *path)
{
    return setenv(CONFIG_VARIABLE, path, 1) == 0 && setenv(OUR_VARIABLE, path, 1) == 0 ? ST_OK : ST_NO_MEMORY;
}

static enum status start(struct module *m)
{
    enum status st;

    if ((st = lock_tokens(m)) != ST_OK)
        return st;
    if (m->config != NULL && (setenv(CONFIG_VARIABLE, m->config, 1) != 0 || setenv(OUR_VARIABLE, m->config, 1) != 0))
        return ST_NO_MEMORY;
    if ((st = open_library(m)) != ST_OK)
        return st;
    if ((m->libp11 = PKCS11_CTX_new()) == NULL)
        return ST_NO_MEMORY;
    if (PKCS11_CTX_load(m->libp11, m->path) != 0) {
        ERR_clear_error();
        log_error("the PKCS#11 module does not initialise");
        return ST_UNAVAILABLE;
    }
    return ST_OK;
}

static void discard(struct module *m)
{
    if (m == NULL)
        return;
    if (m->libp11 != NULL)
        PKCS11_CTX_free(m->libp11);
    if (m->library != NULL)
        dlclose(m->library);
    if (m->lock_fd >= 0)
        close(m->lock_fd);
    free(m->path);
    free(m->config);
    free(m);
}

static bool same_config(const struct module *m, const char *config)
{
    return config == NULL || (m->config != NULL && strcmp(m->config, config) == 0);
}

static enum status load_new(const char *path, const char *config, struct module **out)
{
    struct module *m = calloc(1, sizeof *m);
    enum status st = ST_NO_MEMORY;

    if (m == NULL)
        return ST_NO_MEMORY;
    m->lock_fd = -1;
    if ((m->path = strdup(path)) == NULL || (config != NULL && (m->config = strdup(config)) == NULL) ||
        (st = start(m)) != ST_OK) {
        discard(m);
        return st;
    }
    m->next = registry;
    registry = m;
    *out = m;
    return ST_OK;
}

enum status module_load(const char *path, const char *config, struct module **out)
{
    struct module *m;
    enum status st = ST_OK;

    *out = NULL;
    pthread_mutex_lock(&registry_lock);
    for (m = registry; m != NULL && strcmp(m->path, path) != 0; m = m->next)
        ;
    if (m == NULL)
        st = load_new(path, config, out);
    else if (!same_config(m, config))
        st = ST_UNSUPPORTED;
    else
        *out = m;
    pthread_mutex_unlock(&registry_lock);
    return st;
}

CK_FUNCTION_LIST *module_functions(const struct module *m)
{
    return m->functions;
}

/* PKCS#11 3.0, 3.6: CK_INTERFACE is not in the header of 2.40. */
struct interface {
    char *name;
    void *functions;
    CK_FLAGS flags;
};

static const void *vendor_functions(const struct module *m, CK_BYTE_PTR name)
{
    CK_RV (*get)(CK_BYTE_PTR name, CK_VERSION * version, struct interface * *out, CK_FLAGS flags);
    struct interface *found = NULL;

    *(void **)&get = dlsym(m->library, "C_GetInterface");
    return get != NULL && get(name, NULL, &found, 0) == CKR_OK && found != NULL ? found->functions : NULL;
}

const CK_STRONGROOM_FUNCTION_LIST *module_batch_functions(const struct module *m)
{
    static CK_BYTE name[] = STRONGROOM_BATCH_INTERFACE;

    return vendor_functions(m, name);
}

const CK_STRONGROOM_ATTESTATION_FUNCTION_LIST *module_attestation_functions(const struct module *m)
{
    static CK_BYTE name[] = STRONGROOM_ATTESTATION_INTERFACE;

    return vendor_functions(m, name);
}

CK_RV module_initialise(const struct module *m)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_RV rv = m->functions->C_Initialize(&args);

    return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}

/* CK_TOKEN_INFO.label: 32 bytes, padded with blanks, no NUL. */
static bool label_is(const CK_TOKEN_INFO *info, const char *label)
{
    size_t len = strlen(label);

    if (len > sizeof info->label || memcmp(info->label, label, len) != 0)
        return false;
    while (len < sizeof info->label && info->label[len] == ' ')
        len++;
    return len == sizeof info->label;
}

enum status module_find_slot(const struct module *m, const char *label, CK_SLOT_ID *out)
{
    CK_SLOT_ID *ids = NULL;
    CK_ULONG count = 0;
    CK_TOKEN_INFO info;
    unsigned found = 0;

    if (m->functions->C_GetSlotList(CK_TRUE, NULL, &count) != CKR_OK || count > SLOTS_MAX)
        return ST_UNAVAILABLE;
    if (count == 0)
        return ST_NOT_FOUND;
    if ((ids = calloc(count, sizeof *ids)) == NULL)
        return ST_NO_MEMORY;
    if (m->functions->C_GetSlotList(CK_TRUE, ids, &count) != CKR_OK) {
        free(ids);
        return ST_UNAVAILABLE;
    }
    for (CK_ULONG i = 0; i < count; i++)
        if (m->functions->C_GetTokenInfo(ids[i], &info) == CKR_OK && label_is(&info, label)) {
            *out = ids[i];
            found++;
        }
    free(ids);
    if (found > 1)
        log_error("more than one token has the label that was asked for");
    return found == 1 ? ST_OK : ST_NOT_FOUND;
}

enum status module_libp11_open(struct module *m, CK_SLOT_ID id, struct libp11_view *out)
{
    enum status st = ST_UNAVAILABLE;

    *out = (struct libp11_view){ 0 };
    pthread_mutex_lock(&registry_lock); /* libp11's context is not thread-safe */
    if (PKCS11_enumerate_slots(m->libp11, &out->slots, &out->count) == 0) {
        for (unsigned i = 0; i < out->count; i++)
            if (PKCS11_get_slotid_from_slot(&out->slots[i]) == id)
                out->slot = &out->slots[i];
        if (out->slot != NULL && out->slot->token != NULL && PKCS11_open_session(out->slot, 0) == 0)
            st = ST_OK;
    }
    pthread_mutex_unlock(&registry_lock);
    ERR_clear_error();
    if (st != ST_OK)
        module_libp11_drop(m, out);
    return st;
}

/* Any call of libp11 that takes a session and gives it back. Its result is the slot, or NULL. */
static void *take_a_session(void *slot)
{
    static _Thread_local unsigned char byte; /* a cancelled thread leaves its stack without a word to sanitizers */
    int failed = PKCS11_generate_random(slot, &byte, sizeof byte);

    ERR_clear_error();
    return failed == 0 ? slot : NULL;
}

enum status module_libp11_prime(struct libp11_view *view)
{
    struct timespec until;
    void *result = NULL;
    pthread_t thread;

    if (pthread_create(&thread, NULL, take_a_session, view->slot) != 0)
        return ST_UNAVAILABLE;
    clock_gettime(CLOCK_REALTIME, &until); /* as pthread_timedjoin_np asks */
    until.tv_sec += PRIME_SECONDS;
    if (pthread_timedjoin_np(thread, &result, &until) == 0)
        return result != NULL ? ST_OK : ST_UNAVAILABLE;
    /* It waits, with a lock of the view that nobody will open again: leave both. */
    pthread_cancel(thread);
    pthread_detach(thread);
    *view = (struct libp11_view){ 0 };
    log_warning("libp11 was left waiting for a session of the token");
    return ST_UNAVAILABLE;
}

void module_libp11_drop(struct module *m, struct libp11_view *view)
{
    pthread_mutex_lock(&registry_lock);
    if (view->slots != NULL)
        PKCS11_release_all_slots(m->libp11, view->slots, view->count);
    pthread_mutex_unlock(&registry_lock);
    ERR_clear_error();
    *view = (struct libp11_view){ 0 };
}

bool module_take_slot(struct module *m, CK_SLOT_ID id)
{
    struct taken_slot *s, *mine = malloc(sizeof *mine);

    if (mine == NULL)
        return false;
    pthread_mutex_lock(&registry_lock);
    for (s = m->taken; s != NULL && s->id != id; s = s->next)
        ;
    if (s == NULL) {
        mine->id = id;
        mine->next = m->taken;
        m->taken = mine;
        mine = NULL;
    }
    pthread_mutex_unlock(&registry_lock);
    free(mine);
    return s == NULL;
}

void module_give_slot(struct module *m, CK_SLOT_ID id)
{
    struct taken_slot **at, *s;

    pthread_mutex_lock(&registry_lock);
    for (at = &m->taken; *at != NULL && (*at)->id != id; at = &(*at)->next)
        ;
    if ((s = *at) != NULL)
        *at = s->next;
    pthread_mutex_unlock(&registry_lock);
    free(s);
}
