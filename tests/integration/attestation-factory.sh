# attestation-factory.sh - a board that nobody owns yet; what the factory and the keystore refuse to certify or take.
# Sourced by attestation at its place: the checks run as they stand, on what it has set up.
# shellcheck shell=bash

# --- a board that nobody owns yet ---

start_in_factory() { # directory, further options
    keystored_up "$TOKEN_DIRECTORY/$1" --directory "$TOKEN_DIRECTORY/$1" --root insecure-file "${@:2}"
}

# Certified by the one that --factory names, who is nobody any more once it has an owner; its certificates stay.
certified_while_new() {
    local maker=(--socket "$TOKEN_DIRECTORY/new/keystore.sock" --certificate maker.pem --key maker.key --keystore new/keystore.pem)
    local mine=(--socket "$TOKEN_DIRECTORY/new/keystore.sock" --certificate owner.pem --key owner.key --keystore new/keystore.pem)
    local code=1

    mkdir -m 0700 new && token_certificate maker "a maker" && start_in_factory new --factory maker.pem || return
    "$strongroom" factory device "${maker[@]}" --out new.json && certify new.json SN-7 --out new.chain &&
        "$strongroom" factory install "${maker[@]}" --chain new.chain &&
        "$strongroom" attest create "${maker[@]}" --nonce "$nonce" --out new.factory &&
        ! "$strongroom" attest create "${mine[@]}" --nonce "$nonce" --out no.json && code=0
    background_end "$TOKEN_DIRECTORY/new"
    [ "$code" -eq 0 ] && start_in_factory new --factory maker.pem --owner owner.pem || return 1
    "$strongroom" attest create "${mine[@]}" --nonce "$nonce" --out new.owned &&
        ! "$strongroom" attest create "${maker[@]}" --nonce "$nonce" --out no.json
    code=$?
    background_end "$TOKEN_DIRECTORY/new"
    return "$code"
}

check "a board without an owner is certified by its factory, and by nobody afterwards" certified_while_new
printf '{%s,"states":["factory"],"serialNumber":"SN-7"}' "$values" >factory.expect
believed "it says what it is before it has an owner" new.factory "$nonce" factory.expect
printf '{%s,"states":["provisioned"],"serialNumber":"SN-7"}' "$values" >new.expect
believed "and afterwards, with the same certificates" new.owned "$nonce" new.expect
disbelieved state "the keystore is in state factory" "one that says it is new is not taken for another" new.factory "$nonce" \
    new.expect

# --- what the factory and the keystore refuse ---

check "a chain of another device is not installed" fails "$strongroom" factory install "${link[@]}" --chain soft.chain
check "a certificate that is nobody's CA certifies nothing" fails "$strongroom" factory certify --ca soft.leaf --ca-key soft.key \
    --device device.json --serial SN-6 --board sim --out no.pem
check "a CA's key that is another's certifies nothing" fails "$strongroom" factory certify --ca ca.pem --ca-key ca2.key \
    --device device.json --serial SN-6 --board sim --out no.pem
check "a certificate that is not self-signed is no device's" fails certify soft.leaf SN-6 --out no.pem
says() { # message, command: it is refused, with just this message
    local came

    came=$("${@:2}" 2>&1) && return 1
    [ "$came" = "strongroom: $1" ] || { printf '%s\n' "$came"; return 1; }
}

quoting() { # public key in DER, out: a device that names it as its TPM's
    jq --arg key "$(base64 -w 0 "$1" | tr '+/' '-_' | tr -d '=')" '.quoteKey = $key' soft.json >"$2"
}

no_quote_key() { # public key in DER
    quoting "$1" quoting.json && says "factory certify: quoting.json: its quote key is no P-256 key of a TPM" \
        certify quoting.json SN-6 --out no.pem && [ ! -e no.pem ]
}
public() { # options of genpkey
    openssl genpkey "${@:2}" -outform DER 2>/dev/null | openssl pkey -inform DER -pubout -outform DER >"$1"
}
public rsa.spki -algorithm RSA -pkeyopt rsa_keygen_bits:2048
public p384.spki -algorithm EC -pkeyopt ec_paramgen_curve:P-384
public p256.spki -algorithm EC -pkeyopt ec_paramgen_curve:P-256
public explicit.spki -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
(cat p256.spki && printf 'x') >longer.spki
openssl pkey -in soft.key -pubout -outform DER >own.spki
check "an RSA key for quotes" no_quote_key rsa.spki
check "one of another curve" no_quote_key p384.spki
check "one with its curve spelt out" no_quote_key explicit.spki
check "one with a byte behind it" no_quote_key longer.spki
check "the device's own" no_quote_key own.spki
check "one that is a TPM's is certified" eval 'quoting p256.spki quoting.json && certify quoting.json SN-6 --out quoting.chain'

no_orphan() { # certificate, why not
    says "factory init-ca: $1: $2" "$strongroom" factory init-ca --name orphan --key orphan.key --certificate "$1" \
        --no-passphrase && [ ! -e orphan.key ]
}
: >taken.pem
check "no CA's key is left without its certificate, whose name is taken" no_orphan taken.pem \
    "exists already, and nothing is replaced"
check "or has no place" no_orphan nowhere/ca.pem "there is no such directory"
check "or is that of the key" no_orphan orphan.key "two results cannot be one file"

check "a CA for ten days" "$strongroom" factory init-ca --name short --key ca10.key --certificate ca10.pem --no-passphrase --days 10
under() { # CA, further options
    "$strongroom" factory certify --ca "$1.pem" --ca-key "$1.key" --device device.json --serial SN-6 --board sim \
        --out "$1.out" "${@:2}"
}
ends="factory certify: the CA's certificate ends before the device's would: fewer --days, or another CA"
check "certifies nobody for twenty years" says "$ends" under ca10
check "nor for eleven days" says "$ends" under ca10 --days 11
check "for nine it does" under ca10 --days 9
cp ca.key ended.key
ended_ca() { # a CA of the year 2020
    cat >ended.cnf <<'TEXT'
[ca]
default_ca = here
[here]
new_certs_dir = .
database = ended.index
policy = policy
default_md = sha256
rand_serial = yes
x509_extensions = ca_extensions
[policy]
commonName = supplied
[ca_extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
TEXT
    : >ended.index
    openssl req -new -key ended.key -subj /CN=ended -out ended.csr && openssl ca -batch -notext -config ended.cnf -selfsign \
        -keyfile ended.key -in ended.csr -startdate 200101000000Z -enddate 210101000000Z -out ended.pem
}
check "a CA that has ended" ended_ca
check "one that has ended certifies nobody" says "factory certify: the CA's certificate has ended" under ended --days 1

check "a nonce that is too short" fails "$strongroom" attest create "${link[@]}" --nonce 00112233 --out no.json
printf 'a passphrase\n' >passphrase && chmod 0400 passphrase
check "a CA's key lies under a passphrase" "$strongroom" factory init-ca --name third --key ca3.key --certificate ca3.pem \
    --passphrase-file passphrase
check "as openssl finds, too" openssl pkey -in ca3.key -passin "file:passphrase" -noout
check "which opens it" "$strongroom" factory certify --ca ca3.pem --ca-key ca3.key --passphrase-file passphrase \
    --device device.json --serial SN-6 --board sim --out third.chain
printf 'another one\n' >wrong && chmod 0400 wrong
check "and no other does" fails "$strongroom" factory certify --ca ca3.pem --ca-key ca3.key --passphrase-file wrong \
    --device device.json --serial SN-6 --board sim --out no.pem
