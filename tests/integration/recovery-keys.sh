# recovery-keys.sh - keys of a vault and keys of a token, and their signatures, checked by openssl. Sourced by recovery-drill.
# shellcheck shell=bash

rest() { # method, path, [body]
    printf 'header = "authorization: Bearer %s"\n' "$access" |
        curl -sS --fail-with-body --http2 --cacert "$STRONGROOM_CA" --max-time 30 --config - -H 'content-type: application/json' \
            -X "$1" "$STRONGROOM_VAULT_URL/keys/$2?api-version=${api_version:-7.4}" ${3:+-d "$3"}
}

# The public half of a vault's key as PEM, made from its JWK by openssl alone.
rsa_public() { # name
    {
        printf 'asn1=SEQUENCE:key\n[key]\nn=INTEGER:0x%s\n' "$(jq -r .key.n "$1.jwk" | unbase64url | xxd -p | tr -d '\n')"
        printf 'e=INTEGER:0x%s\n' "$(jq -r .key.e "$1.jwk" | unbase64url | xxd -p | tr -d '\n')"
    } >"$1.asn1"
    openssl asn1parse -genconf "$1.asn1" -noout -out "$1.der" >/dev/null &&
        openssl rsa -RSAPublicKey_in -inform DER -in "$1.der" -pubout -out "$1.pub" 2>/dev/null
}

elliptic_public() { # name
    {
        printf '3059301306072a8648ce3d020106082a8648ce3d03010703420004'
        jq -r .key.x "$1.jwk" | unbase64url | xxd -p
        jq -r .key.y "$1.jwk" | unbase64url | xxd -p
    } | xxd -r -p | openssl pkey -pubin -inform DER -out "$1.pub"
}

rest_signs() { # name, algorithm
    local value

    printf 'signed by %s at %s\n' "$1" "$(date +%s.%N)" >message
    value=$(openssl dgst -sha256 -binary message | base64url)
    value=$(rest POST "$1/sign" "{\"alg\":\"$2\",\"value\":\"$value\"}" | jq -er .value) || return 1
    case "$2" in
    ES256) unbase64url <<<"$value" | site signature_to_der >signature ;;
    *) unbase64url <<<"$value" >signature ;;
    esac
    openssl dgst -sha256 -verify "$1.pub" -signature signature message
}

log_in() {
    access=$(appliance_token "$vault_resource") && [ -n "$access" ]
}

module() { # pkcs11-tool's arguments; as the client of the partition "tenant"
    STRONGROOM_PKCS11_CONF=$work/tenant.module PIN=$(cat tenant.pin/user) pkcs11-tool \
        --module "$STRONGROOM_BUILD/lib/libstrongroom-pkcs11.so" --login --pin env:PIN "$@"
}

token_signs() {
    rm -f signature
    date +%s.%N >message
    module --sign --mechanism ECDSA-SHA256 --signature-format openssl --id 01 -i message -o signature &&
        openssl dgst -sha256 -verify token.pub -signature signature message
}

sealed() { # verb, files
    STRONGROOM_PKCS11_CONF=$work/tenant.module "$STRONGROOM_BUILD/tests/sealed_key" "$1" \
        "$STRONGROOM_BUILD/lib/libstrongroom-pkcs11.so" strongroom-tenant tenant.pin/user "${@:2}"
}

sealed_signs() {
    rm -f signature
    date +%s.%N >message
    sealed sign sealed.blob message signature && openssl dgst -sha256 -keyform DER -verify sealed.der -signature signature message
}
