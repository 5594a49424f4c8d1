# appliance.sh - an appliance of a test's own: a fresh state directory, free ports, both daemons. Sourced by the drivers here
# and in tests/integration; everything goes through provisioning/quickstart.
# shellcheck shell=bash

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
: "${STRONGROOM_HOME:=$checkout/.strongroom}"
export STRONGROOM_HOME

free_port() {
    local port

    while :; do
        port=$((20000 + RANDOM % 20000))
        if ! { : <"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

# Make and start it; $STRONGROOM_HOME and everything `quickstart env` prints are set and exported then.
appliance_start() {
    STRONGROOM_HOME=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-test.XXXXXX")
    STRONGROOM_DATA_PORT=$(free_port)
    STRONGROOM_MANAGEMENT_PORT=$(free_port)
    export STRONGROOM_DATA_PORT STRONGROOM_MANAGEMENT_PORT
    appliance_up || return
    eval "$("$checkout/provisioning/quickstart" env)"
    appliance_names
}

# What follows from the exports of `quickstart env` and from $STRONGROOM_HOME.
appliance_names() {
    export STRONGROOM_CLI="${STRONGROOM_BUILD:-$checkout/build/release}/bin/strongroom"
    export STRONGROOM_MANAGEMENT_CONFIG=$STRONGROOM_HOME/managementd/managementd.conf
    export NODE_EXTRA_CA_CERTS=${STRONGROOM_CA:?run tests/clients/run, or put the output of quickstart env into the environment}
    export vault_resource=https://vault.localhost:${STRONGROOM_VAULT_URL##*:}
}

# Start what is not running.
appliance_up() {
    if ! "$checkout/provisioning/quickstart" up >"$STRONGROOM_HOME.out" 2>&1; then
        tail -n 30 "$STRONGROOM_HOME.out" >&2
        return 1
    fi
}

appliance_pid() { # daemon
    local pid rest

    # shellcheck disable=SC2034 # the start time behind the pid
    read -r pid rest <"$STRONGROOM_HOME/$1/pid" && printf '%s\n' "$pid"
}

# End it. With STRONGROOM_KEEP=1, or after a failure ("keep"), the state stays for a look.
appliance_stop() { # [keep]
    "$checkout/provisioning/quickstart" down >>"$STRONGROOM_HOME.out" 2>&1
    if [ "${1:-}" = keep ] || [ "${STRONGROOM_KEEP:-0}" = 1 ]; then
        printf 'the appliance and its logs are in %s\n' "$STRONGROOM_HOME" >&2
    else
        rm -rf "$STRONGROOM_HOME" "$STRONGROOM_HOME.out"
    fi
}

# An access token for a resource, on standard output. The secret goes to curl by standard input.
appliance_token() { # resource, [client id, client secret]
    local answer

    answer=$(printf 'data-urlencode = "client_id=%s"\ndata-urlencode = "client_secret=%s"\n' "${2:-$STRONGROOM_CLIENT_ID}" \
        "${3:-$STRONGROOM_CLIENT_SECRET}" | curl -sS --cacert "$STRONGROOM_CA" --config - -d grant_type=client_credentials \
        --data-urlencode "scope=$1/.default" "$STRONGROOM_AUTHORITY/$STRONGROOM_TENANT/oauth2/v2.0/token") || return
    jq -er .access_token <<<"$answer"
}

# Counting. `check` runs a command; what it prints is shown when it fails.
passed=0
failed=0

check() { # sentence, command...
    local sentence=$1 output

    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$sentence"
        [ -z "$output" ] || printf '%s\n' "$output" | head -c 3000 | sed 's/^/    /'
    fi
}

totals() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}
