# attestation-device.sh - a device that lies: what it signs itself, packed as a board leaves it, and quotes of its TPM.
# Sourced by attestation at its place: the checks run as they stand, on what it has set up.
# shellcheck shell=bash

# --- a device that lies ---

forge soft0.json edited.json reverse sign:soft.key quote:soft.tpm
disbelieved form "the statement has bytes that do not belong to it" "fields in another order" edited.json "$nonce" box.json
for field in 5 14 18; do # time, security counter, audit records
    forge soft0.json edited.json "set:$field=int:9223372036854775808" sign:soft.key quote:soft.tpm
    disbelieved form "the statement has a number that is too large" \
        "a number that no clock and no counter has: $field" edited.json "$nonce" box.json
done
forge soft0.json edited.json set:9=int:1 sign:soft.key quote:soft.tpm
disbelieved hardware "the statement says hardware, the certificate simulated" \
    "a simulator that claims to be hardware" edited.json "$nonce" box.json
forge soft0.json edited.json set:8=text:riscv sign:soft.key quote:soft.tpm
disbelieved board 'the statement says "riscv", the certificate "sim"' "a board that claims to be another" edited.json "$nonce" \
    box.json
forge soft0.json edited.json "set:3=hex:$(fingerprint other.self)" sign:soft.key quote:soft.tpm
disbelieved device "the certificate is another device's than the statement" \
    "a statement in the name of another device" edited.json "$nonce" box.json
forge soft0.json edited.json set:2=int:2 set:24=hex:084d sign:soft.key quote:soft.tpm
disbelieved purpose "the statement is of a destruction" "a destruction passed as an attestation" edited.json "$nonce" box.json
forge soft0.json edited.json set:24=hex:084d sign:soft.key quote:soft.tpm
disbelieved purpose "what the statement says is not of its purpose" "a destruction inside an attestation" edited.json "$nonce" \
    box.json
forge soft0.json edited.json set:2=int:7 sign:soft.key quote:soft.tpm
disbelieved purpose "the statement is of another purpose" "a purpose that nobody knows" edited.json "$nonce" box.json
forge soft0.json edited.json drop:3 sign:soft.key quote:soft.tpm
disbelieved form "the statement is no statement of format 1" "a statement without its device" edited.json "$nonce" box.json
forge soft0.json edited.json set:1=int:2 sign:soft.key quote:soft.tpm
disbelieved form "the statement is no statement of format 1" "a statement of another format" edited.json "$nonce" box.json

# --- the same as a board leaves it, packed ---

forge true.json edited.packed packed
believed "a packed statement" edited.packed "$nonce" box.json
forge true.json edited.packed packed tail:x
disbelieved form "the file is neither a JSON object nor a packed statement" \
    "a byte behind a packed statement" edited.packed "$nonce" box.json
forge true.json edited.packed packed no-part:attest
disbelieved form "the file is neither a JSON object nor a packed statement" \
    "a packed statement with a part of a quote" edited.packed "$nonce" box.json
forge true.json edited.pem pem:
believed "a statement in PEM" edited.pem "$nonce" box.json
forge true.json edited.pem 'pem:-----BEGIN x\n'
disbelieved form "the file is neither a JSON object nor a packed statement" \
    "something in front of a statement in PEM" edited.pem "$nonce" box.json
forge soft0.json destruction set:2=int:2 set:24=hex:084d drop:4 sign:soft.key quote:soft.tpm packed
printf '{%s,"purpose":"destruction","states":["provisioned"]}' "$values" >destruction.json
check "a destruction where one is expected" "$strongroom" attest verify --statement destruction --ca ca.pem \
    --expect destruction.json
disbelieved purpose "the statement is of another purpose" "an attestation passed as a destruction" soft0.json "$nonce" \
    destruction.json

# --- quotes ---

forge soft0.json edited.json "quote:soft.tpm@true.json"
disbelieved quote "it is of another statement" "the quote of another statement" edited.json "$nonce" box.json
forge soft0.json edited.json quote:other.tpm
disbelieved quote "its key is not the one that the certificate names" "a quote by another TPM" edited.json "$nonce" box.json
forge soft0.json edited.json quote:other.tpm quote-key:soft.tpm
disbelieved quote "its signature is not the TPM's" "a quote by another TPM under the right one's name" edited.json "$nonce" box.json
forge soft0.json edited.json "quote:soft.tpm#$other_image"
disbelieved quote "the TPM measured other firmware" "a TPM that measured other firmware" edited.json "$nonce" box.json
forge soft0.json edited.json "set:20=hex:$(tpm_fingerprint other.tpm)" sign:soft.key quote:soft.tpm
disbelieved quote "its key is not the one that the statement names" \
    "a statement that names another TPM than the certificate" edited.json "$nonce" box.json
forge soft0.json edited.json "set:20=hex:$(tpm_fingerprint other.tpm)" sign:soft.key quote:other.tpm
disbelieved quote "its key is not the one that the certificate names" "a TPM of the device's own choosing" edited.json "$nonce" \
    box.json
forge soft0.json edited.json raw-quote:ff54434780170000,soft.tpm
disbelieved quote "it is no quote of PCR 12 alone" "something else that the TPM signed" edited.json "$nonce" box.json
forge soft0.json edited.json chain:plain.chain
disbelieved quote "the certificate names no TPM, yet there is a quote" \
    "a quote where the certificate names no TPM" edited.json "$nonce" box.json
forge soft0.json edited.json chain:plain.chain no-quote drop:20 sign:soft.key
believed "a device without a TPM needs no quote" edited.json "$nonce" box.json

printf '{%s,"states":["provisioned"],"quoted":true}' "$values" >quoted.json
disbelieved quote "there is none, and one is expected" "no quote where one is expected" edited.json "$nonce" quoted.json
believed "a quote where one is expected" soft0.json "$nonce" quoted.json
printf '{%s,"states":["provisioned"],"quoted":false}' "$values" >unquoted.json
disbelieved quote "there is one, and none is expected" "a quote where none is expected" soft0.json "$nonce" unquoted.json
believed "none where none is expected" edited.json "$nonce" unquoted.json
printf '{%s,"states":["provisioned"],"roots":["insecure-file"]}' "$values" >root.json
disbelieved root '"tpm" is not among the expected ones' "another root key than those expected" true.json "$nonce" root.json
printf '{%s,"states":["provisioned"],"roots":["insecure-file","tpm"]}' "$values" >root.json
believed "a root key that is expected" true.json "$nonce" root.json
