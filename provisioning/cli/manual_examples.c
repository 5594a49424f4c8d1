#include "provisioning/cli/manual.h"

/* clang-format off */
static const struct manual_example examples[] = {
    { "identity", "Make the key and certificate by which the owner is known, and show its fingerprint:",
      "strongroom identity create --name owner --passphrase --key owner.key --certificate owner.pem\n"
      "strongroom identity show --certificate owner.pem\n" },
    { "keystore", "Ask how a keystore is, and which acts it refused:",
      "strongroom keystore status --profile owner.conf\n"
      "strongroom keystore audit --profile owner.conf --json |\n"
      "    jq -c '.[] | select(.resultName != \"CKR_OK\")'\n" },
    { "factory", "Certify a keystore at its maker's:",
      "strongroom factory device --out device.json --certificate operator.pem --key operator.key\n"
      "strongroom factory certify --ca ca.pem --ca-key ca.key --device device.json --serial SN-0001 \\\n"
      "    --board sim --out chain.pem\n"
      "strongroom factory install --chain chain.pem --certificate operator.pem --key operator.key\n" },
    { "attest", "Have a keystore say what it is, and check it elsewhere:",
      "strongroom attest create --nonce 6f1d3c5a9b8e47021d3f5a7c9e0b2d4f --out box.json\n"
      "strongroom attest verify --statement box.json --ca ca.pem --expect expected.json \\\n"
      "    --nonce 6f1d3c5a9b8e47021d3f5a7c9e0b2d4f\n" },
    { "partition", "Make a partition for a daemon, and keep a copy of it:",
      "strongroom partition create --name vaultd --identity vaultd.pem --objects 2000\n"
      "strongroom partition backup --name vaultd --out vaultd.backup\n" },
    { "domain", "Make a security domain whose three holders approve by two, and put it in force:",
      "strongroom domain create --name main --required 2 --holder ann=ann.pem --holder bob=bob.pem \\\n"
      "    --holder cid=cid.pem\n"
      "strongroom domain export --out domain.json\n"
      "strongroom domain confirm --domain domain.json\n" },
    { "holder", "As a holder, make a key, and check the share in the domain's file:",
      "strongroom holder create --name ann --key ann.key --certificate ann.pem\n"
      "strongroom holder check --domain domain.json --certificate ann.pem --key ann.key\n" },
    { "act", "Approve an act that the owner has prepared, and check what came back:",
      "strongroom act approve --act act.json --certificate ann.pem --key ann.key --out ann.json\n"
      "strongroom act verify --act act.json --approval ann.json --approval bob.json\n" },
    { "token", "Make a daemon's token, and look at it:",
      "strongroom token init --config /etc/strongroom/vaultd.conf\n"
      "strongroom token info --config /etc/strongroom/vaultd.conf --json\n" },
    { "pin", "Give a daemon a new PIN while it runs:",
      "strongroom pin rotate --who user --config /etc/strongroom/vaultd.conf\n" },
    { "tls", "Have the TLS key certified:",
      "strongroom tls request --config /etc/strongroom/vaultd.conf --name vault.example.org \\\n"
      "    --out vault.csr\n" },
    { "audit", "Check a trail on another machine:",
      "strongroom audit key --config /etc/strongroom/vaultd.conf >audit.pem\n"
      "strongroom audit verify --directory ./audit --key audit.pem\n" },
    { "application", "Let an application in by a secret that is good for a year:",
      "strongroom application create --name Billing --secret-file billing.secret --days 365\n"
      "strongroom application list --json\n" },
    { "subscription", "Make a subscription, once however often it is asked for:",
      "strongroom subscription create --name Production\n" },
    { "group", "Make a resource group:",
      "strongroom group create --subscription 11111111-2222-4333-8444-555555555555 --name prod\n" },
    { "role", "Let an application use the keys of a resource group:",
      "strongroom role assign --principal 99999999-8888-4777-8666-555555555555 \\\n"
      "    --role \"Key Vault Crypto User\" \\\n"
      "    --scope /subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/prod\n" },
};
/* clang-format on */

const struct manual_example *manual_example(const char *noun)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++)
        if (strcmp(examples[i].noun, noun) == 0)
            return &examples[i];
    return NULL;
}
