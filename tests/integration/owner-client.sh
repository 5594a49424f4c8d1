# owner-client.sh - the owner as if he were a client: with link keys of his own, and from a partition of his own.
# Sourced by owner-tries, whose functions and variables it uses.
# shellcheck shell=bash

own_link_key() { # even if he had the PIN
    profile_of owner-client a owner
    ! logged_in owner-client tenant.pin/user --list-objects && ! tool owner-client --list-objects
}

new_link_key() {
    strongroom identity create --name stranger --key stranger.key --certificate stranger.pem && profile_of stranger a stranger ||
        return 1
    audit_mark a
    ! logged_in stranger tenant.pin/user --list-objects && audited a refused-peer any
}

clients_certificate() { # it is on the box; its key is not
    cp stranger.key pair.key && cp tenant.pem pair.pem && profile_of pair a pair && ! logged_in pair tenant.pin/user --list-objects
}

own_partition() {
    client own a && on a partition create --name own --identity own.pem && strongroom token init --config own.conf
}

token_from_his_own() { # C_InitToken, by the label of the other one
    SO=0123456789abcdef tool own --init-token --label strongroom-tenant --so-pin env:SO
    ! SO=0123456789abcdef tool own --init-token --slot 1 --label strongroom-tenant --so-pin env:SO &&
        ! logged_in own tenant.pin/user --list-objects &&
        on a partition list --json | jq -e '.[] | select(.name == "tenant") | .initialised and .objects > 0'
}

objects_from_his_own() { # once it is his own again
    rm -rf own.pin && on a partition delete --name own --destroy-its-keys && own_partition &&
        ! logged_in own own.pin/user --list-objects | grep tenants-own-key
}

sealed_from_his_own() {
    refused '0x' sealed own strongroom-own own.pin/user sign sealed.blob message no.signature && [ ! -e no.signature ]
}

as_a_client() {
    check 'the owner makes a partition of his own' own_partition
    try 'his own link key, as if it were a client'\''s' own_link_key
    try 'a new link key that is registered nowhere' new_link_key
    try 'the client'\''s certificate, with another key' clients_certificate
    try 'C_InitToken over it from a partition of his own' token_from_his_own
    try 'looking for its objects from there' objects_from_his_own
    try 'opening its sealed keys in there' sealed_from_his_own
}
