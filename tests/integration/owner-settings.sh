# owner-settings.sh - what changes the rules: policies, roles, the clock, the start, the end of the box.
# Sourced by owner-tries, whose functions and variables it uses.
# shellcheck shell=bash

compatible() {
    needs_quorum partition-set a partition set --name tenant --policy compatible &&
        by_two partition-set partition set --name tenant --policy compatible &&
        on a partition list --json | jq -e '.[] | select(.name == "tenant") | .policy == "strict"'
}

file_alone() {
    needs_quorum domain-export a domain export --out stolen.json && by_two domain-export domain export --out stolen.json &&
        [ ! -e stolen.json ]
}

# A quorum has made an auditor and a sink; what they read is the audit.
auditor_reads() {
    needs_quorum role-set a keystore add-auditor --auditor his.pem --name his &&
        needs_quorum audit-sink-set a keystore audit-sink --address sink.example:6514 --peer his.pem &&
        act a anna bert carl -- keystore add-auditor --auditor his.pem --name his || return 1
    local as_auditor=(--profile a.conf --certificate his.pem --key his.key)
    strongroom keystore audit "${as_auditor[@]}" --json >auditor.json && strongroom keystore status "${as_auditor[@]}" &&
        ! strongroom partition backup --name tenant --out auditor.backup "${as_auditor[@]}" &&
        ! strongroom partition set --name tenant --identity his.pem "${as_auditor[@]}" &&
        ! strongroom domain export --out stolen.json "${as_auditor[@]}" && not_in &&
        ! grep -q -e "$(cat tenant.pin/user)" -e tenants-own-key auditor.json
}

attests_key() {
    sed "s#^token_config = .*#token_config = $work/owner-client.module#" tenant.conf >owner-client.conf &&
        chmod 0600 owner-client.conf &&
        ! strongroom attest key --config owner-client.conf --label tenants-own-key --nonce "$(openssl rand -hex 32)" \
            --out key.json && [ ! -e key.json ] &&
        strongroom attest create --profile a.conf --nonce "$(openssl rand -hex 32)" --out box.json &&
        strongroom attest show --statement box.json --json | jq -e 'has("key") | not'
}

own_start() { # a start that he unlocks himself
    printf 'a passphrase of his own\n' >me.passphrase
    printf 'another one of his own\n' >myself.passphrase
    local operators=(--required 2 --operator me --operator myself)
    local typed=(--operator-passphrase-file me.passphrase --operator-passphrase-file myself.passphrase)

    refused 'too few holders' on a keystore start-mode "${operators[@]}" "${typed[@]}" &&
        prepare a act keystore start-mode "${operators[@]}" &&
        approve act anna bert &&
        needs_quorum start-mode-set a keystore start-mode "${operators[@]}" "${typed[@]}" --act act.json "${approvals[@]}" &&
        refused 'keystore unlock: ' on a keystore unlock --operator me --operator-passphrase-file me.passphrase &&
        on a keystore status --json | jq -e '.attended | not'
}

# Approvals that have expired, and a clock that is set back. A quorum has set it ahead, and sets it right again.
clock_back() {
    local late old in_three_hours soon now

    late=(partition set --name tenant --identity tenant.pem --identity late.pem)
    in_three_hours=$(date -u -d '+3 hours' +%Y-%m-%dT%H:%M:%SZ)
    soon=$(date -u -d '+170 minutes' +%Y-%m-%dT%H:%M:%SZ)
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    strongroom identity create --name late --key late.key --certificate late.pem && prepare a late "${late[@]}" --valid 1 &&
        approve late anna bert carl || return 1
    old=("${approvals[@]}")
    act a anna bert carl -- keystore clock --time "$in_three_hours" &&
        refused 'the approvals are' on a "${late[@]}" --act late.json "${old[@]}" &&
        needs_quorum clock-set a keystore clock --time "$now" && needs_quorum clock-set a keystore clock --time "$soon" &&
        by_two clock-set keystore clock --time "$now" &&
        refused 'the approvals are' on a "${late[@]}" --act late.json "${old[@]}" &&
        act a anna bert carl -- keystore clock --time "$now" &&
        refused 'the approvals are for another act number' on a "${late[@]}" --act late.json "${old[@]}" &&
        needs_quorum partition-set a "${late[@]}"
}

the_end() { # of the box, so that he may begin anew with what is in it
    needs_quorum factory-reset a keystore factory-reset --destroy-all-keys --certificate-of-destruction end.json &&
        needs_quorum zeroise a keystore zeroise --destroy-all-keys --certificate-of-destruction end.json &&
        by_two factory-reset keystore factory-reset --destroy-all-keys --certificate-of-destruction end.json && [ ! -e end.json ] &&
        on a keystore status --json | jq -e '.state == "operational" and .partitions == 2'
}

firmware_key() { # so that firmware of his own would be accepted
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out accept.key 2>/dev/null &&
        openssl pkey -in accept.key -pubout -out accept.pem &&
        needs_quorum firmware-key-set a keystore firmware-key --public-key accept.pem
}

settings_and_roles() {
    try 'the compatible policy' compatible
    try 'exporting the domain'\''s file' file_alone
    try 'reading as an auditor, whom a quorum has made' auditor_reads
    try 'having one of its keys attested' attests_key
    try 'a start that operators of his own unlock' own_start
    try 'a clock set back, for approvals that have expired' clock_back
    try 'destroying everything, to begin anew' the_end
    try 'a firmware key of his own' firmware_key
}
