/* carrier.h - a partition carried from one board in memory to another, part by part, as its owner's CLI does. For tests
 * of backups. What must hold here ends the program. */
#ifndef STRONGROOM_TESTS_CARRIER_H
#define STRONGROOM_TESTS_CARRIER_H

#include "firmware/inside.h"
#include "tests/unit/firmware/rig.h"

#define PARTS_MAX 32

struct parts {
    struct bytes part[PARTS_MAX];
    unsigned count;
};

/* Boards of one domain; `a` has the partition "one" (number 1) with `a.user` as its client, ready with a session;
 * `b` has none. */
struct carrier {
    struct rig a, b;
    struct rig_client a_user, a_owner, b_owner;
    uint64_t session;
};

void carrier_open(struct carrier *k);
void carrier_close(struct carrier *k);
/* Another board in place of b, with banks of this size and this domain; NULL: a's. */
void carrier_exchange_b(struct carrier *k, size_t bank, const struct security_domain *domain);
void carrier_restart_b(struct carrier *k);

/* Token objects: a data object with this value, small or large; a key. */
CK_RV carrier_put(struct carrier *k, const char *label, const void *value, size_t len);
uint64_t carrier_key(struct carrier *k);

CK_RV backup_begin(struct rig_client *owner, uint64_t partition, struct bytes *part);
CK_RV backup_part(struct rig_client *owner, struct bytes *part, bool *last);
CK_RV backup_all(struct rig_client *owner, uint64_t partition, struct parts *out);
void parts_clear(struct parts *p);
/* With the approval of `approvers`, a bit for each holder; two of them are enough. */
extern unsigned approvers;
CK_RV restore_first(struct rig_client *owner, const struct bytes *part);
CK_RV restore_part(struct rig_client *owner, const struct bytes *part);
/* Up to the first refusal. */
CK_RV restore_all(struct rig_client *owner, const struct parts *p);

unsigned partition_count(const struct rig *r);
/* Records of token objects on the board, read as a start would. */
unsigned objects_in_flash(const struct rig *r);

#endif
