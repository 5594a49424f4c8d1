# owner-backup.sh - the partition's backup: what it tells, where it restores, and what an old flash brings back.
# Sourced by owner-tries, whose functions and variables it uses.
# shellcheck shell=bash

reads_nothing() {
    on a partition backup --name tenant --out tenant.backup || return 1
    local point

    point=$(xxd -p token.der | tr -d '\n' | tail -c 64)
    ! grep -a -q -e tenants-own-key -e strongroom-tenant -e "$(cat tenant.pin/user)" -e "$(cat tenant.pin/so-pin)" tenant.backup &&
        ! xxd -p tenant.backup | tr -d '\n' | grep -q "$point" &&
        [ "$(gzip -9 -c tenant.backup | wc -c)" -ge $(($(wc -c <tenant.backup) * 95 / 100)) ]
}

over_itself() {
    refused 'is there already' on a partition restore --in tenant.backup &&
        refused 'is there already' act a anna bert carl -- partition restore --in tenant.backup
}

# D is his, with holders of his own who approve everything.
his_own_domain() {
    board_start d insecure-file && domain_make d his 2 gerd hans ida || return 1
    audit_mark d
    refused 'of another security domain' act d gerd hans ida -- partition restore --in tenant.backup &&
        audited d partition-restore refused &&
        on d partition list --json | jq -e 'length == 0'
}

# B is of the domain: three holders have brought it up.
b_joins() {
    local name given=()

    rm -f b.transfer.pem b.act.json b.*.release
    board_start b tpm && on b domain transfer --out b.transfer.pem &&
        on b domain restore --domain a.domain.json --prepare b.act.json || return 1
    for name in anna bert carl; do
        strongroom holder release --domain a.domain.json --keystore b/keystore.pem --transfer b.transfer.pem --act b.act.json \
            --certificate "$name.pem" --key "$name.key" --out "b.$name.release" --yes || return 1
        given+=(--release "b.$name.release")
    done
    on b domain restore --domain a.domain.json --act b.act.json "${given[@]}" && client_of_b
}

client_of_b() {
    profile_of tenant-b b tenant && profile_of his-b b his
}

# Who may use it is in the backup; it is edited, and holders who cannot see that approve.
edited_backup() {
    local size at byte

    size=$(wc -c <tenant.backup)
    for ((at = 20; at < size; at += size / 16)); do
        byte=$(od -An -tu1 -j "$at" -N1 tenant.backup)
        cp tenant.backup edited.backup
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\x$(printf %x $((byte ^ 1)))" | dd of=edited.backup bs=1 seek="$at" conv=notrunc status=none
        refused 'partition restore: ' act b anna bert carl -- partition restore --in edited.backup || return 1
        on b partition list --json | jq -e 'length == 0' || return 1
    done
    head -c $((size - 200)) tenant.backup >edited.backup
    refused 'partition restore: ' act b anna bert carl -- partition restore --in edited.backup && on b partition list --json |
        jq -e 'length == 0'
}

on_b_by_two() {
    prepare b act partition restore --in tenant.backup && approve act anna bert || return 1
    needs_quorum partition-restore b partition restore --in tenant.backup --act act.json "${approvals[@]}" &&
        on b partition list --json | jq -e 'length == 0'
}

approvals_for_a_on_b() {
    local kept

    prepare a act partition restore --in tenant.backup && approve act anna bert carl || return 1
    kept=("${approvals[@]}")
    audit_mark b
    refused '' on b partition restore --in tenant.backup --act act.json "${kept[@]}" && audited b partition-restore refused &&
        on b partition list --json | jq -e 'length == 0'
}

restored_on_b() {
    act b anna bert carl -- partition restore --in tenant.backup && client_works tenant-b && client_opens_sealed tenant-b
}

he_is_not_in_on_b() {
    ! logged_in his-b tenant.pin/user --list-objects && needs_quorum partition-set b partition set --name tenant --identity his.pem
}

# The same name, with his own key; what was sealed, and the backup, belong to the one that was deleted.
same_name_again() {
    strongroom identity create --name heir --key heir.key --certificate heir.pem && client heir b || return 1
    sed -i 's/^token_label = .*/token_label = strongroom-tenant/' heir.conf
    on b partition delete --name tenant --destroy-its-keys && on b partition create --name tenant --identity heir.pem &&
        strongroom token init --config heir.conf || return 1
    ! logged_in heir heir.pin/user --list-objects | grep tenants-own-key &&
        refused '0x' sealed heir strongroom-tenant heir.pin/user sign sealed.blob message no.signature && [ ! -e no.signature ] &&
        refused 'was deleted on this keystore' act b anna bert carl -- partition restore --in tenant.backup
}

# B without its flash: it is as new, and of the domain only when three holders say so again.
no_flash() {
    board_stop b && rm -f b/flash-* && not_operational b tpm && b_joins && on b partition list --json | jq -e 'length == 0'
}

reset_and_old_flash() { # B as it was, put back under a board that a quorum has reset
    board_stop b && cp -a b b.kept && board_start b tpm &&
        act b anna bert carl -- keystore factory-reset --destroy-all-keys --certificate-of-destruction b.end.json && board_stop b &&
        rm -rf b && cp -a b.kept b || return 1
    not_operational b tpm
}

# It does not start with these files, or has nothing of what was in them.
not_operational() { # board, root
    if board_start "$1" "$2" >/dev/null 2>&1; then
        on "$1" keystore status --json >"$1.status"
        board_stop "$1"
        jq -e '.state != "operational" and .partitions == 0' "$1.status" || { cat "$1.status"; return 1; }
    else
        board_stop "$1"
    fi
}

the_backup() {
    try 'reading the backup' reads_nothing
    try 'restoring it over the partition' over_itself
    try 'restoring it in a domain of his own' his_own_domain
    board_stop d
    check 'another keystore is of the same domain' b_joins
    try 'restoring an edited backup there, which holders approve' edited_backup
    try 'restoring it there with two holders' on_b_by_two
    try 'restoring it there with approvals for here' approvals_for_a_on_b
    check 'three holders restore it there, and its client works there, too' restored_on_b
    try 'registering himself there' he_is_not_in_on_b
    try 'deleting it there, and one of the same name for himself' same_name_again
    try 'a keystore without its flash' no_flash
    try 'the old flash under a keystore that was reset' reset_and_old_flash
}
