#include "board/sim/counter_file.h"

#include <openssl/sha.h>
#include <unistd.h>

#include "board/sim/directory.h"

#define SLOT_LEN 512 /* a slot each on a sector of its own: a torn write spoils one */
#define NAME     "insecure-counter"

/* A slot: the value, little-endian as it lies in memory, and its SHA-256. */
struct slot {
    uint64_t value;
    uint8_t check[SHA256_DIGEST_LENGTH];
};

static struct slot slot_of(uint64_t value)
{
    struct slot s = { .value = value };

    SHA256((const uint8_t *)&s.value, sizeof s.value, s.check);
    return s;
}

static enum status load(struct counter_file *c)
{
    bool found = false;

    for (size_t i = 0; i < 2; i++) {
        struct slot s, right;

        if (file_read(c->fd, i * SLOT_LEN, &s, sizeof s) != ST_OK)
            return ST_IO;
        right = slot_of(s.value);
        if (memcmp(right.check, s.check, sizeof s.check) != 0)
            continue;
        if (!found || s.value > c->value)
            c->value = s.value;
        found = true;
    }
    return found ? ST_OK : ST_CORRUPT;
}

enum status counter_file_open(struct counter_file *c, int directory)
{
    enum status st = directory_open_file(directory, NAME, 0600, &c->fd);

    c->value = 0;
    pthread_mutex_init(&c->lock, NULL);
    if (st == ST_NOT_FOUND) {
        uint8_t first[SLOT_LEN] = { 0 };
        struct slot s = slot_of(0);

        memcpy(first, &s, sizeof s);
        st = directory_make_file(directory, NAME, 0600, span_of(first, sizeof first), 2, &c->fd);
    }
    if (st == ST_OK)
        st = load(c);
    if (st != ST_OK)
        counter_file_close(c);
    return st;
}

void counter_file_close(struct counter_file *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    pthread_mutex_destroy(&c->lock);
}

uint64_t counter_file_read(struct counter_file *c)
{
    uint64_t value;

    pthread_mutex_lock(&c->lock);
    value = c->value;
    pthread_mutex_unlock(&c->lock);
    return value;
}

enum status counter_file_increment(struct counter_file *c, uint64_t *out)
{
    enum status st;
    struct slot s;

    pthread_mutex_lock(&c->lock);
    s = slot_of(c->value + 1);
    if ((st = file_write(c->fd, (s.value % 2) * SLOT_LEN, &s, sizeof s)) == ST_OK)
        st = fdatasync(c->fd) == 0 ? ST_OK : ST_IO;
    if (st == ST_OK)
        *out = c->value = s.value;
    pthread_mutex_unlock(&c->lock);
    return st;
}
