/* name.h - names that owners give: of partitions, holders, operators, domains. Letters, digits, and behind the first
 * one - _ and . */
#ifndef STRONGROOM_WIRE_NAME_H
#define STRONGROOM_WIRE_NAME_H

#include <stdbool.h>
#include <string.h>

#include "firmware/wire/limits.h"

static inline bool name_is_good(const char *text)
{
    size_t len = strnlen(text, PARTITION_NAME_MAX + 1);

    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
              (text[i] >= '0' && text[i] <= '9') || (i > 0 && strchr("-_.", text[i]) != NULL)))
            return false;
    return len > 0 && len <= PARTITION_NAME_MAX;
}

#endif
