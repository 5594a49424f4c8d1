# home.sh - the state directory: values fixed at the first run, tokens, certificates, configurations. Sourced.
# shellcheck shell=bash

domain=localhost
data_host=vault.$domain
management_host=management.$domain

home_open() {
    [ ! -L "$home" ] || die "$home is a symbolic link"
    mkdir -p "$home" && chmod 0700 "$home" || die "the state directory $home cannot be made"
    [ -O "$home" ] || die "the state directory $home belongs to another user"
    home=$(cd "$home" && pwd -P)
    mkdir -p -m 0700 "$home"/{ca,demo,store,vaultd,managementd}
}

# One quickstart at a time per state directory. Descriptor 9 is closed in every daemon.
home_lock() {
    exec 9>"$home/lock"
    flock --nonblock 9 || die "another quickstart is at work in $home"
}

random_guid() {
    cat /proc/sys/kernel/random/uuid
}

# One value of the file `values`; empty when it is not there.
value() { # name
    sed -n "s/^$1=//p" "$home/values" 2>/dev/null || true
}

set_values() {
    tenant=$(value tenant)
    subscription=$(value subscription)
    resource_group=$(value resource_group)
    client_id=$(value client_id)
    object_id=$(value object_id)
    data_port=$(value data_port)
    management_port=$(value management_port)
    token_module=$(value token_module)
    token_kind=$(value token_kind)
    keystore_root=$(value keystore_root)
    management_url=https://$management_host:$management_port
    login_url=https://login.$domain:$management_port
    data_url=https://$data_host:$data_port
    demo_url=https://demo.vault.$domain:$data_port
}

find_token_module() { # kind
    local path

    if [ "$1" = keystore ]; then
        path=$build/lib/libstrongroom-pkcs11.so
        [ -r "$path" ] || die "there is no $path"
        printf '%s\n' "$path"
        return
    fi
    for path in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
        if [ -r "$path" ]; then
            printf '%s\n' "$path"
            return
        fi
    done
    die "SoftHSM's module libsofthsm2.so is not there (package libsofthsm2)"
}

# Which token the home has is drawn once, too: keys do not move from one to the other by changing a word.
choose_token() {
    local kind=${wanted_token:-${STRONGROOM_TOKEN:-${token_kind:-keystore}}}
    local root=${wanted_root:-${STRONGROOM_KEYSTORE_ROOT:-${keystore_root:-insecure-file}}}

    # A home from before there was a choice has SoftHSM.
    [ -n "$token_kind" ] || [ -z "$tenant" ] || token_kind=softhsm
    case "$kind" in softhsm | keystore) ;; *) die "--token is softhsm or keystore, not \"$kind\"" ;; esac
    case "$root" in tpm | insecure-file) ;; *) die "--root is tpm or insecure-file, not \"$root\"" ;; esac
    if [ -n "$token_kind" ] && [ "$kind" != "$token_kind" ]; then
        [ -z "$wanted_token" ] || die "$home has its keys in $token_kind; take another STRONGROOM_HOME for $kind"
        kind=$token_kind
    fi
    if [ -n "$keystore_root" ] && [ "$root" != "$keystore_root" ]; then
        [ -z "$wanted_root" ] || die "the keystore of $home has its root key in $keystore_root"
        root=$keystore_root
    fi
    token_kind=$kind
    keystore_root=$root
}

# Ids are drawn once; ports and module may change from run to run, while the daemons are down.
home_values() {
    local module new=$home/values.new old_ports new_ports

    set_values
    choose_token
    module=${STRONGROOM_TOKEN_MODULE:-$(find_token_module "$token_kind")}
    old_ports="$data_port $management_port"
    (
        umask 077
        cat >"$new" <<TEXT
tenant=${tenant:-$(random_guid)}
subscription=${subscription:-$(random_guid)}
resource_group=${resource_group:-demo}
client_id=${client_id:-$(random_guid)}
object_id=${object_id:-$(random_guid)}
data_port=${STRONGROOM_DATA_PORT:-${data_port:-8443}}
management_port=${STRONGROOM_MANAGEMENT_PORT:-${management_port:-8444}}
token_module=$module
token_kind=$token_kind
keystore_root=$keystore_root
TEXT
    )
    new_ports=$(sed -n 's/^\(data\|management\)_port=//p' "$new" | paste -sd ' ')
    if [ "$old_ports" != "$new_ports" ] && { daemon_runs managementd || daemon_runs vaultd; }; then
        rm -f "$new"
        die "the daemons run with the ports $old_ports; \`quickstart down\` first"
    fi
    mv "$new" "$home/values"
    set_values
}

# For verbs that need a state directory that is already there.
home_load() {
    [ -s "$home/values" ] || die "there is no Strongroom in $home; \`quickstart up\` makes one"
    home=$(cd "$home" && pwd -P)
    set_values
}

write_config() { # daemon, further lines
    local daemon=$1 directory=$home/$1 token_config=$home/$1/softhsm2.conf

    [ "$token_kind" = softhsm ] || token_config=$directory/pkcs11.conf

    cat >"$directory/$daemon.conf.new" <<TEXT
# Written by quickstart at each run.
domain = $domain
data_port = $data_port
management_port = $management_port
tenant_id = $tenant
management_store = $home/store/management.db
audit_directory = $directory/audit
certificate_file = $directory/tls.pem
token_module = $token_module
token_label = strongroom-$daemon
token_pin_file = $directory/pin
token_config = $token_config
$2
TEXT
    mv "$directory/$daemon.conf.new" "$directory/$daemon.conf"
}

strongroom() { # daemon, arguments
    local daemon=$1

    shift
    "$build/bin/strongroom" "$@" --config "$home/$daemon/$daemon.conf" 9>&-
}

make_ca() {
    [ ! -s "$home/ca/ca.pem" ] || return 0
    say "a development certification authority"
    rm -f "$home/ca/ca.key"
    (umask 0277 && openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$home/ca/ca.key" 2>/dev/null) ||
        (umask 0277 && openssl ecparam -name prime256v1 -genkey -noout -out "$home/ca/ca.key") ||
        die "the certification authority's key cannot be made"
    cat >"$home/ca/ca.cnf" <<TEXT
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = Strongroom development CA $(random_guid | cut -c1-8)
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:$domain
TEXT
    openssl req -new -x509 -sha256 -days 3650 -config "$home/ca/ca.cnf" -key "$home/ca/ca.key" -out "$home/ca/ca.pem.new" ||
        die "the certification authority's certificate cannot be made"
    mv "$home/ca/ca.pem.new" "$home/ca/ca.pem"
}

# A certificate for the TLS key in the daemon's token; a new one a month before the old one ends.
make_certificate() { # daemon, names
    local daemon=$1 directory=$home/$1 name names=()

    shift
    if [ -s "$directory/tls.pem" ] && openssl x509 -noout -checkend 2592000 -in "$directory/tls.pem" >/dev/null; then
        return 0
    fi
    for name in "$@"; do
        names+=(--name "$name")
    done
    rm -f "$directory/tls.csr"
    strongroom "$daemon" tls request "${names[@]}" --out "$directory/tls.csr" ||
        die "$daemon: no certificate request"
    cat >"$directory/tls.cnf" <<TEXT
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
TEXT
    openssl x509 -req -sha256 -days 397 -in "$directory/tls.csr" -copy_extensions copy -extfile "$directory/tls.cnf" \
        -CA "$home/ca/ca.pem" -CAkey "$home/ca/ca.key" -CAcreateserial -out "$directory/tls.leaf" 2>"$directory/tls.err" ||
        die "$daemon: the certificate cannot be issued: $(cat "$directory/tls.err")"
    cat "$directory/tls.leaf" "$home/ca/ca.pem" >"$directory/tls.pem.new"
    mv "$directory/tls.pem.new" "$directory/tls.pem"
    rm -f "$directory/tls.leaf" "$directory/tls.err"
}

# Token, certificate, audit key of one daemon. A token has one owner: nothing of this while the daemon runs.
prepare_daemon() { # daemon, --authority or nothing, names
    local daemon=$1 authority=$2 directory=$home/$1
    local options=()

    shift 2
    if daemon_runs "$daemon"; then
        return 0
    fi
    [ -z "$authority" ] || options+=("$authority")
    mkdir -p -m 0700 "$directory/audit"
    strongroom "$daemon" token init "${options[@]}" >"$directory/token.txt" || die "$daemon: the token cannot be made"
    make_certificate "$daemon" "$@"
    strongroom "$daemon" audit key >"$directory/audit.pem.new" || die "$daemon: the audit key cannot be read"
    mv "$directory/audit.pem.new" "$directory/audit.pem"
}

# The demo service principal: its secret's file is written last, so what it has is whole.
make_principal() {
    local secret=$home/demo/client-secret

    [ -s "$secret" ] || rm -f "$secret"
    if [ ! -e "$secret" ]; then
        strongroom managementd application create --name "Strongroom demo" --client-id "$client_id" \
            --object-id "$object_id" --secret-file "$secret" >/dev/null 2>"$home/demo/error" ||
            strongroom managementd application add-secret --client-id "$client_id" --secret-file "$secret" ||
            die "the demo principal cannot be made: $(cat "$home/demo/error")"
    fi
    rm -f "$home/demo/error"
}

make_subscription() {
    [ ! -e "$home/demo/subscription" ] || return 0
    strongroom managementd subscription create --id "$subscription" --name "Strongroom demo" >/dev/null ||
        die "the demo subscription cannot be made"
    strongroom managementd group create --subscription "$subscription" --name "$resource_group" >/dev/null ||
        die "the demo resource group cannot be made"
    strongroom managementd role assign --principal "$object_id" --role Owner --scope "/subscriptions/$subscription" \
        >/dev/null || die "the demo principal cannot be made owner of the subscription"
    : >"$home/demo/subscription"
}

home_prepare() {
    umask 077
    write_config managementd ""
    write_config vaultd "vault_store = $home/store/vaults.db"
    make_ca
    [ "$token_kind" = softhsm ] || keystore_prepare
    say "tokens and certificates"
    prepare_daemon managementd --authority "$management_host" "login.$domain"
    prepare_daemon vaultd "" "$data_host" "*.$data_host"
    make_subscription
    make_principal
}
