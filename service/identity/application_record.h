/* application_record.h - reading and changing the stored record of an application. Internal to service/identity. */
#ifndef STRONGROOM_IDENTITY_APPLICATION_RECORD_H
#define STRONGROOM_IDENTITY_APPLICATION_RECORD_H

#include "identity.pb-c.h"
#include "service/identity/application.h"
#include "service/identity/jwk.h"

#define APPLICATION_PREFIX     "application/"
#define APPLICATION_SALT_LEN   16
#define APPLICATION_DIGEST_LEN 32
#define APPLICATION_SHA1_LEN   20

typedef Strongroom__Identity__ApplicationRecord ApplicationRecord;
typedef Strongroom__Identity__ClientSecretRecord ClientSecretRecord;
typedef Strongroom__Identity__ClientCertificateRecord ClientCertificateRecord;

struct application_key {
    char text[sizeof APPLICATION_PREFIX + GUID_LEN];
};
struct application_key application_key_of(const struct guid *client_id);

/* Unpack and check what was stored. Errors: ST_CORRUPT not a whole record of the version we know; ST_NO_MEMORY. */
MUST_CHECK enum status application_unpack(struct span value, ApplicationRecord **out);
void application_free(ApplicationRecord *r); /* NULL does nothing */
/* Errors: ST_NOT_FOUND; ST_CORRUPT; ST_IO; ST_NO_MEMORY. */
MUST_CHECK enum status application_load(struct store *s, const struct guid *client_id, ApplicationRecord **out,
                                        uint64_t *revision);
/* Write it where `expected` is the revision there. Errors: ST_CONFLICT; ST_IO; ST_NO_MEMORY; those of store_commit. */
MUST_CHECK enum status application_save(struct store *s, const ApplicationRecord *r, uint64_t expected);
/* What callers are told of a record. */
void application_describe(const ApplicationRecord *r, struct application *out);

/* Load, let `apply` change the record in memory, save; again when somebody else was quicker. Errors: those of load,
 * save and apply; ST_CONFLICT somebody else was quicker again and again. */
typedef enum status application_change(ApplicationRecord *r, void *arg);
MUST_CHECK enum status application_update(struct store *s, const struct guid *client_id, application_change *apply,
                                          void *arg);

/* The registered key whose certificate has this SHA-1 (20 bytes) or SHA-256 (32 bytes) thumbprint, while the
 * certificate is valid and the application enabled. Caller jwk_clear()s. Errors: ST_UNAUTHENTICATED; ST_IO; ST_CORRUPT;
 * ST_NO_MEMORY. */
MUST_CHECK enum status application_find_key(struct store *s, const struct guid *client_id, struct span thumbprint,
                                            int64_t now, struct application *app, struct jwk *out);

#endif
