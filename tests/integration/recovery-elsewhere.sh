# recovery-elsewhere.sh - the same holders with another domain, and what they released with another keystore. Sourced by
# recovery-drill, whose functions and variables it uses.
# shellcheck shell=bash

domain_of_c() {
    domain_make c "another" 3 "${five[@]}" && ! cmp -s c.domain.json domain.json
}

another_file_is_not_confirmed() { # while holders are pending on D
    local holder at given=()

    board_start d insecure-file owner-d || return 1
    for holder in "${five[@]}"; do
        given+=(--holder "$holder=$holder.pem")
    done
    on d domain create --name third --required 3 "${given[@]}" && on d domain export --out d.domain.json || return 1
    audit_mark d
    refused 'not the file that was exported' on d domain confirm --domain domain.json &&
        audited d domain-confirm DOMAIN_NOT_CONFIRMED &&
        refused 'not the file that was exported' on d domain confirm --domain c.domain.json || return 1
    for ((at = 40; at < 1000; at += 80)); do
        rm -f forged.json
        "$STRONGROOM_BUILD/tests/changed_domain" forge d.domain.json item $at forged.json || return 1
        refused 'not the file that was exported' on d domain confirm --domain forged.json || return 1
    done
    [ "$(on d keystore status --json | jq -r .state)" = provisioned ] && on d domain confirm --domain d.domain.json && board_stop d
}

other_domain_for_these_shares() { # shares of our file, with the file of C
    local name given=()

    on b domain restore --domain c.domain.json --prepare restore-c.json || return 1
    for name in anna bert carl; do
        rm -f "$name.c.release"
        release b restore-c.json c.domain.json "$name" "$name.c.release" || return 1
        jq -c --slurpfile share "$name.release" '.share = $share[0].share' "$name.c.release" >"$name.mixed.release"
        given+=(--release "$name.mixed.release")
    done
    fails_on_b DOMAIN_SHARES 'do not belong to this domain file' --domain c.domain.json --act restore-c.json "${given[@]}" &&
        fails_on_b - 'this act is another one' --domain c.domain.json --act restore.json "${releases[@]}"
}

another_domain() {
    check 'C has a domain of the same holders' domain_of_c
    check 'another keystore does not take this file, or a forged one, for its own' another_file_is_not_confirmed
    check 'where a domain is in force, none is restored' refused 'has a security domain' on c domain restore --domain domain.json \
        --act restore.json "${releases[@]}"
    check 'the file of another domain does not open by these shares' other_domain_for_these_shares
}

other_keystore() { # E is as B, and gets what was released to B
    local name given=()

    board_start e insecure-file owner-e && on e domain transfer --out e.transfer.pem && cp e/keystore.pem e.pem || return 1
    audit_mark e
    refused 'too few, or do not belong' on e domain restore --domain domain.json --act restore.json "${releases[@]}" &&
        audited e domain-restore DOMAIN_SHARES || return 1
    # A holder does not release to a certificate that the keystore of the act did not sign.
    refused 'not signed by that keystore' strongroom holder release --domain domain.json --keystore b.pem \
        --transfer e.transfer.pem \
        --act restore.json --certificate dora.pem --key dora.key --out no.release --yes &&
        refused 'not the certificate of the keystore that the act is for' strongroom holder release --domain domain.json \
            --keystore e.pem \
            --transfer e.transfer.pem --act restore.json --certificate dora.pem --key dora.key --out no.release --yes || return 1
    # Shares for E with the approvals for B: the shares open there, and the approvals do not count.
    on e domain restore --domain domain.json --prepare restore-e.json || return 1
    for name in anna bert carl; do
        release e restore-e.json domain.json "$name" "$name.e.release" || return 1
        jq -c --slurpfile share "$name.e.release" '.share = $share[0].share' "$name.release" >"$name.mixed.release"
        given+=(--release "$name.mixed.release")
    done
    refused 'signature does not fit' on e domain restore --domain domain.json --act restore.json "${given[@]}" &&
        audited e domain-restore APPROVAL_INVALID && [ "$(on e keystore status --json | jq -r .state)" = provisioned ]
}

another_keystore() {
    check 'what was released to B is worth nothing on another keystore' other_keystore
    board_stop e
}
