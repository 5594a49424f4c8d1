# recovery-shares.sh - shares and approvals that are not enough. Sourced by recovery-drill, whose functions and variables it uses.
# shellcheck shell=bash

# The CLI sees that itself; so one share is given under another holder's name, and three approvals with it.
share_twice() {
    release b restore.json domain.json bert again.release &&
        jq -c --slurpfile share again.release '.share = $share[0].share' carl.release >mixed.release &&
        fails_on_b DOMAIN_SHARES 'shares are too few' --domain domain.json --act restore.json "${releases[@]:0:4}" \
            --release mixed.release
}

approval_missing() { # three shares, but one of the three has approved another act
    on b domain restore --domain domain.json --prepare later.json --valid 2 &&
        release b later.json domain.json carl later.release &&
        jq -c --slurpfile approval later.release '{version, kind, share} + ($approval[0] | del(.version, .kind, .share))' \
            carl.release >mixed.release &&
        fails_on_b - 'is for another act' --domain domain.json --act restore.json "${releases[@]:0:4}" --release mixed.release &&
        jq -c --slurpfile approval later.release '.signature = $approval[0].signature' carl.release >mixed.release &&
        fails_on_b - 'not signed by him over this act' --domain domain.json --act restore.json "${releases[@]:0:4}" \
            --release mixed.release
}

too_few_shares() {
    check 'nothing is restored by no holder' fails_on_b - 'give each holder' --domain domain.json --act restore.json
    check 'nor by two of three' fails_on_b DOMAIN_SHARES 'shares are too few' --domain domain.json \
        --act restore.json "${releases[@]:0:4}"
    check 'nor by one who comes twice' fails_on_b - 'twice' --domain domain.json --act restore.json "${releases[@]:0:4}" \
        --release bert.release
    check 'nor by a share that is there twice under two names' share_twice
    check 'nor by a holder whose approval is for another act' approval_missing
}
