/* model.h - what a flash store should hold: a few records, each with a version that its value follows from. */
#ifndef STRONGROOM_TESTS_FLASH_MODEL_H
#define STRONGROOM_TESTS_FLASH_MODEL_H

#include "firmware/flash/flash.h"
#include "tests/unit/firmware/flash/memory_hal.h"

#define MODEL_RECORDS 24

struct model {
    uint32_t version[MODEL_RECORDS]; /* 0: no such record */
};

bool model_equal(const struct model *a, const struct model *b);
/* flash_open(), and what it visited; a value that is not what its version asks for fails the test. */
enum status model_open(struct memory_hal *m, struct flash **f, struct model *seen, const char **why);
/* Open, look, close. */
enum status model_look(struct memory_hal *m, struct model *seen);
/* A few changes that follow from `seed` and `is`, and what they make of it. Values of up to `len` bytes. */
struct model_changes {
    struct flash_change change[3];
    unsigned count;
    bool irrevocable, forgetting;
    uint8_t values[3][4096];
};
void model_change(struct model_changes *out, const struct model *is, struct model *after, uint64_t seed, size_t len);
enum status model_commit(struct flash *f, const struct model_changes *c);
/* One record only: put as `version`, or remove for 0. */
enum status model_put(struct flash *f, unsigned record, uint32_t version, bool irrevocable);

/* A life of a store with small banks: commits of every kind, restarts, compactions. */
#define HISTORY_STEPS 90
struct history {
    struct memory_hal *m;
    struct model after[HISTORY_STEPS + 1]; /* the state after so many commits */
    size_t end[HISTORY_STEPS + 1];         /* events by then */
    unsigned compactions;
};
/* Ends with `last_irrevocable`. The store is closed. */
void history_make(struct history *h, bool last_irrevocable);

#endif
