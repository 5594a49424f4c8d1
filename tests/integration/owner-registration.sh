# owner-registration.sh - the owner registers a link key of his own in the partition: alone, with too few holders, by approvals that
# were used or are for something else, by holders of his own. Sourced by owner-tries, whose functions and variables it uses.
# shellcheck shell=bash

his_own_key_there() {
    strongroom identity create --name his --key his.key --certificate his.pem && profile_of his a his
}

# A second key, in a partition whose security officer has not come yet.
before_the_officer() {
    strongroom identity create --name another --key another.key --certificate another.pem && client tardy a &&
        on a partition create --name tardy --identity tardy.pem --identity another.pem || return 1
    refused 'has 2 link keys, not 1' strongroom token init --config tardy.conf && [ ! -e tardy.pin/user ] &&
        on a partition list --json | jq -e '.[] | select(.name == "tardy") | .initialised | not' || return 1
    on a partition set --name tardy --identity tardy.pem && strongroom token init --config tardy.conf &&
        needs_quorum partition-set a partition set --name tardy --identity tardy.pem --identity another.pem &&
        on a partition delete --name tardy --destroy-its-keys
}

alone() {
    needs_quorum partition-set a partition set --name tenant --identity tenant.pem --identity his.pem && not_in
}

with_two() {
    by_two partition-set partition set --name tenant --identity tenant.pem --identity his.pem && not_in
}

# Three holders have once let somebody in, and taken it back; he kept what they had signed.
used_approvals() {
    strongroom identity create --name helper --key helper.key --certificate helper.pem || return 1
    prepare a helper partition set --name tenant --identity tenant.pem --identity helper.pem && approve helper anna bert carl ||
        return 1
    local kept=("${approvals[@]}")
    on a partition set --name tenant --identity tenant.pem --identity helper.pem --act helper.json "${kept[@]}" &&
        act a carl dora emil -- partition set --name tenant --identity tenant.pem || return 1
    refused 'for another act number' on a partition set --name tenant --identity tenant.pem --identity helper.pem \
        --act helper.json "${kept[@]}" &&
        refused 'this act is another one' on a partition set --name tenant --identity tenant.pem --identity his.pem \
            --act helper.json "${kept[@]}" &&
        not_in
}

approvals_of_another_act() { # he writes the name of his own act into them
    local holder given=()

    prepare a wanted partition set --name tenant --identity tenant.pem --identity his.pem &&
        prepare a harmless partition set --name own --identity own.pem --policy compatible && approve harmless anna bert carl ||
        return 1
    approve wanted anna || return 1
    for holder in anna bert carl; do
        jq -c --slurpfile act wanted.anna.json '.act = $act[0].act' "harmless.$holder.json" >"turned.$holder.json"
        given+=(--approval "turned.$holder.json")
    done
    refused 'not signed by him over this act' on a partition set --name tenant --identity tenant.pem --identity his.pem \
        --act wanted.json "${given[@]}" &&
        not_in
}

# People of his own sign the bytes, by openssl: the CLI does not let them.
approval_by() { # act, holder
    openssl x509 -in "$2.pem" -outform DER -out "$2.der" && rm -f statement &&
        strongroom act show --act "$1.json" --statement statement >shown &&
        openssl dgst -sha256 -sign "$2.key" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -out "$2.sig" statement &&
        jq -nc --arg name "$2" --arg holder "$(sha256sum <"$2.der" | cut -d ' ' -f 1)" \
            --arg act "$(awk '/^Its name is/ { print $4 }' shown)" \
            --arg signature "$(base64url <"$2.sig")" --arg certificate "$(base64url <"$2.der")" \
            '{version: 1, kind: "approval", $name, $holder, $act, $signature, $certificate}' >"$1.$2.json"
}

his_holders() {
    local name given=()

    holders gerd hans ida && prepare a wanted partition set --name tenant --identity his.pem || return 1
    refused 'not the certificate of a holder' approve wanted gerd || return 1
    for name in gerd hans ida; do
        approval_by wanted "$name" || return 1
        given+=(--approval "wanted.$name.json")
    done
    audit_mark a
    refused 'who is no holder now' on a partition set --name tenant --identity his.pem --act wanted.json "${given[@]}" &&
        audited a partition-set APPROVAL_STRANGER && not_in || return 1
    # Two of the domain's holders and one of his: the same way of signing counts for those two.
    approval_by wanted anna && approval_by wanted bert &&
        refused 'who is no holder now' on a partition set --name tenant --identity his.pem --act wanted.json \
            --approval wanted.anna.json --approval wanted.bert.json --approval wanted.ida.json &&
        audited a approval OK && not_in
}

other_holders() {
    needs_quorum domain-change a domain change --required 2 --holder gerd=gerd.pem --holder hans=hans.pem --holder ida=ida.pem &&
        by_two domain-change domain change --required 2 --holder gerd=gerd.pem --holder hans=hans.pem --holder ida=ida.pem &&
        refused 'not in this state' on a domain create --name his --required 2 --holder gerd=gerd.pem --holder hans=hans.pem \
            --holder ida=ida.pem
}

registering_himself() {
    check 'another link key of his' his_own_key_there
    try 'registering another one in a partition before it is initialised' before_the_officer
    try 'registering it in the partition, alone' alone
    try 'registering it with the approval of two holders' with_two
    try 'approvals that were used before' used_approvals
    try 'approvals of another act' approvals_of_another_act
    try 'approvals of people of his own' his_holders
    try 'making those people the holders' other_holders
}
