/* application.h - applications that may log in: service principals with client secrets and certificates.
 * Records in the management store under "application/<client id>". A client secret is 256 random bits that we make
 * ourselves and show once; the store keeps its salted SHA-256 only, which is enough for a secret nobody can guess. */
#ifndef STRONGROOM_IDENTITY_APPLICATION_H
#define STRONGROOM_IDENTITY_APPLICATION_H

#include "firmware/base/guid.h"
#include "firmware/base/secret.h"
#include "service/store/store.h"

#define APPLICATION_CREDENTIALS_MAX 16

struct application {
    struct guid client_id;
    struct guid object_id;
    char display_name[121];
    bool enabled;
};

/* Make one; ids are random unless given (text not empty). Errors: ST_EXISTS the client id is taken; ST_IO. */
MUST_CHECK enum status application_create(struct store *s, struct application *app);
MUST_CHECK enum status application_find(struct store *s, const struct guid *client_id, struct application *out);
typedef bool application_visitor(const struct application *app, void *arg);
MUST_CHECK enum status application_list(struct store *s, application_visitor *visit, void *arg);
MUST_CHECK enum status application_delete(struct store *s, const struct guid *client_id);
MUST_CHECK enum status application_set_enabled(struct store *s, const struct guid *client_id, bool enabled);
/* A new client secret, valid until `expires_at` (unix seconds, 0: for ever); *out is the only copy there will be.
 * Errors: ST_NOT_FOUND; ST_TOO_LARGE 16 credentials already. */
MUST_CHECK enum status application_add_secret(struct store *s, const struct guid *client_id, int64_t expires_at,
                                              struct secret *out);
/* Allow login by a certificate's key (client assertion). PEM or DER. */
MUST_CHECK enum status application_add_certificate(struct store *s, const struct guid *client_id,
                                                   struct span certificate);
MUST_CHECK enum status application_remove_credentials(struct store *s, const struct guid *client_id);
/* Does this secret belong to the application, enabled and unexpired? The same time whether the application exists or
 * not. Errors: ST_UNAUTHENTICATED. */
MUST_CHECK enum status application_check_secret(struct store *s, const struct guid *client_id, struct span secret,
                                                int64_t now, struct application *out);

#endif
