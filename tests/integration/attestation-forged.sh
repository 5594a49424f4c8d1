# attestation-forged.sh - statements that were edited, and chains of other factories or other devices.
# Sourced by attestation at its place: the checks run as they stand, on what it has set up.
# shellcheck shell=bash

# --- what does not become true by being signed once ---

old=$(openssl rand -hex 32)
disbelieved nonce "the statement answers another question" "an old nonce" true.json "$old" box.json
printf '{"version":1,"firmwareHashes":["%s"],"states":["provisioned"]}' "$other_image" >firmware.json
disbelieved firmware "its hash is not among the expected ones" "other firmware" true.json "$nonce" firmware.json
printf '{%s}' "$values" >operational.json
disbelieved state "the keystore is in state provisioned" "a state that is not operational" true.json "$nonce" operational.json
printf '{%s,"states":["provisioned"],"counterMin":1000000}' "$values" >counter.json
disbelieved counter "the security counter is *, at least 1000000 is expected" \
    "a security counter that is too low" true.json "$nonce" counter.json
printf '{%s,"states":["provisioned"],"firmwareVersions":["9.9.9"]}' "$values" >version.json
disbelieved version "it is not among the expected ones" "another version" true.json "$nonce" version.json
printf '{%s,"states":["provisioned"],"domainId":"0011223344556677"}' "$values" >domain.json
disbelieved domain "the security domain is another one" "another security domain" true.json "$nonce" domain.json
printf '{%s,"states":["provisioned"],"serialNumber":"SN-9"}' "$values" >serial.json
disbelieved "serial number" 'the device is "SN-1"' "another device of the same factory" true.json "$nonce" serial.json
printf '{%s,"states":["provisioned"],"boards":["riscv-virt"]}' "$values" >board.json
disbelieved board '"sim" is not among the expected ones' "another class of board" true.json "$nonce" board.json
printf '{%s,"states":["provisioned"],"hardware":true}' "$values" >hardware.json
disbelieved hardware "the device is simulated" "a simulator where hardware is expected" true.json "$nonce" hardware.json
disbelieved time "the statement is * s old; 300 are allowed" \
    "a statement that is too old" true.json "$nonce" box.json --at "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)"
disbelieved time "the statement is of a later time" \
    "a statement of the future" true.json "$nonce" box.json --at "$(date -u -d '-3 minutes' +%Y-%m-%dT%H:%M:%SZ)"

# --- edited files ---

forge true.json edited.json set:12=text:9.9.9
disbelieved signature "it is not the device's signature of this statement" "an edited field" edited.json "$nonce" box.json
forge true.json edited.json flip:signature
disbelieved signature "it is not the device's signature of this statement" "an edited signature" edited.json "$nonce" box.json
forge true.json edited.json append:00
disbelieved form "the statement is no statement of format 1" "a byte behind the statement" edited.json "$nonce" box.json
forge true.json edited.json append:c83e01
disbelieved form "the statement is no statement of format 1" \
    "a field that nobody knows behind the statement" edited.json "$nonce" box.json
forge true.json edited.json append:0801
disbelieved form "the statement has bytes that do not belong to it" "a field that is there twice" edited.json "$nonce" box.json
forge true.json edited.json "tail: {}"
disbelieved form "the file is no JSON object, or has a member twice" "text behind the file" edited.json "$nonce" box.json
forge true.json edited.json 'member:, "version": 1'
disbelieved form "the file is no JSON object, or has a member twice" "a member that is there twice" edited.json "$nonce" box.json
forge true.json edited.json 'member:, "verified": true'
disbelieved form "the quote is incomplete, or the file has members that are not known" \
    "a member that is not known" edited.json "$nonce" box.json
forge true.json edited.json no-quote
disbelieved quote "the certificate names a TPM, yet there is no quote" "a quote left out" edited.json "$nonce" box.json
forge true.json edited.json flip:quoteSignature
disbelieved quote "its signature is not the TPM's" "an edited quote's signature" edited.json "$nonce" box.json

# --- other chains ---

forge true.json edited.json chain:soft.chain
disbelieved device "the certificate is another device's than the statement" "the chain of another device" edited.json "$nonce" \
    box.json
forge true.json edited.json chain:keystore/keystore.pem
disbelieved chain "the certificates do not lead to this CA: self-signed certificate" \
    "the self-signed certificate" edited.json "$nonce" box.json
CA=ca2.pem disbelieved chain "the certificates do not lead to this CA: self-signed certificate in certificate chain" \
    "the CA of another factory, of the same name" true.json "$nonce" box.json

soft=$(fingerprint soft.self)
tpm=$(tpm_fingerprint soft.tpm)
forge true.json soft0.json "set:3=hex:$soft" "set:20=hex:$tpm" sign:soft.key chain:soft.chain quote:soft.tpm
believed "a software device's own statement is believed: what follows is refused for what it says" soft0.json "$nonce" box.json
forge soft0.json edited.json chain:short.chain
believed "a certificate that is good for a day" edited.json "$nonce" any.json
disbelieved chain "the certificates do not lead to this CA: certificate has expired" \
    "a chain that has expired" edited.json "$nonce" any.json --at "$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)"
disbelieved chain "the certificates do not lead to this CA: certificate is not yet valid" \
    "a chain that is not valid yet" edited.json "$nonce" any.json --at "$(date -u -d '-2 days' +%Y-%m-%dT%H:%M:%SZ)"

cat soft.chain other.self >surplus.chain
forge soft0.json edited.json chain:surplus.chain
disbelieved chain "there are certificates that do not belong to it, or in another order" \
    "a certificate that belongs to nothing" edited.json "$nonce" box.json
openssl x509 -in soft.chain -out soft.leaf
cat soft.leaf ca.pem ca.pem >surplus.chain
forge soft0.json edited.json chain:surplus.chain
disbelieved chain "there are certificates that do not belong to it, or in another order" \
    "a certificate that is there twice" edited.json "$nonce" box.json
forge soft0.json edited.json chain:soft.leaf
believed "the CA itself may be left out" edited.json "$nonce" box.json

# Whoever has a device's key has no CA by it.
rogue_chain() { # extensions of the certificate in between: the CA's own key makes it
    cat >names.cnf <<'TEXT'
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = URI:urn:strongroom:board:sim,URI:urn:strongroom:hardware:true
[more_uses]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyAgreement
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = URI:urn:strongroom:board:sim,URI:urn:strongroom:hardware:true
[unknown]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = URI:urn:strongroom:board:sim,URI:urn:strongroom:hardware:true
1.3.6.1.4.1.99999.1 = critical,ASN1:NULL
[named]
keyUsage = critical,keyCertSign
basicConstraints = critical,CA:TRUE,pathlen:0
nameConstraints = critical,permitted;dirName:only
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[only]
CN = Something else
[middle]
keyUsage = critical,keyCertSign
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
TEXT
    openssl req -new -key other.key -subj "/CN=Strongroom keystore/serialNumber=SN-5" -out leaf.csr
}
sign_by() { # request, signer's certificate, signer's key, section, out
    openssl x509 -req -in "$1" -CA "$2" -CAkey "$3" -CAcreateserial -days 30 -sha256 -extfile names.cnf -extensions "$4" \
        -out "$5" 2>/dev/null
}
rogue_chain
sign_by leaf.csr soft.leaf soft.key leaf evil.pem
cat evil.pem soft.chain >evil.chain
forge soft0.json edited.json "set:3=hex:$(fingerprint other.self)" set:9=int:1 drop:20 no-quote sign:other.key chain:evil.chain
disbelieved chain "the certificates do not lead to this CA: invalid CA certificate" \
    "a device that certifies another: a CA without the flag" edited.json "$nonce" box.json
openssl req -new -key soft.key -subj /CN=first -out first.csr && sign_by first.csr ca.pem ca.key middle first.pem
openssl req -new -key soft.tpm -subj /CN=second -out second.csr && sign_by second.csr first.pem soft.key middle second.pem
sign_by leaf.csr second.pem soft.tpm leaf deep.pem
cat deep.pem second.pem first.pem ca.pem >deep.chain
forge soft0.json edited.json "set:3=hex:$(fingerprint other.self)" set:9=int:1 drop:20 no-quote sign:other.key chain:deep.chain
disbelieved chain "the certificates do not lead to this CA: path length constraint exceeded" \
    "more CAs than the factory's certificate allows" edited.json "$nonce" box.json
sign_by leaf.csr first.pem soft.key leaf shallow.pem
cat shallow.pem first.pem >shallow.chain
forge soft0.json edited.json "set:3=hex:$(fingerprint other.self)" set:9=int:1 drop:20 no-quote sign:other.key chain:shallow.chain
believed "as many as it allows" edited.json "$nonce" box.json
rogue() { # leaf's section, its issuer's certificate and key
    sign_by leaf.csr "$2" "$3" "$1" rogue.leaf && cat rogue.leaf "$2" >rogue.chain
    forge soft0.json edited.json "set:3=hex:$(fingerprint other.self)" set:9=int:1 drop:20 no-quote sign:other.key chain:rogue.chain
}
rogue leaf ca.pem ca.key
believed "the same by the CA itself" edited.json "$nonce" box.json
rogue more_uses ca.pem ca.key
disbelieved chain "the device's certificate is not for signatures alone" \
    "a key that is for more than signatures" edited.json "$nonce" box.json
rogue unknown ca.pem ca.key
disbelieved chain "the certificates do not lead to this CA: unhandled critical extension" \
    "a critical extension that nobody knows" edited.json "$nonce" box.json
sign_by first.csr ca.pem ca.key named named.pem
rogue leaf named.pem soft.key
disbelieved chain "the certificates do not lead to this CA: permitted subtree violation" \
    "a device outside of its CA's names" edited.json "$nonce" box.json
forge soft0.json edited.json "set:3=hex:$(fingerprint ca.pem)" sign:soft.key chain:ca.pem
disbelieved chain "the device's certificate is a CA's, or does not say that it is none" \
    "the CA as a device" edited.json "$nonce" box.json
