#include "provisioning/nouns.h"

#include "provisioning/appliance/verbs.h"
#include "provisioning/attest/verbs.h"
#include "provisioning/ceremony/verbs.h"
#include "provisioning/keystore/verbs.h"
#include "provisioning/token/verbs.h"

const struct noun strongroom_nouns[] = {
    { "identity", "keys by which owner and clients are known to a keystore", identity_verbs },
    { "keystore", "the keystore itself, for its owner", keystore_verbs },
    { "factory", "a maker's CA and the certificates of his keystores", factory_verbs },
    { "attest", "what a keystore says of itself and its keys, and whether to believe it", attest_verbs },
    { "partition", "the keystore's partitions, each a PKCS#11 token", partition_verbs },
    { "domain", "the security domain: its holders, its file", domain_verbs },
    { "holder", "a holder of the security domain, on his own machine", holder_verbs },
    { "act", "dangerous acts, and the holders' approvals of them", act_verbs },
    { "token", "the PKCS#11 token that holds the keys", token_verbs },
    { "pin", "the PINs of the PKCS#11 token", pin_verbs },
    { "tls", "the TLS key in the token and its certificate", tls_verbs },
    { "audit", "the audit trail", audit_verbs },
    { "application", "applications that may log in (service principals)", application_verbs },
    { "subscription", "subscriptions, which hold resource groups", subscription_verbs },
    { "group", "resource groups, which hold vaults", group_verbs },
    { "role", "role assignments", role_verbs },
};
const size_t strongroom_noun_count = ARRAY_LEN(strongroom_nouns);
