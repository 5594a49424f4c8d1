# recovery-attested.sh - what B says of keys that were made on A: local, never extractable, and not made here. Sourced by
# recovery-drill, whose functions and variables it uses.
# shellcheck shell=bash

certified_b() {
    strongroom factory init-ca --name works --key ca.key --certificate ca.pem --no-passphrase &&
        on b factory device --out b.device &&
        strongroom factory certify --ca ca.pem --ca-key ca.key --device b.device --serial B-1 --board sim --out b.chain &&
        on b factory install --chain b.chain
}

believed() { # statement, nonce, partition, further members of "key"
    local attributes='"CKA_LOCAL":true,"CKA_NEVER_EXTRACTABLE":true'

    printf '{"version":1,"firmwareHashes":["%s"],"key":{"partition":"%s","attributes":{%s}%s}}' \
        "$(sha256sum "$STRONGROOM_BUILD/bin/keystored" | cut -d ' ' -f 1)" "$3" "$attributes" "${4-}" >expected.json
    strongroom attest verify --statement "$1" --ca ca.pem --nonce "$2" --expect expected.json
}

attested_by_rest() { # name
    api_version=7.6 rest GET "$1/attestation" >"$1.bundle" &&
        rest_nonce=$(jq -r .key.kid "$1.bundle" | tr -d '\n' | sha256sum | cut -d ' ' -f 1) &&
        jq -er .attributes.attestation.privateKeyAttestation "$1.bundle" | unbase64url >"$1.statement"
}

made_on_a() { # statement, nonce, partition
    refused 'was not made in this device' believed "$@" && believed "$@" ',"restored":true'
}

attested_as_restored() {
    nonce=$(openssl rand -hex 32)
    check 'B: a factory certifies it' certified_b
    check 'B: the key of the token is attested' strongroom attest key --config tenant.conf --label drill --nonce "$nonce" \
        --out drill.json
    check 'B: as one that was restored' made_on_a drill.json "$nonce" tenant
    check 'B: so is a key of the vault, which is sealed in its store' attested_by_rest elliptic
    check 'B: as one that was restored, too' made_on_a elliptic.statement "${rest_nonce-}" vaultd
    check 'B: the new key' attested_by_rest fresh
    check 'B: was made here' believed fresh.statement "${rest_nonce-}" vaultd
}
