/* domain_json_inside.h - what the two halves of domain_json.h must spell alike. */
#ifndef STRONGROOM_PROVISIONING_DOMAIN_JSON_INSIDE_H
#define STRONGROOM_PROVISIONING_DOMAIN_JSON_INSIDE_H

#define VERSION       2
#define KDF           "sp108_kdf"
#define ALGORITHM     "shamir_share"
#define DIGEST_MEMBER "strongroom_digest"

#endif
