# boards.sh - keystores by name, their owners and holders, and acts that holders approve: what tests of ceremonies are made
# of. Sourced, after $work (a private directory, where everything lies) and $STRONGROOM_BUILD are set; the caller's directory is
# $work, its umask 077. With it come checks.sh, processes.sh and texts.sh.
#   board_start NAME ROOT [OWNER]    a keystore in $work/NAME, its root key in `tpm` (a swtpm of its own) or `insecure-file`
#   board_stop NAME                  ends it; the TPM stays, as one that is soldered on
#   boards_down                      ends all of them and their TPMs
#   on NAME NOUN VERB OPTION...      the owner's command on it, by the profile NAME.conf
#   holders NAME...                  keys and certificates of holders, without passphrases: the key's file is in $work
#   domain_make BOARD NAME M HOLDER...   a security domain, confirmed; its file is BOARD.domain.json
#   prepare BOARD ACT NOUN VERB ...      the act's file is ACT.json
#   approve ACT HOLDER...            ACT.HOLDER.json each; `approvals` has the options to give them
#   act BOARD HOLDER... -- NOUN VERB OPTION...   all of it: prepared, approved by these, done
#   client NAME BOARD                a link identity, the module's profile and a configuration for `strongroom ... --config`
#   audited BOARD WHAT RESULT [FILTER]   has `keystore audit --json` a record since the last `audit_mark BOARD` with this .what
#                                    and this .resultName (without CKR_), which jq's FILTER selects? Several results have | between
#                                    them; `refused` is all but OK; `any`
# shellcheck shell=bash
: "${work:?}" "${STRONGROOM_BUILD:?}"
shell=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/shell/checks.sh
. "$shell/checks.sh"
# shellcheck source=tests/shell/processes.sh
. "$shell/processes.sh"
# shellcheck source=tests/shell/texts.sh
. "$shell/texts.sh"

approvals=()

# STRONGROOM_KEYSTORED names another program than the build's.
board_start() { # name, root, [owner]
    local name=$1 root=$2 owner=${3:-owner}

    if [ "$root" = tpm ]; then
        tpm_up "$work/$name.tpm" || return 1
        root=tpm:$work/$name.tpm.socket
    fi
    [ -s "$owner.pem" ] || strongroom identity create --name "$owner" --key "$owner.key" --certificate "$owner.pem" >/dev/null ||
        return 1
    mkdir -p "$name"
    rm -f "$name/keystore.sock"
    link_profile "$work/$name/keystore.sock" "$work/$owner" "$work/$name/keystore.pem" >"$name.conf"
    keystored_up "$name" --directory "$work/$name" --owner "$owner.pem" --root "$root"
}

board_stop() { # name
    background_end "$work/$1"
}

boards_down() {
    local file

    for file in "$work"/*.pid; do
        case "$file" in *.tpm.pid) ;; *) background_end "${file%.pid}" ;; esac
    done
    for file in "$work"/*.tpm.pid; do
        background_end "${file%.pid}"
    done
}

on() { # board, noun, verb, options
    strongroom "${@:2:2}" --profile "$work/$1.conf" "${@:4}"
}

holders() { # name...
    local name

    for name in "$@"; do
        strongroom holder create --name "$name" --bits 2048 --no-passphrase --key "$name.key" --certificate "$name.pem" || return 1
    done
}

domain_make() { # board, name, how many are required, holders
    local holder given=()

    for holder in "${@:4}"; do
        given+=(--holder "$holder=$holder.pem")
    done
    on "$1" domain create --name "$2" --required "$3" "${given[@]}" && on "$1" domain export --out "$1.domain.json" &&
        on "$1" domain confirm --domain "$1.domain.json"
}

prepare() { # board, act, noun, verb, options
    rm -f "$2.json"
    on "$1" "${@:3}" --prepare "$2.json"
}

approve() { # act, holders
    local holder

    approvals=()
    for holder in "${@:2}"; do
        rm -f "$1.$holder.json"
        strongroom act approve --act "$1.json" --certificate "$holder.pem" --key "$holder.key" --out "$1.$holder.json" --yes ||
            return 1
        approvals+=(--approval "$1.$holder.json")
    done
}

act() { # board, holders, --, noun, verb, options
    local board=$1 by=()

    shift
    while [ "$1" != -- ]; do
        by+=("$1")
        shift
    done
    shift
    prepare "$board" act "$@" && approve act "${by[@]}" && on "$board" "$@" --act act.json "${approvals[@]}"
}

client() { # name, board
    [ -s "$1.pem" ] || strongroom identity create --name "$1" --key "$1.key" --certificate "$1.pem" || return 1
    link_profile "$work/$2/keystore.sock" "$work/$1" "$work/$2/keystore.pem" >"$1.module"
    token_configuration "$work" "strongroom-$1" "$STRONGROOM_BUILD/lib/libstrongroom-pkcs11.so" "$work/$1.module" \
        "$work/$1.pin/user" >"$1.conf"
    mkdir -p "$1.pin"
    chmod 0600 "$1.conf"
}

audit_since=0

audit_mark() { # board
    audit_since=$(on "$1" keystore status --json | jq -r .auditSequence)
}

audited() { # board, what, result, [jq's filter]
    local result

    case "$3" in
    any) result=true ;;
    refused) result='.resultName != "CKR_OK"' ;;
    *) result='IN(.resultName; $results | split("|")[] | "CKR_" + .)' ;;
    esac
    on "$1" keystore audit --json >"$1.audit.json" || return 1
    ! jq -e --argjson since "$audit_since" --arg what "$2" --arg results "$3" \
        "any(.[]; .sequence > \$since and .what == \$what and ($result) and (${4:-true}))" "$1.audit.json" >/dev/null || return 0
    jq -c --argjson since "$audit_since" '.[] | select(.sequence > $since)' "$1.audit.json" | tail -n 8
    return 1
}
