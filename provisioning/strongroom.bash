# Completion of strongroom for bash. Source it, or install it as /usr/share/bash-completion/completions/strongroom.
# shellcheck shell=bash

_strongroom() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=
    local link="--socket --certificate --key --keystore"

    case "$previous" in
    --config | --out | --key | --ca | --ca-key | --device | --chain | --statement | --expect | --nonce-file | --passphrase-file | --secret-file | --so-pin-file | --certificate | --socket | --keystore | --identity)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --directory)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --type)
        mapfile -t COMPREPLY < <(compgen -W "User Group ServicePrincipal ForeignGroup Device" -- "$current")
        return
        ;;
    --policy)
        mapfile -t COMPREPLY < <(compgen -W "strict compatible" -- "$current")
        return
        ;;
    --objects | --session-objects | --name | --nonce | --at | --label | --serial | --board | --client-id | --object-id | --id | --days | --principal | --role | --scope | --description | --subscription)
        return
        ;;
    esac
    case "$COMP_CWORD" in
    1) words="identity keystore factory attest partition token tls audit application subscription group role --help --version" ;;
    2)
        case "${COMP_WORDS[1]}" in
        identity) words="create show" ;;
        keystore) words="status provision self-test audit zeroise" ;;
        factory) words="init-ca certify device install" ;;
        attest) words="create key verify show" ;;
        partition) words="create list set delete" ;;
        token) words="init info" ;;
        tls) words="request" ;;
        audit) words="key verify" ;;
        application)
            words="create list delete enable disable add-secret add-certificate remove-credentials"
            ;;
        subscription) words="create list" ;;
        group) words="create list delete" ;;
        role) words="assign list remove definitions" ;;
        esac
        words+=" --help"
        ;;
    *)
        case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
        "identity create") words="--name --key --certificate" ;;
        "identity show") words="--certificate" ;;
        "keystore status") words="$link --json" ;;
        "keystore provision") words="$link --name" ;;
        "keystore zeroise") words="$link --destroy-all-keys" ;;
        "keystore "*) words=$link ;;
        "factory init-ca") words="--name --key --certificate --days --passphrase-file --no-passphrase" ;;
        "factory certify") words="--ca --ca-key --passphrase-file --device --serial --board --hardware --days --out" ;;
        "factory device") words="$link --out" ;;
        "factory install") words="$link --chain" ;;
        "attest create") words="$link --nonce --nonce-file --out" ;;
        "attest key") words="--label --nonce --nonce-file --out" ;;
        "attest verify") words="--statement --ca --expect --nonce --nonce-file --at --json" ;;
        "attest show") words="--statement --json" ;;
        "partition list") words="$link --json" ;;
        "partition delete") words="$link --name --destroy-its-keys" ;;
        "partition "*) words="$link --name --policy --objects --session-objects --identity" ;;
        "token init") words="--authority --so-pin-file --json" ;;
        "token info") words="--json" ;;
        "tls request") words="--name --out" ;;
        "audit verify") words="--directory --key --json" ;;
        "application create") words="--name --client-id --object-id --secret-file --print-secret --days --json" ;;
        "application list") words="--json" ;;
        "application add-secret") words="--client-id --secret-file --print-secret --days" ;;
        "application add-certificate") words="--client-id --certificate" ;;
        "application "*) words="--client-id" ;;
        "subscription create") words="--name --id" ;;
        "subscription list") words="--json" ;;
        "group list") words="--subscription --json" ;;
        "group "*) words="--subscription --name" ;;
        "role assign") words="--principal --role --scope --type --description" ;;
        "role list") words="--principal --json" ;;
        "role remove") words="--id" ;;
        "role definitions") words="--json" ;;
        esac
        words+=" --config --help"
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _strongroom strongroom
