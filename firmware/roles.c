/* Who is who: the one place that knows all roles. Its functions are in inside.h. */
#include "firmware/partition_table.h"

/* Roles of the board itself. */
static enum peer_role board_role(const struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN])
{
    const struct device *d = &ks->device;

    if (d->owned && memcmp(d->owner, fingerprint, LINK_FINGERPRINT_LEN) == 0)
        return PEER_OWNER;
    if (device_has_auditor(d, fingerprint))
        return PEER_AUDITOR;
    /* The factory has no say once somebody owns the board, or once it has failed. */
    if (!d->owned && ks->has_factory && atomic_load(&ks->state) == KEYSTORE_FACTORY &&
        memcmp(ks->factory, fingerprint, LINK_FINGERPRINT_LEN) == 0)
        return PEER_FACTORY;
    return PEER_STRANGER;
}

bool keystore_knows(struct keystore *ks, enum peer_role role, const uint8_t fingerprint[LINK_FINGERPRINT_LEN])
{
    bool knows;

    pthread_mutex_lock(&ks->lock);
    knows = board_role(ks, fingerprint) == role;
    pthread_mutex_unlock(&ks->lock);
    return knows;
}

enum peer_role keystore_role_of(struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN],
                                struct partition **partition)
{
    const struct partition_identity *identity;
    enum peer_role role;

    *partition = NULL;
    pthread_mutex_lock(&ks->lock);
    role = board_role(ks, fingerprint);
    for (unsigned i = 0; i < PARTITIONS_MAX && role == PEER_STRANGER; i++) {
        struct partition *p = ks->partitions[i];

        if (p == NULL)
            continue;
        pthread_mutex_lock(&p->lock);
        if ((identity = partition_identity(&p->terms, fingerprint)) != NULL) {
            role = p->links < LINKS_PER_PARTITION_MAX ? identity->role : PEER_STRANGER;
            if (role != PEER_STRANGER) {
                p->links++;
                p->refs++;
                *partition = p;
            }
        }
        pthread_mutex_unlock(&p->lock);
    }
    pthread_mutex_unlock(&ks->lock);
    return role;
}

bool keystore_identity_is_taken(const struct keystore *ks, const uint8_t fingerprint[LINK_FINGERPRINT_LEN],
                                const struct partition *but)
{
    return (ks->device.owned && memcmp(ks->device.owner, fingerprint, LINK_FINGERPRINT_LEN) == 0) ||
           device_has_auditor(&ks->device, fingerprint) || partition_table_has_client(ks, fingerprint, but);
}
