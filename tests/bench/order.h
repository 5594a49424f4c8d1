/* order.h - what bench_raw and bench_module are told to measure: lines on standard input, `<work> <way> <seconds>`,
 * each answered by one line of measure_print(), or by "-" when there is no such row. So keys are made once, and
 * processes take turns. */
#ifndef STRONGROOM_BENCH_ORDER_H
#define STRONGROOM_BENCH_ORDER_H

#include "firmware/base/bytes.h"

enum work { /* order.c has their names */
            WORK_P256,
            WORK_P384,
            WORK_RSA2048,
            WORK_RSA4096,
            WORK_ML_DSA65,
            WORK_GCM64,
            WORK_GCM1K,
            WORK_HMAC64,
            WORK_LOAD, /* of a sealed P-256 key, and its end */
            WORK_COUNT_
};

enum way { WAY_ONE, WAY_TWO, WAY_BATCH };

#define BATCH_DEPTH 64

struct order {
    enum work work;
    enum way way;
    uint64_t duration_us;
};

/* Obey orders until standard input ends. `obey` prints the line; ST_UNSUPPORTED: there is no such row. Any other error
 * ends it and is told on standard error. Returns an exit code. */
int orders_obey(enum status (*obey)(void *arg, const struct order *o), void *arg);
const char *work_name(enum work work);
const char *way_name(enum way way);
bool work_is_symmetric(enum work work);
/* What is signed (a digest; of P-384 a longer one) or encrypted. */
size_t work_input_len(enum work work);

#endif
