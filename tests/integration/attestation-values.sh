# attestation-values.sh - statements of keys, and expected values that would expect less than was meant.
# Sourced by attestation at its place: the checks run as they stand, on what it has set up.
# shellcheck shell=bash

# --- keys ---

locked=0x162=0,0x103=1,0x164=1 # CKA_EXTRACTABLE, CKA_SENSITIVE, CKA_NEVER_EXTRACTABLE
class=0=x0300000000000000 # CKA_CLASS: a private key
here_made=$class,0xd3520001=x$soft # CKA_STRONGROOM_ORIGIN
forge soft0.json key.json "key:$locked,$here_made" sign:soft.key quote:soft.tpm
stays='"CKA_EXTRACTABLE":false,"CKA_NEVER_EXTRACTABLE":true'
printf '{%s,"states":["provisioned"],"key":{"partition":"one","attributes":{%s}}}' "$values" "$stays" >key.expect
believed "a key that is as expected" key.json "$nonce" key.expect
disbelieved key "the statement is about a key, and one about the keystore is expected" \
    "a key's statement passed as the keystore's" key.json "$nonce" box.json
disbelieved key "the statement is about no key" "the keystore's statement passed as a key's" soft0.json "$nonce" key.expect
forge soft0.json edited.json "key:0x162=1,0x103=1,0x164=0,$here_made" sign:soft.key quote:soft.tpm
disbelieved key "CKA_EXTRACTABLE is not as expected" "a key that may leave" edited.json "$nonce" key.expect
forge soft0.json edited.json "key:0x103=1,$here_made" sign:soft.key quote:soft.tpm
disbelieved key "CKA_EXTRACTABLE is not as expected" "a key of which that is not said" edited.json "$nonce" key.expect
printf '{%s,"states":["provisioned"],"key":{"publicKeySha256":"%s"}}' "$values" "$other_image" >public.expect
disbelieved key "the public key is another one" "another public key" key.json "$nonce" public.expect
printf '{%s,"states":["provisioned"],"key":{"partition":"two"}}' "$values" >partition.expect
disbelieved key "the key lies in another partition" "a key of another partition" key.json "$nonce" partition.expect

# Local and never extractable is a key that came in by a backup, too.
forge soft0.json edited.json "key:$locked,$class,0xd3520001=x$(fingerprint other.self)" sign:soft.key quote:soft.tpm
disbelieved key 'it was not made in this device, and "restored" is not expected' \
    "a key that was made in another device" edited.json "$nonce" key.expect
printf '{%s,"states":["provisioned"],"key":{"partition":"one","restored":true}}' "$values" >restored.expect
believed "unless it may be" edited.json "$nonce" restored.expect
check "and that is told" test "$(verify edited.json "$nonce" restored.expect --json | jq .key.restored)" = true
believed "one made here may be, too" key.json "$nonce" restored.expect
check "and that is told, too" test "$(verify key.json "$nonce" restored.expect --json | jq .key.restored)" = false
forge soft0.json edited.json "key:$locked,$class" sign:soft.key quote:soft.tpm
disbelieved key 'it was not made in this device, and "restored" is not expected' \
    "a key of which nobody says where it was made" edited.json "$nonce" key.expect
forge soft0.json edited.json "key:$locked,0x162=0,$here_made" sign:soft.key quote:soft.tpm
disbelieved form "the statement says an attribute twice, or that it does not say it" \
    "an attribute that is said twice" edited.json "$nonce" key.expect
forge soft0.json edited.json "key:0x162=0/1,0x103=1,0x164=1,$here_made" sign:soft.key quote:soft.tpm
disbelieved form "the statement says an attribute twice, or that it does not say it" \
    "an attribute that is not told" edited.json "$nonce" key.expect
forge soft0.json edited.json "key:$locked,0=x0200000000000000,0xd3520001=x$soft" sign:soft.key quote:soft.tpm
disbelieved key "it is a public key, which anybody can bring, and CKA_CLASS is not expected" \
    "a public key passed as the whole of it" edited.json "$nonce" key.expect
printf '{%s,"states":["provisioned"],"key":{"attributes":{"CKA_CLASS":2}}}' "$values" >class.expect
believed "unless one is expected" edited.json "$nonce" class.expect
disbelieved key "CKA_CLASS is not as expected" "a private key passed as a public one" key.json "$nonce" class.expect
forge soft0.json edited.json "key:$locked,0xd3520001=x$soft" sign:soft.key quote:soft.tpm
disbelieved key "it is a public key, which anybody can bring, and CKA_CLASS is not expected" \
    "a key that does not say what it is" edited.json "$nonce" key.expect
long=$(printf '%04000d' 0)
forge soft0.json edited.json "key:0x102=x$long,$here_made" sign:soft.key quote:soft.tpm
printf '{%s,"states":["provisioned"],"key":{"attributes":{"CKA_ID":"%s"}}}' "$values" "$long" >long.expect
believed "an attribute of two thousand bytes" edited.json "$nonce" long.expect

# --- expected values that would expect less than was meant ---

not_taken() { # what is wrong, members of the file
    local came

    printf '{%s}' "$2" >wrong.json
    came=$(verify true.json "$nonce" wrong.json 2>&1) && return 1
    [ "$came" = "strongroom: attest verify: wrong.json: $1" ] || { printf '%s\n' "$came"; return 1; }
}
values="$values,\"states\":[\"provisioned\"]"
hashes="a list of 1 to 16 SHA-256 hashes in hexadecimal is wanted"
digits='"attributes": an object of attributes, each with a value of its kind is wanted'
check "an expected value that is not known" not_taken '"minCounter" is not known' "$values,\"minCounter\":5"
check "no firmware at all" not_taken '"version" and "firmwareHashes" are needed' '"version":1'
check "an empty list of firmware" not_taken "\"firmwareHashes\": $hashes" '"version":1,"firmwareHashes":[]'
check "a hash that is too short" not_taken "\"firmwareHashes\": $hashes" '"version":1,"firmwareHashes":["00"]'
check "a state that there is not" not_taken '"states": a list of states is wanted' \
    "\"version\":1,\"firmwareHashes\":[\"$image\"],\"states\":[\"provisioned\",\"fine\"]"
check "digits that are none" not_taken "$digits" "$values,\"key\":{\"attributes\":{\"CKA_ID\":\"0x12\"}}"
check "half a byte" not_taken "$digits" "$values,\"key\":{\"attributes\":{\"CKA_ID\":\"123\"}}"
check "a truth that is a number" not_taken "$digits" "$values,\"key\":{\"attributes\":{\"CKA_EXTRACTABLE\":0}}"
check "an attribute that is not known" not_taken '"attributes": an object of attributes, by the names of PKCS#11 is wanted' \
    "$values,\"key\":{\"attributes\":{\"CKA_EXPORTABLE\":false}}"
check "a word in place of true or false" not_taken '"restored": true or false is wanted' "$values,\"key\":{\"restored\":\"no\"}"
check "the same of a quote" not_taken '"quoted": true or false is wanted' "$values,\"quoted\":1"
check "a root key that is no list" not_taken '"roots": a list of texts is wanted' "$values,\"roots\":\"tpm\""
values="\"version\":1,\"firmwareHashes\":[\"$image\"]"
