/* attribute_name.h - attributes of keys by the standard's names, as expected-values files and `attest show` have them.
 */
#ifndef STRONGROOM_PROVISIONING_ATTRIBUTE_NAME_H
#define STRONGROOM_PROVISIONING_ATTRIBUTE_NAME_H

#include "firmware/base/bytes.h"

enum attribute_kind { ATTRIBUTE_BOOL, ATTRIBUTE_NUMBER, ATTRIBUTE_TEXT, ATTRIBUTE_BYTES };

struct attribute_name {
    const char *name; /* "CKA_EXTRACTABLE" */
    uint64_t type;
    enum attribute_kind kind;
};

const struct attribute_name *attribute_by_name(const char *name); /* NULL */
const struct attribute_name *attribute_by_type(uint64_t type);    /* NULL */

#endif
