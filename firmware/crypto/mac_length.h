/* mac_length.h - how long a MAC is: all of it, or for a *_GENERAL mechanism what its caller asks for, which is at least
 * 80 bits: a shorter one can be guessed (SP 800-107, 5.3.3; SP 800-38B, annex A). */
#ifndef STRONGROOM_MAC_LENGTH_H
#define STRONGROOM_MAC_LENGTH_H

#include "firmware/crypto/mechanism_table.h"

#define MAC_LENGTH_MIN 10

static inline bool mac_length_fits(const struct operation *op, size_t whole)
{
    return !op->entry->general ||
           (op->mechanism.has_parameter && op->mechanism.number >= MAC_LENGTH_MIN && op->mechanism.number <= whole);
}

static inline size_t mac_length(const struct operation *op, size_t whole)
{
    return op->entry->general && op->mechanism.number < whole ? op->mechanism.number : whole;
}

#endif
