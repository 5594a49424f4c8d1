#include "tests/unit/firmware/flash/memory_hal.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "tests/unit/firmware/flash/memory_quote.h"

/* Out of memory ends a test: it has nothing to say then. */
static void *must(void *p)
{
    INVARIANT(p != NULL);
    return p;
}

static uint8_t *duplicate(const uint8_t *p, size_t len)
{
    return memcpy(must(malloc(len > 0 ? len : 1)), p, len);
}

static void keep(struct bytes *to, const struct bytes *from)
{
    enum status st = bytes_set(to, bytes_span(from));

    INVARIANT(st == ST_OK);
}

static void remember(struct memory_hal *m, int kind, enum hal_region region, size_t at, const void *p, size_t len)
{
    struct memory_event *e;

    if (m->event_count == m->event_cap) {
        m->event_cap = m->event_cap == 0 ? 64 : m->event_cap * 2;
        m->events = must(realloc(m->events, m->event_cap * sizeof *m->events));
    }
    e = &m->events[m->event_count++];
    *e = (struct memory_event){ .region = region, .at = at, .len = len };
    e->kind = kind;
    if (p != NULL)
        e->bytes = duplicate(p, len);
    m->writes += kind == MEMORY_WRITE;
    m->syncs += kind == MEMORY_SYNC;
}

static bool fails(unsigned *countdown)
{
    if (*countdown == 0)
        return false;
    if (*countdown == 1)
        return true;
    --*countdown;
    return false;
}

/* What the firmware calls */

static enum status root_key(void *self, uint8_t out[HAL_ROOT_KEY_LEN])
{
    struct memory_hal *m = self;

    if (m->root_destroyed)
        return ST_NOT_FOUND;
    memcpy(out, m->root_key, HAL_ROOT_KEY_LEN);
    return ST_OK;
}

static enum status root_destroy(void *self)
{
    struct memory_hal *m = self;

    m->root_destroyed = true;
    return ST_OK;
}

static enum status counter_read(void *self, uint64_t *out)
{
    struct memory_hal *m = self;

    pthread_mutex_lock(&m->lock);
    *out = m->counter;
    pthread_mutex_unlock(&m->lock);
    return ST_OK;
}

static enum status counter_increment(void *self, uint64_t *out)
{
    struct memory_hal *m = self;
    bool failed;

    pthread_mutex_lock(&m->lock);
    if (!(failed = fails(&m->fail_counter))) {
        *out = ++m->counter;
        remember(m, MEMORY_COUNTER, 0, 0, NULL, 0);
    }
    pthread_mutex_unlock(&m->lock);
    return failed ? ST_IO : ST_OK;
}

static size_t flash_size(void *self, enum hal_region region)
{
    return ((struct memory_hal *)self)->size[region];
}

static enum status flash_read(void *self, enum hal_region region, size_t at, void *out, size_t len)
{
    struct memory_hal *m = self;
    bool failed;

    INVARIANT(region < HAL_REGION_COUNT_ && at <= m->size[region] && len <= m->size[region] - at);
    pthread_mutex_lock(&m->lock);
    if (!(failed = fails(&m->fail_read)))
        memcpy(out, m->flash[region] + at, len);
    pthread_mutex_unlock(&m->lock);
    return failed ? ST_IO : ST_OK;
}

static enum status flash_write(void *self, enum hal_region region, size_t at, const void *p, size_t len)
{
    struct memory_hal *m = self;
    bool failed;

    INVARIANT(region < HAL_REGION_COUNT_ && at <= m->size[region] && len <= m->size[region] - at);
    pthread_mutex_lock(&m->lock);
    if (!(failed = fails(&m->fail_write))) {
        memcpy(m->flash[region] + at, p, len);
        remember(m, MEMORY_WRITE, region, at, p, len);
    }
    pthread_mutex_unlock(&m->lock);
    return failed ? ST_IO : ST_OK;
}

static enum status flash_sync(void *self, enum hal_region region)
{
    struct memory_hal *m = self;
    bool failed;

    pthread_mutex_lock(&m->lock);
    if (!(failed = fails(&m->fail_sync)))
        remember(m, MEMORY_SYNC, region, 0, NULL, 0);
    pthread_mutex_unlock(&m->lock);
    return failed ? ST_IO : ST_OK;
}

static enum status entropy(void *self, unsigned source, uint8_t *out, size_t len)
{
    (void)self;
    return source > 0 ? ST_NOT_FOUND : RAND_bytes(out, (int)len) == 1 ? ST_OK : ST_IO;
}

static const char *entropy_name(void *self, unsigned source)
{
    (void)self;
    return source == 0 ? "test" : NULL;
}

static uint64_t time_unix_ms(void *self)
{
    struct memory_hal *m = self;
    uint64_t now;

    pthread_mutex_lock(&m->lock);
    now = m->time_ms++;
    pthread_mutex_unlock(&m->lock);
    return now;
}

static enum status publish_identity(void *self, struct span certificate)
{
    return bytes_set(&((struct memory_hal *)self)->identity, certificate);
}

static enum status publish_destruction(void *self, struct span statement)
{
    struct memory_hal *m = self;
    enum status st;

    pthread_mutex_lock(&m->lock);
    st = fails(&m->fail_destruction) ? ST_IO : bytes_set(&m->destruction, statement);
    pthread_mutex_unlock(&m->lock);
    return st;
}

static enum status ready_to_quote(struct memory_hal *m)
{
    enum status st;

    pthread_mutex_lock(&m->lock);
    st = m->no_quote ? ST_NOT_FOUND : fails(&m->fail_quote) ? ST_UNAVAILABLE : ST_OK;
    pthread_mutex_unlock(&m->lock);
    return st;
}

static enum status quote_key(void *self, struct bytes *spki)
{
    struct memory_hal *m = self;
    enum status st = ready_to_quote(m);

    if (st == ST_OK)
        memory_quote_key(m->quote_key, spki);
    return st;
}

static enum status quote(void *self, const uint8_t nonce[32], struct bytes *attest, struct bytes *signature)
{
    struct memory_hal *m = self;
    enum status st = ready_to_quote(m);

    if (st == ST_OK)
        memory_quote(m->quote_key, m->hal.facts.firmware_hash, nonce, attest, signature);
    return st;
}

/* What a test calls */

static struct memory_hal *new_board(const size_t size[HAL_REGION_COUNT_])
{
    struct memory_hal *m = must(calloc(1, sizeof *m));

    pthread_mutex_init(&m->lock, NULL);
    m->hal = (struct hal){ .self = m,
                           .facts = { .board = "memory", .root = "insecure-file", .isolation = "none" },
                           .root_key = root_key,
                           .root_destroy = root_destroy,
                           .counter_read = counter_read,
                           .counter_increment = counter_increment,
                           .flash_size = flash_size,
                           .flash_read = flash_read,
                           .flash_write = flash_write,
                           .flash_sync = flash_sync,
                           .entropy = entropy,
                           .entropy_name = entropy_name,
                           .time_unix_ms = time_unix_ms,
                           .publish_identity = publish_identity,
                           .publish_destruction = publish_destruction,
                           .quote_key = quote_key,
                           .quote = quote };
    m->time_ms = 1700000000000;
    memset(m->root_key, 0x5a, sizeof m->root_key);
    for (int i = 0; i < HAL_REGION_COUNT_; i++) {
        m->size[i] = size[i];
        m->flash[i] = memset(must(malloc(size[i])), 0xff, size[i]);
        m->before[i] = duplicate(m->flash[i], size[i]);
    }
    return m;
}

struct memory_hal *memory_hal_new(size_t bank, size_t audit)
{
    const size_t size[HAL_REGION_COUNT_] = { bank, bank, audit };
    struct memory_hal *m = new_board(size);

    m->quote_key = must(EVP_EC_gen("P-256"));
    return m;
}

void memory_hal_free(struct memory_hal *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->event_count; i++)
        free(m->events[i].bytes);
    free(m->events);
    for (int i = 0; i < HAL_REGION_COUNT_; i++) {
        free(m->flash[i]);
        free(m->before[i]);
    }
    bytes_clear(&m->identity);
    bytes_clear(&m->destruction);
    EVP_PKEY_free(m->quote_key);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void tear(uint8_t *flash, const struct memory_event *e, size_t number, uint64_t seed)
{
    static const size_t pieces[] = { 1, 16, 48, 64, 512 };
    size_t piece = pieces[mix(seed) % ARRAY_LEN(pieces)];
    uint64_t often = 1 + mix(seed + 1) % 9; /* of ten pieces */

    for (size_t i = 0; i < e->len; i++)
        if (mix(seed ^ mix(number << 32 ^ (e->at + i) / piece)) % 10 < often)
            flash[e->at + i] = e->bytes[i];
}

static bool is_synced(const struct memory_hal *m, size_t event, size_t events)
{
    for (size_t i = event + 1; i < events; i++)
        if (m->events[i].kind == MEMORY_SYNC && m->events[i].region == m->events[event].region)
            return true;
    return false;
}

struct memory_hal *memory_hal_cut(const struct memory_hal *m, size_t events, enum memory_cut how, uint64_t seed)
{
    struct memory_hal *cut = new_board(m->size);

    memcpy(cut->root_key, m->root_key, sizeof cut->root_key);
    cut->root_destroyed = m->root_destroyed;
    cut->time_ms = m->time_ms;
    cut->no_quote = m->no_quote;
    EVP_PKEY_up_ref(m->quote_key);
    cut->quote_key = m->quote_key;
    keep(&cut->destruction, &m->destruction); /* durable as soon as it is published */
    cut->counter = m->counter_before;
    for (int i = 0; i < HAL_REGION_COUNT_; i++) {
        memcpy(cut->flash[i], m->before[i], m->size[i]);
        memcpy(cut->before[i], m->before[i], m->size[i]);
    }
    for (size_t i = 0; i < events; i++) {
        const struct memory_event *e = &m->events[i];

        if (e->kind == MEMORY_COUNTER)
            cut->counter++;
        if (e->kind != MEMORY_WRITE)
            continue;
        if (is_synced(m, i, events) || how == CUT_KEEPS) {
            memcpy(cut->flash[e->region] + e->at, e->bytes, e->len);
            memcpy(cut->before[e->region] + e->at, e->bytes, e->len);
        } else if (how == CUT_TEARS) {
            tear(cut->flash[e->region], e, i, seed);
            tear(cut->before[e->region], e, i, seed);
        } else if (how == CUT_KILLED) {
            memcpy(cut->flash[e->region] + e->at, e->bytes, e->len);
            remember(cut, MEMORY_WRITE, e->region, e->at, e->bytes, e->len);
        }
    }
    cut->counter_before = cut->counter;
    return cut;
}

struct memory_hal *memory_hal_copy(const struct memory_hal *m)
{
    return memory_hal_cut(m, m->event_count, CUT_KEEPS, 0);
}

void memory_hal_put_back(struct memory_hal *m, const struct memory_hal *older)
{
    for (int i = 0; i < HAL_REGION_COUNT_; i++) {
        INVARIANT(m->size[i] == older->size[i]);
        memcpy(m->flash[i], older->flash[i], m->size[i]);
        memcpy(m->before[i], older->flash[i], m->size[i]);
    }
    for (size_t i = 0; i < m->event_count; i++)
        free(m->events[i].bytes);
    m->event_count = 0;
    m->counter_before = m->counter;
}
