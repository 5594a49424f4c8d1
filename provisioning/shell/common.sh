# common.sh - what the parts of quickstart share. Sourced; expects $home and $checkout.
# shellcheck shell=bash

say() {
    printf '== %s\n' "$*" >&2
}

die() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

# The daemons and the CLI keep secrets in locked memory: 4 MiB each (firmware/base/secret.h).
check_memory_lock() {
    local need=4224 limit

    [ "$(id -u)" -ne 0 ] || return 0
    limit=$(ulimit -l)
    if [ "$limit" != unlimited ] && [ "$limit" -lt "$need" ]; then
        ulimit -l "$need" 2>/dev/null ||
            die "this user may lock $limit KiB of memory and the daemons need $need: raise memlock in \
/etc/security/limits.conf (or LimitMEMLOCK= of the unit that started this shell)"
    fi
}

# Clients find vaults by name. curl answers *.localhost by itself; other clients ask the system.
check_names() {
    if ! getent hosts "demo.vault.$domain" >/dev/null; then
        say "note: demo.vault.$domain does not resolve on this machine (libnss-myhostname is not in /etc/nsswitch.conf)."
        say "note: this script tells curl the address; for other clients add to /etc/hosts:"
        say "note:   127.0.0.1 vault.$domain demo.vault.$domain demo2.vault.$domain management.$domain login.$domain"
        resolve=(--resolve "*:$data_port:127.0.0.1" --resolve "*:$management_port:127.0.0.1")
    fi
}
resolve=()

# curl with what every request needs. More options may come on standard input when `--config -` is among the arguments:
# that is how secrets travel, never as an argument.
request() {
    curl --silent --show-error --cacert "$home/ca/ca.pem" --connect-timeout 5 --max-time 60 "${resolve[@]}" "$@"
}

# The text member of a flat JSON answer on standard input.
json_text() { # name
    sed -n 's/.*"'"$1"'"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p'
}
