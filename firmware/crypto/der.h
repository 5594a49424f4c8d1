/* der.h - the little of DER that keys and signatures need (X.690): taking apart without copying, and writing from the
 * end backwards, so no length is needed before its content stands. For the files of this folder alone. */
#ifndef STRONGROOM_DER_H
#define STRONGROOM_DER_H

#include "firmware/base/bytes.h"

#define DER_INTEGER              0x02
#define DER_BITS                 0x03
#define DER_OCTETS               0x04
#define DER_NULL                 0x05
#define DER_OID                  0x06
#define DER_PRINTABLE            0x13
#define DER_SEQUENCE             0x30
#define DER_CONTEXT(n)           (0xa0 | (n)) /* constructed */
#define DER_CONTEXT_PRIMITIVE(n) (0x80 | (n))

/* One element of that tag off the front of *in. False, and nothing moved, when there is none or its length is not in
 * the shortest form or reaches beyond the input. */
bool der_take(struct span *in, uint8_t tag, struct span *content);
/* A non-negative INTEGER in the shortest form; *magnitude is without leading zeros (empty for 0). */
bool der_take_number(struct span *in, struct span *magnitude);
/* A BIT STRING of whole bytes. */
bool der_take_bits(struct span *in, struct span *bytes);

/* Writes into the caller's memory from its end; `at` is where the written part begins. Once something did not fit,
 * `failed` is set and the rest does nothing. */
struct der_writer {
    uint8_t *p;
    size_t cap, at;
    bool failed;
};

void der_begin(struct der_writer *w, uint8_t *p, size_t cap);
void der_put(struct der_writer *w, struct span bytes);
/* Tag and length in front of what has been written since der_mark(). */
size_t der_mark(const struct der_writer *w);
void der_wrap(struct der_writer *w, uint8_t tag, size_t mark);
void der_put_element(struct der_writer *w, uint8_t tag, struct span content);
void der_put_number(struct der_writer *w, struct span magnitude); /* leading zeros are fine */
void der_put_bits(struct der_writer *w, struct span bytes);
struct span der_written(const struct der_writer *w);

#endif
