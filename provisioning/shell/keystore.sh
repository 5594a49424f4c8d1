# keystore.sh - the keystore of a quickstart home: its TPM (if it has one), the process, owner, partitions and clients.
# Sourced. The keystore serves any number of clients, so unlike a SoftHSM token it keeps running while tokens are prepared.
# shellcheck shell=bash

keystore_socket() {
    printf '%s/keystored/link\n' "$home"
}

# The options by which its owner talks to it.
owner_options() {
    printf '%s\n' --socket "$(keystore_socket)" --certificate "$home/keystored/owner.pem" --key "$home/keystored/owner.key" \
        --keystore "$home/keystored/board/keystore.pem"
}

ask_keystore() { # noun, verb, options
    local options

    mapfile -t options < <(owner_options)
    "$build/bin/strongroom" "$1" "$2" "${options[@]}" "${@:3}" 9>&-
}

make_link_identity() { # name, directory, file's first part
    local certificate=$2/$3.pem key=$2/$3.key

    # The certificate is written last, so what it has is whole.
    [ ! -s "$certificate" ] || return 0
    rm -f "$key"
    "$build/bin/strongroom" identity create --name "$1" --key "$key" --certificate "$certificate" 9>&- ||
        die "no identity for $1"
}

# A TPM of its own, as a board has one soldered on. It keeps its state, and its PCRs last as long as its process.
tpm_start() {
    local directory=$home/swtpm

    ! daemon_runs swtpm || return 0
    command -v swtpm >/dev/null || die "swtpm is not there (package swtpm); --root insecure-file does without"
    mkdir -p -m 0700 "$directory/state"
    rm -f "$directory/tpm" "$directory/control"
    say "starting swtpm, the keystore's TPM 2.0 (log: $directory/log)"
    setsid nohup swtpm socket --tpm2 --tpmstate "dir=$directory/state" --server "type=unixio,path=$directory/tpm" \
        --ctrl "type=unixio,path=$directory/control" --flags not-need-init,startup-clear \
        </dev/null >>"$directory/log" 2>&1 9>&- &
    pid=$!
    printf '%s %s\n' "$pid" "$(start_time "$pid" || echo 0)" >"$directory/pid"
    until [ -S "$directory/tpm" ]; do
        daemon_exec_seen swtpm || daemon_failed swtpm "has ended"
        sleep 0.05
    done
}

keystore_answers() {
    ask_keystore keystore status >/dev/null 2>&1
}

keystore_start() {
    local directory=$home/keystored root=insecure-file deadline socket

    socket=$(keystore_socket)
    [ "${#socket}" -lt 108 ] || die "$socket is too long for a socket; choose a shorter STRONGROOM_HOME"
    if [ "$keystore_root" = tpm ]; then
        tpm_start
        root=tpm:$home/swtpm/tpm
    fi
    if ! daemon_runs keystored; then
        say "starting keystored (log: $directory/log)"
        (umask 077 && : >>"$directory/log")
        setsid nohup "$build/bin/keystored" --directory "$directory/board" --socket "$socket" --owner "$directory/owner.pem" \
            --root "$root" </dev/null >>"$directory/log" 2>&1 9>&- &
        pid=$!
        printf '%s %s\n' "$pid" "$(start_time "$pid" || echo 0)" >"$directory/pid"
    fi
    deadline=$((SECONDS + 60))
    until keystore_answers; do
        daemon_exec_seen keystored || daemon_failed keystored "has ended"
        [ "$SECONDS" -lt "$deadline" ] || daemon_failed keystored "does not answer at $socket"
        sleep 0.05
    done
}

# A security domain whose three holders are all this machine: for trying and developing (docs/ceremonies.md has it as people
# do it). Begun anew until its file is confirmed.
keystore_domain() {
    local directory=$home/keystored/holders name holders=()

    rm -rf "$directory"
    mkdir -m 0700 "$directory"
    for name in first second third; do
        "$build/bin/strongroom" holder create --name "$name" --bits 2048 --no-passphrase --key "$directory/$name.key" \
            --certificate "$directory/$name.pem" >/dev/null 9>&- || die "no holder"
        holders+=(--holder "$name=$directory/$name.pem")
    done
    ask_keystore domain create --name quickstart --required 2 "${holders[@]}" >/dev/null || die "no security domain"
    ask_keystore domain export --out "$directory/domain.json" >/dev/null || die "the domain has no file"
    ask_keystore domain confirm --domain "$directory/domain.json" >/dev/null || die "the domain is not confirmed"
}

# What makes it usable: a security domain once, a partition and an identity for each daemon.
keystore_provision() {
    local state

    state=$(ask_keystore keystore status --json | json_text state)
    case "$state" in
    provisioned) keystore_domain ;;
    operational) ;;
    *) die "the keystore is in state \"$state\"; see $home/keystored/log" ;;
    esac
}

keystore_partition() { # daemon
    local daemon=$1 directory=$home/$1

    make_link_identity "$daemon" "$directory" link
    if [ ! -e "$directory/partition" ]; then
        ask_keystore partition list | grep -q " $daemon " ||
            ask_keystore partition create --name "$daemon" --identity "$directory/link.pem" >/dev/null ||
            die "no partition for $daemon"
        : >"$directory/partition"
    fi
    cat >"$directory/pkcs11.conf.new" <<TEXT
# Written by quickstart at each run: where $daemon's token is.
socket = $(keystore_socket)
certificate = $directory/link.pem
key = $directory/link.key
keystore = $home/keystored/board/keystore.pem
TEXT
    mv "$directory/pkcs11.conf.new" "$directory/pkcs11.conf"
}

keystore_prepare() {
    mkdir -p -m 0700 "$home/keystored" "$home/keystored/board" "$home/swtpm"
    [ "$keystore_root" = tpm ] ||
        say "note: the keystore's root key lies in a plain file; for trying and developing only (--root tpm: in a TPM)"
    make_link_identity owner "$home/keystored" owner
    keystore_start
    keystore_provision
    keystore_partition managementd
    keystore_partition vaultd
}

keystore_stop() {
    [ "$token_kind" = keystore ] || return 0
    daemon_stop keystored
    [ "$keystore_root" != tpm ] || daemon_stop swtpm
}
