#include "firmware/crypto/entropy.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>

#include "firmware/base/log.h"
#include "firmware/base/secret.h"

#define START_SAMPLES   1024 /* SP 800-90B, 4.3: the start-up tests see at least 1,024 consecutive samples */
#define RESEED_SAMPLES  64
#define RESEED_INTERVAL 4096 /* draws */

enum { DOWN, UP };

static struct {
    atomic_int state; /* DOWN until started, and for good once a source has failed */
    atomic_uint draws;
    pthread_mutex_t lock; /* over what follows */
    const struct hal *hal;
    bool present[HAL_ENTROPY_SOURCES];
    struct health health[HAL_ENTROPY_SOURCES];
} generator = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *name_of(const struct hal *hal, unsigned source)
{
    const char *name = hal->entropy_name(hal->self, source);

    return name != NULL ? name : "unnamed";
}

/* One source's samples through its tests and into the seed. A source that is there and gives nothing has failed, too.
 */
static enum status take(unsigned source, uint8_t *samples, size_t len)
{
    const struct hal *hal = generator.hal;
    enum status st = hal->entropy(hal->self, source, samples, len);

    if (st == ST_OK && !health_feed(&generator.health[source], samples, len))
        st = ST_CORRUPT;
    if (st == ST_OK)
        RAND_add(samples, (int)len, (double)len / 8); /* credited with 1 bit each */
    secret_wipe(samples, len);
    return st;
}

static enum status start_source(unsigned source, const char **failed)
{
    uint8_t samples[START_SAMPLES];
    enum status st;

    health_init(&generator.health[source]);
    st = take(source, samples, sizeof samples);
    generator.present[source] = st != ST_NOT_FOUND;
    if (st == ST_OK || st == ST_NOT_FOUND)
        return st;
    *failed = name_of(generator.hal, source);
    return ST_CORRUPT;
}

static enum status start_sources(const struct hal *hal, const char **failed)
{
    unsigned found = 0;

    generator.hal = hal;
    for (unsigned i = 0; i < HAL_ENTROPY_SOURCES; i++) {
        enum status st = start_source(i, failed);

        if (st == ST_CORRUPT)
            return st;
        found += st == ST_OK;
    }
    return found > 0 && RAND_status() == 1 ? ST_OK : ST_UNAVAILABLE;
}

enum status entropy_start(const struct hal *hal, const char **failed)
{
    enum status st;

    *failed = NULL;
    pthread_mutex_lock(&generator.lock);
    atomic_store(&generator.state, DOWN);
    st = start_sources(hal, failed);
    if (st == ST_OK)
        atomic_store(&generator.state, UP);
    pthread_mutex_unlock(&generator.lock);
    return st;
}

bool entropy_is_healthy(void)
{
    return atomic_load(&generator.state) == UP;
}

static void reseed(void)
{
    uint8_t samples[RESEED_SAMPLES];

    pthread_mutex_lock(&generator.lock);
    for (unsigned i = 0; i < HAL_ENTROPY_SOURCES && entropy_is_healthy(); i++)
        if (generator.present[i] && take(i, samples, sizeof samples) != ST_OK) {
            atomic_store(&generator.state, DOWN);
            log_error("entropy source %s has failed its health test", name_of(generator.hal, i));
        }
    pthread_mutex_unlock(&generator.lock);
}

enum status entropy_draw(void *out, size_t len)
{
    if (entropy_is_healthy() && atomic_fetch_add(&generator.draws, 1) % RESEED_INTERVAL == RESEED_INTERVAL - 1)
        reseed();
    if (!entropy_is_healthy() || len > INT32_MAX)
        return ST_CORRUPT;
    return RAND_priv_bytes(out, (int)len) == 1 ? ST_OK : ST_CORRUPT;
}
