# appliance.sh - an appliance of a test's own: a fresh state directory, free ports, both daemons. Sourced by the drivers here
# and in tests/integration; everything goes through provisioning/quickstart.
# shellcheck shell=bash

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
: "${STRONGROOM_HOME:=$checkout/.strongroom}"
export STRONGROOM_HOME
# shellcheck source=tests/shell/checks.sh
. "$checkout/tests/shell/checks.sh"
# shellcheck source=tests/shell/processes.sh
. "$checkout/tests/shell/processes.sh"
# shellcheck source=tests/shell/texts.sh
. "$checkout/tests/shell/texts.sh"

# A place for it: nothing is in it yet.
appliance_place() {
    STRONGROOM_HOME=$(mktemp -d "${TMPDIR:-/tmp}/strongroom-test.XXXXXX")
    STRONGROOM_DATA_PORT=$(free_port)
    STRONGROOM_MANAGEMENT_PORT=$(free_port)
    export STRONGROOM_HOME STRONGROOM_DATA_PORT STRONGROOM_MANAGEMENT_PORT
    kept=$STRONGROOM_HOME
}

# Make and start it; $STRONGROOM_HOME and everything `quickstart env` prints are set and exported then.
appliance_start() {
    appliance_place
    appliance_up && appliance_environment
}

# What `quickstart env` exports, and what follows from it.
appliance_environment() {
    eval "$("$checkout/provisioning/quickstart" env)"
    appliance_names
}

# What follows from those exports, where the environment has them already.
appliance_names() {
    export STRONGROOM_CLI="${STRONGROOM_BUILD:-$checkout/build/release}/bin/strongroom"
    export STRONGROOM_MANAGEMENT_CONFIG=$STRONGROOM_HOME/managementd/managementd.conf
    export NODE_EXTRA_CA_CERTS=${STRONGROOM_CA:?run tests/clients/run, or put the output of quickstart env into the environment}
    export vault_resource=https://vault.localhost:${STRONGROOM_VAULT_URL##*:}
    export vaults_url=$STRONGROOM_ARM_URL/subscriptions/$STRONGROOM_SUBSCRIPTION/resourceGroups
    vaults_url+=/$STRONGROOM_RESOURCE_GROUP/providers/Microsoft.KeyVault/vaults
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

# End it. With STRONGROOM_KEEP=1, or after a failure, the state stays for a look.
appliance_stop() {
    "$checkout/provisioning/quickstart" down >>"$STRONGROOM_HOME.out" 2>&1
    keeps || rm -rf "$STRONGROOM_HOME" "$STRONGROOM_HOME.out"
}

# An access token for a resource, on standard output. The secret goes to curl by standard input.
appliance_token() { # resource, [client id, client secret]
    local answer

    answer=$(printf 'data-urlencode = "client_id=%s"\ndata-urlencode = "client_secret=%s"\n' "${2:-$STRONGROOM_CLIENT_ID}" \
        "${3:-$STRONGROOM_CLIENT_SECRET}" | curl -sS --cacert "$STRONGROOM_CA" --config - -d grant_type=client_credentials \
        --data-urlencode "scope=$1/.default" "$STRONGROOM_AUTHORITY/$STRONGROOM_TENANT/oauth2/v2.0/token") || return
    jq -er .access_token <<<"$answer"
}
