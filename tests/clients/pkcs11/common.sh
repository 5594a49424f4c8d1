# common.sh - what the clients of a PKCS#11 module share. Sourced by each; the token is the one that the environment names
# (tests/shell/token.sh). PINs go by files and environment, never by a command line.
# shellcheck shell=bash

: "${TOKEN_MODULE:?run tests/clients/pkcs11/run KIND}" "${TOKEN_LABEL:?}" "${TOKEN_PIN_FILE:?}" "${TOKEN_KIND:?}"

shell=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../shell" && pwd -P)
# shellcheck source=tests/shell/checks.sh
. "$shell/checks.sh"
# shellcheck source=tests/shell/processes.sh
. "$shell/processes.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-client.XXXXXX")
# shellcheck disable=SC2034 # checks.sh reads it: what passes on one token and not on the other is to be seen
tell_passes=1
remembered=()

# shellcheck disable=SC2317,SC2329 # by the trap
clean_up() {
    [ "${#remembered[@]}" -eq 0 ] || kill "${remembered[@]}" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT

# A process to be ended with this script.
remember() { # pid
    remembered+=("$1")
}

# Something that SoftHSM itself cannot do: said, and not counted. On any other token it is a check like every other.
check_but_softhsm() { # why, sentence, command...
    if [ "$TOKEN_KIND" = softhsm ]; then
        printf 'left    %s: %s\n' "$2" "$1"
    else
        check "${@:2}"
    fi
}

# pkcs11-tool, logged in.
tool() {
    PIN=$(cat "$TOKEN_PIN_FILE") pkcs11-tool --module "$TOKEN_MODULE" --token-label "$TOKEN_LABEL" --login --pin env:PIN "$@"
}

make_pair() { # type, id, label, further options
    tool --keypairgen --key-type "$1" --id "$2" --label "$3" "${@:4}"
}

# The public key of a pair as PEM, from what the token says about it. pkcs11-tool 0.23 knows no way to give out a P-384 key,
# so an EC key is put together here: a SubjectPublicKeyInfo's head by the curve, then the point.
public_pem() { # id, file
    local point head

    point=$(tool -O --type pubkey | awk -v id="$1" '
        $1 ~ /^Public/ { point = "" }
        $1 == "EC_POINT:" && point == "" && $2 ~ /^04/ { point = substr($2, 5) }
        $1 == "ID:" && $2 == id { print point }')
    case ${#point} in
    130) head=3059301306072a8648ce3d020106082a8648ce3d030107034200 ;;
    194) head=3076301006072a8648ce3d020106052b81040022036200 ;;
    *)
        tool --read-object --type pubkey --id "$1" -o "$work/public.der" &&
            openssl pkey -pubin -inform DER -in "$work/public.der" -out "$2"
        return
        ;;
    esac
    xxd -r -p <<<"$head$point" | openssl pkey -pubin -inform DER -out "$2"
}

# Wait until somebody listens on a port of 127.0.0.1, while the process lives.
wait_for_port() { # port, pid
    await_of "$2" port_answers "$1"
}

# An OpenSSL configuration with libp11's engine on the module; the engine reads the PIN from the file that each key's URI
# names (pin-source, RFC 7512, 2.3).
engine_configuration() { # file, [init]
    cat >"$1" <<TEXT
openssl_conf = top
[top]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $TOKEN_MODULE
init = ${2:-0}
[req]
distinguished_name = name
[name]
TEXT
}

key_uri() { # label
    printf 'pkcs11:token=%s;object=%s;type=private;pin-source=file:%s' "$TOKEN_LABEL" "$1" "$TOKEN_PIN_FILE"
}
