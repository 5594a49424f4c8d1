#include "service/http/admission.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#define BUCKETS 1024 /* a power of two */

struct entry {
    struct entry *next;
    struct admission_key key;
    unsigned count;
};
struct admission {
    const struct http_limits *limits;
    pthread_mutex_t lock; /* the rest */
    unsigned count;
    struct entry *buckets[BUCKETS];
};

enum status admission_new(const struct http_limits *limits, struct admission **out)
{
    struct admission *a = calloc(1, sizeof *a);

    *out = a;
    if (a == NULL)
        return ST_NO_MEMORY;
    a->limits = limits;
    pthread_mutex_init(&a->lock, NULL);
    return ST_OK;
}

void admission_free(struct admission *a)
{
    struct entry *e, *next;

    if (a == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (e = a->buckets[i]; e != NULL; e = next) {
            next = e->next;
            free(e);
        }
    pthread_mutex_destroy(&a->lock);
    free(a);
}

struct admission_key admission_key_of(const struct sockaddr_storage *address)
{
    struct admission_key key = { .family = address->ss_family };

    if (address->ss_family == AF_INET6)
        memcpy(&key.value, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof key.value);
    else
        key.value = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
    return key;
}

static struct entry **find(struct admission *a, struct admission_key key)
{
    uint64_t hash = (key.value ^ (uint64_t)key.family) * UINT64_C(0x9e3779b97f4a7c15);
    struct entry **at = &a->buckets[hash >> 54 & (BUCKETS - 1)];

    while (*at != NULL && ((*at)->key.value != key.value || (*at)->key.family != key.family))
        at = &(*at)->next;
    return at;
}

static enum status enter_locked(struct admission *a, struct admission_key key)
{
    struct entry **at;

    if (a->count >= a->limits->connections)
        return ST_BUSY;
    at = find(a, key);
    if (*at == NULL) {
        if ((*at = calloc(1, sizeof **at)) == NULL)
            return ST_NO_MEMORY;
        (*at)->key = key;
    }
    if ((*at)->count >= a->limits->connections_per_address)
        return ST_NOT_PERMITTED;
    (*at)->count++;
    a->count++;
    return ST_OK;
}

enum status admission_enter(struct admission *a, struct admission_key key)
{
    enum status st;

    pthread_mutex_lock(&a->lock);
    st = enter_locked(a, key);
    pthread_mutex_unlock(&a->lock);
    return st;
}

void admission_leave(struct admission *a, struct admission_key key)
{
    struct entry **at, *gone = NULL;

    pthread_mutex_lock(&a->lock);
    at = find(a, key);
    INVARIANT(*at != NULL && (*at)->count > 0 && a->count > 0);
    a->count--;
    if (--(*at)->count == 0) {
        gone = *at;
        *at = gone->next;
    }
    pthread_mutex_unlock(&a->lock);
    free(gone);
}
