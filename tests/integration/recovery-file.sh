# recovery-file.sh - the domain's file, changed by accident and by who knows its format. Sourced by recovery-drill, whose functions
# and variables it uses.
# shellcheck shell=bash

bytes_of_the_file() {
    local tried taken

    read -r tried taken < <("$STRONGROOM_BUILD/tests/changed_domain" count domain.json) || return 1
    printf '%s changes, %s read\n' "$tried" "$taken"
    [ "$tried" -ge $((2 * $(wc -c <domain.json))) ] && [ "$taken" -eq 0 ]
}

change_byte() { # file, offset, out
    local byte

    byte=$(od -An -tu1 -j "$2" -N1 "$1")
    cp "$1" "$3"
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}

cli_reads_none() {
    local size at

    size=$(wc -c <domain.json)
    for ((at = 3; at < size; at += size / 24)); do
        change_byte domain.json "$at" changed.json
        refused changed.json strongroom holder check --domain changed.json --certificate anna.pem --key anna.key || return 1
        refused changed.json on b domain restore --domain changed.json --act restore.json "${releases[@]}" || return 1
    done
}

# Who changes it can make the digest anew as well: then it is the keystore that finds out.
forged_everywhere() {
    local size at where

    size=$(jq -r '.EncData.data[0].compact_jwe' domain.json | wc -c)
    for at in 3 60 90 130 $((size / 3)) $((size / 2)) $((size - 60)) $((size - 4)); do
        forged_fails item "$at" || return 1
    done
    forged_fails required 0 || return 1
    for where in 0 1 2; do # of those who come: what was changed is his share, and he sees it
        rm -f forged.json
        "$STRONGROOM_BUILD/tests/changed_domain" forge domain.json "$where" 500 forged.json || return 1
        refused 'share' strongroom holder check --domain forged.json --certificate "${five[where]}.pem" \
            --key "${five[where]}.key" || return 1
    done
}

# His release is for the forged file, as if three holders were taken in.
forged_fails() { # where, position
    local name given=()

    rm -f forged*.json forged.*.release
    "$STRONGROOM_BUILD/tests/changed_domain" forge domain.json "$1" "$2" forged.json ||
        { printf 'no forgery at %s\n' "$*"; return 1; }
    on b domain restore --domain forged.json --prepare forged-act.json || return 1
    for name in anna bert carl; do
        release b forged-act.json forged.json "$name" "forged.$name.release" || return 1
        given+=(--release "forged.$name.release")
    done
    fails_on_b - 'domain restore: ' --domain forged.json --act forged-act.json "${given[@]}" &&
        audited b domain-restore 'DOMAIN_SHARES|DOMAIN_FILE_INVALID'
}

changed_files() {
    check 'every byte of the file counts: changed or cut, it is not read' bytes_of_the_file
    check 'nor by the CLI' cli_reads_none
    check 'a holder sees that his share opens' strongroom holder check --domain domain.json --certificate anna.pem --key anna.key
    check 'forged with a digest of its own, it is refused by the keystore' forged_everywhere
}
