#include "tests/bench/order.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    bool symmetric;
    size_t input_len;
} works[WORK_COUNT_] = {
    [WORK_P256] = { "p256", false, 32 },        [WORK_P384] = { "p384", false, 48 },
    [WORK_RSA2048] = { "rsa2048", false, 32 },  [WORK_RSA4096] = { "rsa4096", false, 32 },
    [WORK_ML_DSA65] = { "mldsa65", false, 32 }, [WORK_GCM64] = { "gcm64", true, 64 },
    [WORK_GCM1K] = { "gcm1k", true, 1024 },     [WORK_HMAC64] = { "hmac64", true, 64 },
    [WORK_LOAD] = { "load", false, 0 },
};
static const char *const ways[] = { [WAY_ONE] = "1", [WAY_TWO] = "2", [WAY_BATCH] = "batch" };

const char *work_name(enum work work)
{
    return works[work].name;
}

const char *way_name(enum way way)
{
    return ways[way];
}

bool work_is_symmetric(enum work work)
{
    return works[work].symmetric;
}

size_t work_input_len(enum work work)
{
    return works[work].input_len;
}

static bool read_order(const char *line, struct order *o)
{
    char work[16], way[16];
    unsigned i, k;
    double seconds;

    if (sscanf(line, "%15s %15s %lf", work, way, &seconds) != 3 || seconds <= 0 || seconds > 600)
        return false;
    for (i = 0; i < WORK_COUNT_ && strcmp(works[i].name, work) != 0; i++)
        ;
    for (k = 0; k < ARRAY_LEN(ways) && strcmp(ways[k], way) != 0; k++)
        ;
    *o = (struct order){ (enum work)i, (enum way)k, (uint64_t)(seconds * 1e6) };
    return i < WORK_COUNT_ && k < ARRAY_LEN(ways);
}

int orders_obey(enum status (*obey)(void *arg, const struct order *o), void *arg)
{
    char line[64];

    while (fgets(line, sizeof line, stdin) != NULL) {
        struct order o;
        enum status st = read_order(line, &o) ? obey(arg, &o) : ST_BAD_REQUEST;

        if (st == ST_UNSUPPORTED)
            puts("-");
        else if (st != ST_OK) {
            fprintf(stderr, "%.*s: %s\n", (int)strcspn(line, "\n"), line, status_name(st));
            return EXIT_FAILURE;
        }
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
