# demo.sh - what a new user sees first: vaults made through ARM, a signature over HTTP/2, lines to paste. Sourced.
# Secrets reach curl by files and standard input alone: other users can read argument lists.
# shellcheck shell=bash

data_api=7.4
vault_api=2023-07-01
key_name=quickstart

from_hex() { # hexadecimal digits
    local escaped

    escaped=$(printf '%s' "$1" | sed 's/../\\x&/g')
    # shellcheck disable=SC2059 # the format is the bytes
    printf "$escaped"
}

to_hex() {
    od -An -v -tx1 | tr -d ' \n'
}

from_base64url() { # text
    local text=$1

    text=$(printf '%s' "$text" | tr '_-' '/+')
    while [ $((${#text} % 4)) -ne 0 ]; do
        text+='='
    done
    printf '%s' "$text" | base64 --decode
}

to_base64url() {
    base64 --wrap=0 | tr '/+' '_-' | tr -d '='
}

# An access token for a resource, in $access_token.
log_in() { # resource
    local answer

    answer=$(printf 'grant_type=client_credentials&client_id=%s&client_secret=%s' "$client_id" \
        "$(cat "$home/demo/client-secret")" |
        request --data @- --data-urlencode "scope=$1/.default" "$login_url/$tenant/oauth2/v2.0/token") ||
        die "the authority at $login_url does not answer; log: $home/managementd/log"
    access_token=$(json_text access_token <<<"$answer")
    [ -n "$access_token" ] || die "no access token for $1: $answer (log: $home/managementd/log)"
}

# A request with the access token; the answer's body in $body, its status in $status, the protocol in $protocol.
call() { # method, url, curl's further arguments
    local method=$1 url=$2 answer

    shift 2
    answer=$(printf 'header = "Authorization: Bearer %s"\n' "$access_token" |
        request --config - --request "$method" --header 'content-type: application/json' \
            --write-out '\n%{http_code} %{http_version}' "$@" "$url") || die "$method $url: no answer"
    body=${answer%$'\n'*}
    read -r status protocol <<<"${answer##*$'\n'}"
}

create_vault() { # name
    local id="/subscriptions/$subscription/resourceGroups/$resource_group/providers/Microsoft.KeyVault/vaults/$1"

    call GET "$management_url$id?api-version=$vault_api"
    [ "$status" != 200 ] || return 0
    say "creating vault $1 through the ARM API"
    call PUT "$management_url$id?api-version=$vault_api" --data-binary "$(
        cat <<TEXT
{"location":"local","properties":{"tenantId":"$tenant","sku":{"family":"A","name":"premium"},
 "enableRbacAuthorization":false,"enableSoftDelete":true,"accessPolicies":[{"tenantId":"$tenant","objectId":"$object_id",
 "permissions":{"keys":["all","purge"],"secrets":["all","purge"],"certificates":["all","purge"]}}]}}
TEXT
    )"
    case "$status" in
    200 | 201 | 202) ;;
    *) die "vault $1 cannot be made: $status $body (log: $home/managementd/log)" ;;
    esac
}

# Until the data plane knows the vault, which takes up to a second.
await_vault() { # vault URL
    local deadline=$((SECONDS + 20))

    until call GET "$1/keys?api-version=$data_api" && [ "$status" = 200 ]; do
        [ "$SECONDS" -lt "$deadline" ] || die "$1 does not list its keys: $status $body (log: $home/vaultd/log)"
        sleep 0.1
    done
}

# The P-256 public key of a JSON Web Key as PEM: a fixed SubjectPublicKeyInfo header, then the point.
write_public_key() { # file
    local x y

    x=$(from_base64url "$(json_text x <<<"$body")" | to_hex)
    y=$(from_base64url "$(json_text y <<<"$body")" | to_hex)
    [ "${#x}${#y}" = 6464 ] || die "the key's coordinates are not those of P-256: $body"
    from_hex "3059301306072a8648ce3d020106082a8648ce3d03010703420004$x$y" |
        openssl pkey -pubin -inform DER -out "$1.new" || die "the public key is not valid"
    mv "$1.new" "$1"
}

# The demo key; its public half is kept from the first run on, so that later runs prove that it is still the same key.
find_key() {
    local pem=$home/demo/$key_name.pem

    call GET "$demo_url/keys/$key_name?api-version=$data_api"
    if [ "$status" = 200 ]; then
        say "the key $key_name of an earlier run is still there"
    else
        call POST "$demo_url/keys/$key_name/create?api-version=$data_api" \
            --data-binary '{"kty":"EC-HSM","crv":"P-256","key_ops":["sign","verify"]}'
        [ "$status" = 200 ] || die "the key cannot be created: $status $body (log: $home/vaultd/log)"
        say "created the EC key $key_name (P-256) in vault demo"
        rm -f "$pem"
    fi
    [ -s "$pem" ] || write_public_key "$pem"
}

# DER integer of a positive number in hexadecimal (X.690, 8.3): no needless zero bytes, none that makes it negative.
der_integer() { # hexadecimal digits
    local n=$1

    while [ "${#n}" -gt 2 ] && [ "${n:0:2}" = 00 ]; do
        n=${n:2}
    done
    case "${n:0:1}" in [89a-f]) n=00$n ;; esac
    printf '02%02x%s' $((${#n} / 2)) "$n"
}

# r || s (RFC 7518, 3.4) to the DER that OpenSSL reads.
signature_to_der() {
    local hex r s

    hex=$(to_hex)
    [ "${#hex}" -eq 128 ] || die "the signature has not 64 bytes"
    r=$(der_integer "${hex:0:64}")
    s=$(der_integer "${hex:64}")
    from_hex "30$(printf '%02x' $(((${#r} + ${#s}) / 2)))$r$s"
}

sign_and_verify() {
    local message=$home/demo/message signature=$home/demo/signature.der digest verdict value

    printf 'signed by Strongroom at %s\n' "$(date --utc +%FT%TZ)" >"$message"
    digest=$(openssl dgst -sha256 -binary "$message" | to_base64url)
    call POST "$demo_url/keys/$key_name/sign?api-version=$data_api" --http2 \
        --data-binary "{\"alg\":\"ES256\",\"value\":\"$digest\"}"
    [ "$status" = 200 ] || die "signing: $status $body (log: $home/vaultd/log)"
    [ "$protocol" = 2 ] || die "the signature came over HTTP/$protocol, not HTTP/2"
    value=$(json_text value <<<"$body")
    from_base64url "$value" | signature_to_der >"$signature"
    say "signed a SHA-256 digest over HTTP/$protocol: $value"
    verdict=$(openssl dgst -sha256 -verify "$home/demo/$key_name.pem" -signature "$signature" "$message" 2>&1) ||
        die "openssl does not accept the signature: $verdict"
    say "openssl dgst -sha256 -verify:"
    printf '%s\n' "$verdict"
}

demo_run() {
    log_in "$management_url"
    create_vault demo
    create_vault demo2
    log_in "$data_url"
    await_vault "$demo_url"
    find_key
    sign_and_verify
}

demo_env() {
    local name

    STRONGROOM_VAULT_URL=$demo_url
    STRONGROOM_ARM_URL=$management_url
    STRONGROOM_AUTHORITY=$login_url
    STRONGROOM_TENANT=$tenant
    STRONGROOM_CLIENT_ID=$client_id
    STRONGROOM_CLIENT_SECRET=$(cat "$home/demo/client-secret") || die "there is no demo principal yet; \`quickstart up\`"
    STRONGROOM_OBJECT_ID=$object_id
    STRONGROOM_SUBSCRIPTION=$subscription
    STRONGROOM_RESOURCE_GROUP=$resource_group
    STRONGROOM_CA=$home/ca/ca.pem
    STRONGROOM_TOKEN_MODULE=$token_module
    for name in VAULT_URL ARM_URL AUTHORITY TENANT CLIENT_ID CLIENT_SECRET OBJECT_ID SUBSCRIPTION RESOURCE_GROUP CA \
        TOKEN_MODULE; do
        name=STRONGROOM_$name
        printf 'export %s=%q\n' "$name" "${!name}"
    done
}

demo_hints() {
    local self

    self=$(printf '%q' "$checkout/provisioning/quickstart")
    cat <<TEXT

Strongroom runs. Its state is in $home; \`$self down\` ends it.

Put its names into a shell first:
  eval "\$($self env)"
  export NODE_EXTRA_CA_CERTS=\$STRONGROOM_CA REQUESTS_CA_BUNDLE=\$STRONGROOM_CA SSL_CERT_FILE=\$STRONGROOM_CA

az (2.74 or newer):
  az cloud register -n Strongroom --endpoint-resource-manager "\$STRONGROOM_ARM_URL" && az cloud set -n Strongroom
  az config set core.instance_discovery=false
  az login --service-principal -u "\$STRONGROOM_CLIENT_ID" -p @$(printf '%q' "$home/demo/client-secret") \\
      --tenant "\$STRONGROOM_TENANT"
  az keyvault key list --vault-name demo

JavaScript (npm install @azure/identity @azure/keyvault-keys):
  import { ClientSecretCredential } from "@azure/identity";
  import { KeyClient, CryptographyClient } from "@azure/keyvault-keys";
  const e = process.env;
  const credential = new ClientSecretCredential(e.STRONGROOM_TENANT, e.STRONGROOM_CLIENT_ID, e.STRONGROOM_CLIENT_SECRET,
    { authorityHost: e.STRONGROOM_AUTHORITY, disableInstanceDiscovery: true });
  const key = await new KeyClient(e.STRONGROOM_VAULT_URL, credential).createEcKey("js", { curve: "P-256" });
  console.log(await new CryptographyClient(key.id, credential).signData("ES256", Buffer.from("hello")));

Python (pip install azure-identity azure-keyvault-keys):
  import os
  from azure.identity import ClientSecretCredential
  from azure.keyvault.keys import KeyClient
  e = os.environ
  credential = ClientSecretCredential(e["STRONGROOM_TENANT"], e["STRONGROOM_CLIENT_ID"], e["STRONGROOM_CLIENT_SECRET"],
      authority=e["STRONGROOM_AUTHORITY"], disable_instance_discovery=True)
  print(KeyClient(e["STRONGROOM_VAULT_URL"], credential).create_ec_key("python", curve="P-256").id)
TEXT
}
