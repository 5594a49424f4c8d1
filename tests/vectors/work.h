/* work.h - one case of a vector file on its way: where its fields come from, memory that lasts as long as it, what came
 * of it, and the verdict. */
#ifndef STRONGROOM_TESTS_VECTORS_WORK_H
#define STRONGROOM_TESTS_VECTORS_WORK_H

#include <jansson.h>

#include "tests/vectors/report.h"
#include "tests/vectors/token.h"

#define POOL_MAX 64

struct work {
    struct token *token;
    struct report *report;
    const json_t *group, *test;
    const json_t *expected; /* ACVP: the answer to `test`, from the file of answers; NULL: none */
    const json_t *answers;  /* ACVP: the set of answers */
    const char *argument;   /* of the file: a hash's or a parameter set's name */
    CK_OBJECT_HANDLE key;   /* of the group */
    CK_RV key_rv;           /* how its import went */
    const char *left_out;   /* set by begin(): the whole group is */
    struct bytes pool[POOL_MAX];
    unsigned used;
};

enum doing { DONE, REFUSED, LEFT_OUT };

/* What came of a case. */
struct outcome {
    enum doing doing;
    CK_RV rv;
    bool right;         /* DONE: with the result that the file states */
    bool may_be_done;   /* an invalid case may also end DONE, with another result (implicit rejection) */
    const char *why;    /* LEFT_OUT */
    const char *policy; /* a refusal is by policy, then, and the case is left out */
};

/* A family of cases. begin() imports the key of w->group, or sets w->left_out; NULL: each case has a key of its own. */
struct family {
    void (*begin)(struct work *w);
    void (*run)(struct work *w, struct outcome *o);
};

/* Fresh bytes that last until the case (in begin(): the group) is over. */
struct bytes *work_bytes(struct work *w);
/* The hexadecimal text of a field as bytes, empty when the field is not there; sets *good to false when it is no
 * hexadecimal text. */
struct span work_hex(struct work *w, const json_t *object, const char *field);
/* As a number of `len` bytes, big-endian; the text of Wycheproof's numbers may have zeroes in front. Longer ones stay.
 */
struct span work_number(struct work *w, const json_t *object, const char *field, size_t len);
struct span work_base64url(struct work *w, const json_t *object, const char *field, size_t len);
/* One zeroed byte string of `len`. */
uint8_t *work_room(struct work *w, size_t len);
const char *json_text(const json_t *object, const char *field); /* "" when there is none */
long json_number(const json_t *object, const char *field);      /* 0 when there is none */
bool json_has_flag(const json_t *test, const char *flag);

void outcome_left_out(struct outcome *o, const char *why);
/* The module's answer to something that must go well for a valid case. */
void outcome_rv(struct outcome *o, CK_RV rv);
/* The same, with a result that must be `expected`. */
void outcome_result(struct outcome *o, CK_RV rv, const struct bytes *got, struct span expected);

/* Run a group's cases: `verdict` says what a case must end as: 'v'alid, 'i'nvalid, 'a'cceptable. */
void work_group(struct work *w, const struct family *family, json_t *tests, char (*verdict)(struct work *w));

#endif
