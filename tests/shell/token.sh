# token.sh - a throw-away token for a test: SoftHSM's or our own keystore. Sourced.
#   token_up softhsm|keystore LABEL [strict|compatible]
#   token_restart                kill -9 and start again the keystore; nothing to do for SoftHSM
#   token_down                   end what was started, by its pid, and remove the directory
#   token_stop, token_start      the halves of token_restart
# With it come processes.sh and texts.sh.
# After token_up: TOKEN_KIND, TOKEN_MODULE (the .so), TOKEN_LABEL, TOKEN_PIN_FILE, TOKEN_SO_PIN_FILE (random PINs, mode
# 0400), TOKEN_DIRECTORY, and SOFTHSM2_CONF or STRONGROOM_PKCS11_CONF, exported. For the keystore also TOKEN_PID and
# TOKEN_RESTART: a program with the argument "stop", "start" or "restart", for tests that want to see it die.
# STRONGROOM_BUILD names the build directory (default: build/dev of the checkout). TOKEN_ROOT=tpm has the keystore keep
# its root key in a swtpm rather than in a file.
# shellcheck shell=bash

token_checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
STRONGROOM_BUILD=${STRONGROOM_BUILD:-$token_checkout/build/dev}
export STRONGROOM_BUILD
# shellcheck source=tests/shell/processes.sh
. "$token_checkout/tests/shell/processes.sh"
# shellcheck source=tests/shell/texts.sh
. "$token_checkout/tests/shell/texts.sh"

token_say() {
    printf 'token: %s\n' "$*" >&2
}

# A PIN of 24 hex digits in a file that only its owner reads.
token_random_pin() { # file
    (umask 0377 && od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$1")
}

# A self-signed P-256 certificate that is good for both ends of TLS.
token_certificate() { # name, common name
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$2" \
        -keyout "$TOKEN_DIRECTORY/$1.key" -out "$TOKEN_DIRECTORY/$1.pem" 2>"$TOKEN_DIRECTORY/openssl.log") || {
        cat "$TOKEN_DIRECTORY/openssl.log" >&2
        return 1
    }
}

# The TPM is a directory's, so it stays while the keystore is killed and started.
token_start() {
    local root=insecure-file

    [ "$TOKEN_KIND" = keystore ] || return 0
    if [ "${TOKEN_ROOT:-}" = tpm ]; then
        tpm_up "$TOKEN_DIRECTORY/tpm" || return 1
        root=tpm:$TOKEN_DIRECTORY/tpm.socket
    fi
    rm -f "$TOKEN_SOCKET"
    keystored_up "$TOKEN_DIRECTORY/keystored" --directory "$TOKEN_DIRECTORY/keystore" --owner "$TOKEN_DIRECTORY/owner.pem" \
        --root "$root" || { token_say "keystored did not start"; return 1; }
    TOKEN_PID=$(cat "$TOKEN_DIRECTORY/keystored.pid")
    export TOKEN_PID
}

token_stop() {
    [ "$TOKEN_KIND" = keystore ] || return 0
    background_end "$TOKEN_DIRECTORY/keystored" KILL
}

token_restart() {
    token_stop && token_start
}

# The owner's commands, from the command line interface.
token_owner() { # noun, verb, options
    "$STRONGROOM_BUILD/bin/strongroom" "$@" --socket "$TOKEN_SOCKET" --certificate "$TOKEN_DIRECTORY/owner.pem" \
        --key "$TOKEN_DIRECTORY/owner.key" --keystore "$TOKEN_DIRECTORY/keystore/keystore.pem" \
        >>"$TOKEN_DIRECTORY/owner.log" 2>&1 || {
        token_say "strongroom $*"
        tail -n 20 "$TOKEN_DIRECTORY/owner.log" "$TOKEN_DIRECTORY/keystored.log" >&2
        return 1
    }
}

# Its security domain, of three holders who keep their keys in the test's directory.
token_domain() {
    local holder holders=()

    for holder in one two three; do
        "$STRONGROOM_BUILD/bin/strongroom" holder create --name "$holder" --bits 2048 --no-passphrase \
            --key "$TOKEN_DIRECTORY/holder-$holder.key" --certificate "$TOKEN_DIRECTORY/holder-$holder.pem" \
            >>"$TOKEN_DIRECTORY/owner.log" 2>&1 || return 1
        holders+=(--holder "$holder=$TOKEN_DIRECTORY/holder-$holder.pem")
    done
    token_owner domain create --name test --required 2 "${holders[@]}" &&
        token_owner domain export --out "$TOKEN_DIRECTORY/domain.json" &&
        token_owner domain confirm --domain "$TOKEN_DIRECTORY/domain.json"
}

token_restart_program() {
    TOKEN_RESTART=$TOKEN_DIRECTORY/restart
    export TOKEN_RESTART
    cat >"$TOKEN_RESTART" <<TEXT
#!/usr/bin/env bash
. "$token_checkout/tests/shell/token.sh"
case "\$1" in
stop) token_stop ;;
start) token_start ;;
restart) token_restart ;;
esac
TEXT
    chmod 0700 "$TOKEN_RESTART"
}

token_up_keystore() { # policy
    TOKEN_MODULE=$STRONGROOM_BUILD/lib/libstrongroom-pkcs11.so
    TOKEN_SOCKET=$TOKEN_DIRECTORY/keystore/keystore.sock
    export TOKEN_SOCKET
    if [ ! -x "$STRONGROOM_BUILD/bin/keystored" ] || [ ! -e "$TOKEN_MODULE" ]; then
        token_say "there is no keystored or no module in $STRONGROOM_BUILD"
        return 1
    fi
    mkdir -m 0700 "$TOKEN_DIRECTORY/keystore"
    token_certificate owner "owner of the test" && token_certificate client "client of the test" && token_start &&
        token_domain &&
        token_owner partition create --name "$TOKEN_LABEL" --policy "$1" --identity "$TOKEN_DIRECTORY/client.pem" || return 1
    STRONGROOM_PKCS11_CONF=$TOKEN_DIRECTORY/module.conf
    export STRONGROOM_PKCS11_CONF
    link_profile "$TOKEN_SOCKET" "$TOKEN_DIRECTORY/client" "$TOKEN_DIRECTORY/keystore/keystore.pem" >"$STRONGROOM_PKCS11_CONF"
    token_restart_program
}

token_up_softhsm() {
    local at

    for at in /usr/lib/softhsm /usr/lib/*/softhsm /usr/local/lib/softhsm; do
        TOKEN_MODULE=$at/libsofthsm2.so
        [ ! -e "$TOKEN_MODULE" ] || break
    done
    mkdir -m 0700 "$TOKEN_DIRECTORY/tokens"
    SOFTHSM2_CONF=$TOKEN_DIRECTORY/softhsm2.conf
    export SOFTHSM2_CONF
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$TOKEN_DIRECTORY/tokens" \
        >"$SOFTHSM2_CONF"
}

token_up() { # softhsm|keystore, label, policy
    TOKEN_KIND=$1
    TOKEN_LABEL=$2
    unset TOKEN_RESTART TOKEN_PID TOKEN_SOCKET SOFTHSM2_CONF STRONGROOM_PKCS11_CONF
    TOKEN_DIRECTORY=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-token-XXXXXX") || return 1
    TOKEN_PIN_FILE=$TOKEN_DIRECTORY/pin
    TOKEN_SO_PIN_FILE=$TOKEN_DIRECTORY/so-pin
    token_random_pin "$TOKEN_PIN_FILE" && token_random_pin "$TOKEN_SO_PIN_FILE" || return 1
    export TOKEN_KIND TOKEN_LABEL TOKEN_DIRECTORY TOKEN_PIN_FILE TOKEN_SO_PIN_FILE
    case "$TOKEN_KIND" in
    softhsm) token_up_softhsm ;;
    keystore) token_up_keystore "${3:-strict}" ;;
    *) token_say "no token of the kind \"$TOKEN_KIND\""; return 2 ;;
    esac || return 1
    export TOKEN_MODULE
    "$STRONGROOM_BUILD/bin/token_init" || {
        token_say "the token could not be initialised"
        return 1
    }
}

token_down() {
    [ -n "${TOKEN_DIRECTORY:-}" ] || return 0
    background_end "$TOKEN_DIRECTORY/keystored" KILL
    background_end "$TOKEN_DIRECTORY/tpm" KILL
    rm -rf "$TOKEN_DIRECTORY"
    unset TOKEN_DIRECTORY
}
