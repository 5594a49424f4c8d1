# boards.sh - keystores by name, their owners and holders, and acts that holders approve: what tests of ceremonies are made
# of. Sourced, after $work (a private directory, where everything lies) and $build are set; the caller's directory is $work, its umask 077.
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
#   audited BOARD FILTER             is there a record, since the last `audit_mark BOARD`, that jq's FILTER selects?
#   check SENTENCE COMMAND           counts; in this shell, so the command may set variables
#   refused TEXT COMMAND             the command must fail and say TEXT
#   totals                           the last line
# shellcheck shell=bash
: "${work:?}" "${build:?}"

approvals=()
passed=0
failed=0

check() { # sentence, command
    if "${@:2}" >"$work/check.out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$1"
        tail -c 1500 "$work/check.out" | sed 's/^/    /'
    fi
}

refused() { # what it says, command
    local said

    said=$("${@:2}" 2>&1) && { printf 'it was done\n%s\n' "$said"; return 1; }
    [[ $said == *"$1"* ]] || { printf '%s\n' "$said"; return 1; }
}

totals() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

board_wait() { # pid, command
    local i

    for ((i = 0; i < 1200; i++)); do
        ! "${@:2}" 2>/dev/null || return 0
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

board_end() { # pid file
    local pid i

    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    rm -f "$1"
    kill -TERM "$pid" 2>/dev/null || return 0
    for ((i = 0; i < 500; i++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.02
    done
    kill -KILL "$pid"
}

board_tpm() { # name
    local socket=$work/$1.tpm/socket

    [ ! -s "$work/$1.tpm.pid" ] || return 0
    mkdir -p "$work/$1.tpm/state"
    rm -f "$socket" "$work/$1.tpm/control"
    swtpm socket --tpm2 --tpmstate "dir=$work/$1.tpm/state" --server "type=unixio,path=$socket" \
        --ctrl "type=unixio,path=$work/$1.tpm/control" --flags not-need-init,startup-clear >"$work/$1.tpm.log" 2>&1 </dev/null &
    disown $!
    printf '%s\n' $! >"$work/$1.tpm.pid"
    board_wait $! test -S "$socket" || { cat "$work/$1.tpm.log" >&2; return 1; }
}

# STRONGROOM_KEYSTORED names another program than the build's.
board_start() { # name, root, [owner]
    local name=$1 root=$2 owner=${3:-owner}

    if [ "$root" = tpm ]; then
        board_tpm "$name" || return 1
        root=tpm:$work/$name.tpm/socket
    fi
    [ -s "$owner.pem" ] || strongroom identity create --name "$owner" --key "$owner.key" --certificate "$owner.pem" >/dev/null || return 1
    mkdir -p "$name"
    rm -f "$name/keystore.sock" "$name.log"
    "${STRONGROOM_KEYSTORED:-$build/bin/keystored}" --directory "$work/$name" --owner "$owner.pem" --root "$root" >"$name.log" 2>&1 </dev/null &
    disown $!
    printf '%s\n' $! >"$name.pid"
    printf 'socket = %s\ncertificate = %s\nkey = %s\nkeystore = %s\n' "$work/$name/keystore.sock" "$work/$owner.pem" \
        "$work/$owner.key" "$work/$name/keystore.pem" >"$name.conf"
    board_wait $! grep -q 'listening on' "$name.log" || { cat "$name.log" >&2; return 1; }
}

board_stop() { # name
    board_end "$work/$1.pid"
}

boards_down() {
    local file

    for file in "$work"/*.pid; do
        case "$file" in *.tpm.pid) ;; *) board_end "$file" ;; esac
    done
    for file in "$work"/*.tpm.pid; do
        board_end "$file"
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
        strongroom act approve --act "$1.json" --certificate "$holder.pem" --key "$holder.key" --out "$1.$holder.json" --yes || return 1
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
    printf 'socket = %s\ncertificate = %s\nkey = %s\nkeystore = %s\n' "$work/$2/keystore.sock" "$work/$1.pem" "$work/$1.key" \
        "$work/$2/keystore.pem" >"$1.module"
    cat >"$1.conf" <<TEXT
tenant_id = 11111111-2222-4333-8444-555555555555
token_label = strongroom-$1
token_module = $build/lib/libstrongroom-pkcs11.so
token_config = $work/$1.module
token_pin_file = $work/$1.pin/user
management_store = $work/$1.management.db
vault_store = $work/$1.vaults.db
audit_directory = $work/$1.audit
certificate_file = $work/$1.tls.pem
TEXT
    mkdir -p "$1.pin"
    chmod 0600 "$1.conf"
}

audit_since=0

audit_mark() { # board
    audit_since=$(on "$1" keystore status --json | jq -r .auditSequence)
}

audited() { # board, jq's filter
    on "$1" keystore audit --json >"$1.audit.json" || return 1
    ! jq -e --argjson since "$audit_since" "[.[] | select(.sequence > \$since) | select($2)] | length > 0" "$1.audit.json" >/dev/null ||
        return 0
    jq -c --argjson since "$audit_since" '.[] | select(.sequence > $since)' "$1.audit.json" | tail -n 8
    return 1
}
