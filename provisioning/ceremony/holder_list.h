/* holder_list.h - the holders that a command line names: --holder NAME=CERT.pem, repeated, and --required. */
#ifndef STRONGROOM_PROVISIONING_HOLDER_LIST_H
#define STRONGROOM_PROVISIONING_HOLDER_LIST_H

#include "provisioning/ceremony/holder.h"

struct holder_list {
    uint32_t required;
    size_t count;
    Ks__Holder *list[HOLDERS_MAX]; /* what a message points at; it points at the rest */
    Ks__Holder items[HOLDERS_MAX];
    char names[HOLDERS_MAX][PARTITION_NAME_MAX + 1];
    struct holder_certificate certificates[HOLDERS_MAX];
};

/* EXIT_DONE, or what was refused after saying why; in every case *out is for holder_list_clear(). It must stay where it
 * is while a message points at it. */
int holder_list_take(const struct invocation *in, struct holder_list *out);
void holder_list_clear(struct holder_list *l);

#define HOLDER_LIST_OPTIONS                                                                                            \
    { "required", "M", true, false, "how many of the holders approve an act, or restore the domain" },                 \
    {                                                                                                                  \
        "holder", "NAME=PEM", true, true, "each holder: who it is, and the certificate of his RSA key"                 \
    }

#endif
