#include "tests/integration/ceremony.h"

#include "tests/integration/ceremony_hooks.h"

#define HOLDER(n) "--holder " n "=../holder-" n ".pem"
#define OPERATORS                                                                                                      \
    "--operator anna --operator bert --operator carl --operator-passphrase-file ../anna --operator-passphrase-file "   \
    "../bert --operator-passphrase-file ../carl"
#define CHECK_SHARE(n)                                                                                                 \
    "holder check --domain out/domain.json --certificate ../holder-" n ".pem --key ../holder-" n ".key"
#define RELEASE(n)                                                                                                     \
    "holder release --domain ../domain.json --keystore board/keystore.pem --transfer out/transfer.pem --act "          \
    "out/restore.json --certificate ../holder-" n ".pem --key ../holder-" n ".key --yes --out out/" n ".json"
#define UNLOCK(n, file) "keystore unlock --operator " n " --operator-passphrase-file ../" file
#define ROTATE          "pin rotate --who user --config site.conf"
#define EXPORT          "domain export --out out/domain.json"
#define CONFIRM         "domain confirm --domain out/domain.json"
#define DESTROYED       "--destroy-all-keys --certificate-of-destruction out/destroyed.json"

static const struct ceremony table[] = {
    { .name = "domain-create",
      .base = "blank",
      .steps = { { "domain create --name new --required 2 " HOLDER("one") " " HOLDER("two") " " HOLDER("three"),
                   STEP_AGAIN, NULL, NULL },
                 { EXPORT, STEP_FILE, "out/domain.json", CHECK_SHARE("one") },
                 { CONFIRM, 0, NULL, NULL } },
      .prove = prove_new_domain },
    { .name = "quorum-change",
      .base = "ready",
      .steps = { { "domain change --required 2 " HOLDER("one") " " HOLDER("two") " " HOLDER("four"), STEP_ACT, NULL,
                   NULL },
                 { EXPORT, STEP_FILE, "out/domain.json", CHECK_SHARE("four") },
                 { CONFIRM, 0, NULL, NULL } },
      .prove = prove_domain },
    { .name = "export-again",
      .base = "ready",
      .steps = { { EXPORT, STEP_ACT, "out/domain.json", CHECK_SHARE("three") } },
      .prove = prove_domain },
    { .name = "restore-domain",
      .base = "blank",
      .steps = { { "domain transfer --out out/transfer.pem", STEP_FILE, "out/transfer.pem", NULL },
                 { "domain restore --domain ../domain.json --valid 168 --prepare out/restore.json", STEP_FILE,
                   "out/restore.json", "act show --act out/restore.json" },
                 { RELEASE("one"), STEP_FILE, "out/one.json", NULL },
                 { RELEASE("two"), STEP_FILE, "out/two.json", NULL },
                 { "domain restore --domain ../domain.json --act out/restore.json --release out/one.json "
                   "--release out/two.json",
                   0, NULL, NULL },
                 { "partition restore --in ../work.backup", STEP_ACT, NULL, NULL } },
      .prove = prove_domain },
    { .name = "partition",
      .base = "ready",
      .steps = { { "partition create --name extra --identity ../sink.pem", 0, NULL, NULL },
                 { "partition delete --name doomed --destroy-its-keys", 0, NULL, NULL },
                 { "partition delete --name extra --destroy-its-keys", 0, NULL, NULL } },
      .prove = prove_domain },
    { .name = "backup",
      .base = "ready",
      .steps = { { "partition backup --name work --out out/work.backup", STEP_FILE, "out/work.backup",
                   "partition restore --in out/work.backup --prepare out/probe.json" } },
      .prove = prove_domain },
    { .name = "restore-partition",
      .base = "restored",
      .steps = { { "partition restore --in ../work.backup", STEP_ACT, NULL, NULL } },
      .prove = prove_domain },
    { .name = "attended-start",
      .base = "ready",
      .steps = { { "keystore start-mode --required 2 " OPERATORS, STEP_ACT, NULL, NULL } },
      .prove = prove_attended },
    { .name = "unlock",
      .base = "attended",
      .steps = { { UNLOCK("anna", "anna"), 0, NULL, NULL }, { UNLOCK("carl", "carl"), 0, NULL, NULL } },
      .forgets = true,
      .prove = prove_domain },
    { .name = "unattended-start",
      .base = "attended",
      .steps = { { UNLOCK("bert", "bert"), 0, NULL, NULL },
                 { UNLOCK("carl", "carl"), 0, NULL, NULL },
                 { "keystore start-mode --unattended", STEP_ACT, NULL, NULL } },
      .forgets = true,
      .prove = prove_unattended },
    { .name = "wrong-passphrases",
      .base = "attended",
      .steps = { { UNLOCK("anna", "wrong"), STEP_REFUSED, NULL, NULL },
                 { UNLOCK("bert", "wrong"), STEP_REFUSED, NULL, NULL },
                 { UNLOCK("carl", "wrong"), STEP_REFUSED, NULL, NULL },
                 { UNLOCK("anna", "bert"), STEP_REFUSED, NULL, NULL } },
      .judge = judge_tries,
      .prove = prove_recovered },
    { .name = "settings",
      .base = "ready",
      .steps = { { "keystore add-auditor --auditor ../auditor.pem --name auditor", STEP_ACT, NULL, NULL },
                 { "keystore audit-sink --address audit.example:6514 --peer ../sink.pem", STEP_ACT, NULL, NULL },
                 { "keystore firmware-key --public-key ../acceptance.pem", STEP_ACT, NULL, NULL },
                 { "keystore clock --time $TIME", STEP_ACT, NULL, NULL },
                 { "keystore remove-auditor --auditor ../auditor.pem --name auditor", STEP_ACT, NULL, NULL },
                 { "keystore set-owner --owner ../owner2.pem", STEP_ACT | STEP_FAREWELL, NULL, NULL } },
      .observe = observe_auditor,
      .prove = prove_domain },
    { .name = "pins",
      .base = "ready",
      .steps = { { "pin change --who user --config site.conf --old-pin-file ../pin --new-pin-file ../pin-b", 0, NULL,
                   NULL },
                 { "pin change --who so --config site.conf --old-pin-file ../so-pin --new-pin-file ../so-pin-b", 0,
                   NULL, NULL },
                 { "pin unlock --config site.conf --so-pin-file ../so-pin-b --new-pin-file ../pin-c", STEP_AGAIN, NULL,
                   NULL } },
      .observe = observe_pins,
      .prove = prove_unlocked_pin },
    { .name = "pin-rotation",
      .base = "ready",
      .steps = { { ROTATE, STEP_AGAIN, NULL, NULL }, { ROTATE, STEP_AGAIN, NULL, NULL } },
      .prepare = prepare_rotation,
      .judge = judge_rotation,
      .prove = prove_rotation },
    { .name = "factory-certificate",
      .base = "factory",
      .steps = { { "factory device --certificate ../operator.pem --key ../operator.key --out out/device.json",
                   STEP_FILE, "out/device.json", NULL },
                 { "factory certify --ca ../ca.pem --ca-key ../ca.key --device out/device.json --serial SN-1 --board "
                   "sim "
                   "--out out/chain.pem",
                   STEP_FILE, "out/chain.pem", NULL },
                 { "factory install --certificate ../operator.pem --key ../operator.key --chain out/chain.pem",
                   STEP_AGAIN, NULL, NULL } },
      .observe = observe_chain,
      .prove = prove_certified },
    { .name = "factory-reset",
      .base = "ready",
      .steps = { { "keystore factory-reset " DESTROYED, STEP_ACT | STEP_FAREWELL, "out/destroyed.json",
                   "attest show --statement out/destroyed.json" } },
      .observe = observe_destruction,
      .prove = prove_reset },
    { .name = "zeroise",
      .base = "ready",
      .steps = { { "keystore zeroise " DESTROYED, STEP_ACT | STEP_FAREWELL, "out/destroyed.json",
                   "attest show --statement out/destroyed.json" } },
      .observe = observe_destruction,
      .prove = prove_zeroised },
};

const struct ceremony *ceremony_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

unsigned ceremony_steps(const struct ceremony *c)
{
    unsigned n = 0;

    while (c->steps[n].words != NULL)
        n++;
    return n;
}
