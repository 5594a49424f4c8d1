/* approval.h - a holder's approval of a dangerous act, and the file in which it is carried back: version 1; kind
 * "approval"; name; holder: SHA-256 of the certificate; act: SHA-256 of the statement that is signed; signature,
 * certificate in base64url. */
#ifndef STRONGROOM_PROVISIONING_APPROVAL_H
#define STRONGROOM_PROVISIONING_APPROVAL_H

#include "firmware/wire/limits.h"
#include "provisioning/cli/command.h"

#define APPROVAL_FILE_MAX      (16u * 1024)
#define APPROVAL_SIGNATURE_MAX (HOLDER_KEY_BITS_MAX / 8)
#define HOLDER_ID_LEN          32 /* SHA-256 of the certificate's DER */

/* A zeroed one is empty and valid. */
struct approval {
    char name[PARTITION_NAME_MAX + 1];
    uint8_t holder[HOLDER_ID_LEN];
    uint8_t act[32];
    struct bytes signature, certificate; /* DER */
};

/* All of these: EXIT_DONE, or EXIT_REFUSED after saying why. A file that is written was not there before. */
int approval_read(const struct invocation *in, const char *path, struct approval *out);
int approval_write(const struct invocation *in, const char *path, const struct approval *a);
void approval_clear(struct approval *a);
/* Each --approval, behind the *count that are there; EXIT_USAGE where they are more than there can be holders. */
int approvals_read(const struct invocation *in, struct approval out[HOLDERS_MAX], size_t *count);

/* Its members, for files that carry an approval within (release_file.h). */
struct json_writer;
struct json_t;
void approval_put(struct json_writer *w, const struct approval *a);
enum status approval_get(const struct json_t *object, struct approval *out);

#endif
