#include "firmware/crypto/entropy.h"

/* SP 800-90B, 4.4, for samples of one byte with at least H = 1 bit of entropy and a false alarm in 2^30:
 *   repetition count (4.4.1)       C = 1 + ceil(30 / H)
 *   adaptive proportion (4.4.2)    W = 512; C = 1 + critbinom(W, 2^-H, 1 - 2^-30) */
#define REPETITION_CUTOFF 31
#define PROPORTION_WINDOW 512
#define PROPORTION_CUTOFF 325

void health_init(struct health *h)
{
    *h = (struct health){ 0 };
}

static void count_repetition(struct health *h, uint8_t sample)
{
    h->run = h->started && sample == h->last ? h->run + 1 : 1;
    h->started = true;
    h->last = sample;
    h->failed = h->failed || h->run >= REPETITION_CUTOFF;
}

static void count_proportion(struct health *h, uint8_t sample)
{
    if (h->seen == 0) {
        h->first = sample;
        h->equal = 0;
    }
    h->equal += sample == h->first;
    h->failed = h->failed || h->equal >= PROPORTION_CUTOFF;
    h->seen = (h->seen + 1) % PROPORTION_WINDOW;
}

bool health_feed(struct health *h, const uint8_t *samples, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        count_repetition(h, samples[i]);
        count_proportion(h, samples[i]);
    }
    return !h->failed;
}
