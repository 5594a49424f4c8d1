# texts.sh - base64url, and the configuration files that tests write. Sourced.
# shellcheck shell=bash

base64url() {
    base64 -w0 | tr '/+' '_-' | tr -d '='
}

unbase64url() {
    local text

    text=$(tr -d '\n' | tr '_-' '/+')
    while [ $((${#text} % 4)) -ne 0 ]; do text+='='; done
    printf '%s' "$text" | base64 -d
}

# Of a link to a keystore; both the CLI and the PKCS#11 module read it.
link_profile() { # socket, whose certificate and key (PATH.pem, PATH.key), the keystore's certificate
    printf 'socket = %s\ncertificate = %s.pem\nkey = %s.key\nkeystore = %s\n' "$1" "$2" "$2" "$3"
}

# Of a daemon, as far as `strongroom --config` wants to know a token. The directory is for what is not used.
token_configuration() { # directory, label, module, its configuration, file of the PIN
    cat <<TEXT
tenant_id = 11111111-2222-4333-8444-555555555555
token_label = $2
token_module = $3
token_config = $4
token_pin_file = $5
management_store = $1/management.db
vault_store = $1/vaults.db
audit_directory = $1/audit
certificate_file = $1/tls.pem
TEXT
}
