// Every algorithm, through CryptographyClient where it can, checked by node:crypto.
import assert from "node:assert/strict";
import { constants, createHash, createPublicKey, publicDecrypt, publicEncrypt, randomBytes, verify } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { OwnVault, accessToken } from "./support/clients.js";
import { gcm, keyWrap } from "./support/reference.js";
import { send } from "./support/wire.js";

let vault;

before(async () => {
    vault = await OwnVault.create("cc");
});
after(() => vault?.remove());

const message = Buffer.from("the quick brown fox jumps over the lazy dog");
const hashes = { 256: "sha256", 384: "sha384", 512: "sha512" };

function digestFor(algorithm) {
    return createHash(hashes[algorithm.match(/\d+/)[0]]).update(message).digest();
}

function publicKeyOf(key) {
    const { kty, crv, n, e, x, y } = key.key;
    const text = (bytes) => Buffer.from(bytes).toString("base64url");

    return createPublicKey({
        format: "jwk",
        key: kty.startsWith("RSA")
            ? { kty: "RSA", n: text(n), e: text(e) }
            : { kty: "EC", crv: crv === "P-256K" ? "secp256k1" : crv, x: text(x), y: text(y) },
    });
}

function flipped(bytes, at = 0) {
    const copy = Buffer.from(bytes);

    copy[at] ^= 1;
    return copy;
}

// The raw operation, past everything the SDK does by itself.
async function operate(key, operation, body) {
    const encoded = Object.fromEntries(
        Object.entries(body).map(([name, value]) => [
            name,
            typeof value === "string" ? value : Buffer.from(value).toString("base64url"),
        ]),
    );
    const answer = await send("POST", `${key.id}/${operation}?api-version=7.4`, {
        token: await accessToken(),
        body: encoded,
    });

    return { ...answer, value: answer.status === 200 ? Buffer.from(answer.json.value, "base64url") : undefined };
}

async function assertVerifies(key, algorithm, signature, options) {
    const hash = hashes[algorithm.match(/\d+/)[0]];

    assert.ok(
        verify(hash, message, { key: publicKeyOf(key), ...options }, Buffer.from(signature)),
        `${algorithm}: node:crypto does not accept the signature`,
    );
}

// Sign a digest and data; verify here and there; refuse what was changed.
async function checkSignatures(key, algorithm, length, options) {
    const client = vault.crypto(key);
    const digest = digestFor(algorithm);
    const signed = await client.sign(algorithm, digest);
    const signedData = await client.signData(algorithm, message);

    assert.equal(signed.keyID, key.id);
    assert.equal(signed.result.length, length);
    assert.equal(signedData.result.length, length);
    await assertVerifies(key, algorithm, signed.result, options);
    await assertVerifies(key, algorithm, signedData.result, options);
    assert.equal((await client.verify(algorithm, digest, signed.result)).result, true);
    assert.equal((await client.verify(algorithm, flipped(digest), signed.result)).result, false);
    assert.equal((await client.verify(algorithm, digest, flipped(signed.result, length - 1))).result, false);
    assert.equal((await client.verify(algorithm, digest, signed.result.slice(1))).result, false);
    if (!algorithm.startsWith("PS"))
        /* the SDK checks PS* with the wrong padding and always says false */
        assert.equal((await client.verifyData(algorithm, message, signedData.result)).result, true);
}

for (const size of [2048, 3072, 4096]) {
    describe(`RSA ${size}`, () => {
        const bytes = size / 8;
        let key, client;

        before(async () => {
            key = await vault.keys.createRsaKey(`rsa-${size}`, { keySize: size });
            client = vault.crypto(key);
        });

        for (const algorithm of ["RS256", "RS384", "RS512"])
            test(`${algorithm} signs and verifies`, () => checkSignatures(key, algorithm, bytes));

        for (const algorithm of ["PS256", "PS384", "PS512"]) {
            test(`${algorithm} signs with a salt as long as the hash, and verifies`, () =>
                checkSignatures(key, algorithm, bytes, {
                    padding: constants.RSA_PKCS1_PSS_PADDING,
                    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
                }));
        }

        test("RSNULL pads the raw input as PKCS#1 type 1", async () => {
            const input = randomBytes(bytes - 11);
            const signed = await client.sign("RSNULL", input);

            assert.deepEqual(
                publicDecrypt(
                    { key: publicKeyOf(key), padding: constants.RSA_PKCS1_PADDING },
                    Buffer.from(signed.result),
                ),
                input,
            );
            assert.equal((await client.verify("RSNULL", input, signed.result)).result, true);
            assert.equal((await client.verify("RSNULL", flipped(input), signed.result)).result, false);
            assert.equal((await operate(key, "sign", { alg: "RSNULL", value: randomBytes(bytes - 10) })).status, 400);
        });

        for (const [algorithm, overhead, options] of [
            ["RSA1_5", 11, { padding: constants.RSA_PKCS1_PADDING }],
            ["RSA-OAEP", 42, { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" }],
            ["RSA-OAEP-256", 66, { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }],
        ]) {
            test(`${algorithm}: what node:crypto encrypts is decrypted and unwrapped remotely`, async () => {
                const plaintext = randomBytes(32);
                const ciphertext = publicEncrypt({ key: publicKeyOf(key), ...options }, plaintext);

                assert.deepEqual(Buffer.from((await client.decrypt(algorithm, ciphertext)).result), plaintext);
                assert.deepEqual(Buffer.from((await client.unwrapKey(algorithm, ciphertext)).result), plaintext);
            });

            test(`${algorithm}: encrypt and wrapKey come back, from empty to the longest`, async () => {
                for (const length of [0, 1, 32, bytes - overhead]) {
                    const plaintext = randomBytes(length);
                    const encrypted = await operate(key, "encrypt", { alg: algorithm, value: plaintext });
                    const wrapped = await operate(key, "wrapkey", { alg: algorithm, value: plaintext });

                    assert.equal(encrypted.status, 200, `encrypt ${length} bytes: ${encrypted.text}`);
                    assert.equal(encrypted.value.length, bytes);
                    assert.equal(encrypted.json.kid, key.id);
                    assert.deepEqual(
                        (await operate(key, "decrypt", { alg: algorithm, value: encrypted.value })).value,
                        plaintext,
                    );
                    assert.deepEqual(
                        (await operate(key, "unwrapkey", { alg: algorithm, value: wrapped.value })).value,
                        plaintext,
                    );
                }

                const viaClient = await client.encrypt(algorithm, message);
                const wrappedViaClient = await client.wrapKey(algorithm, message);

                assert.deepEqual(Buffer.from((await client.decrypt(algorithm, viaClient.result)).result), message);
                assert.deepEqual(
                    Buffer.from((await client.unwrapKey(algorithm, wrappedViaClient.result)).result),
                    message,
                );
            });

            test(`${algorithm}: a plaintext too long and a ciphertext of another length are refused`, async () => {
                assert.equal(
                    (await operate(key, "encrypt", { alg: algorithm, value: randomBytes(bytes - overhead + 1) }))
                        .status,
                    400,
                );
                for (const length of [0, bytes - 1, bytes + 1])
                    assert.equal(
                        (await operate(key, "decrypt", { alg: algorithm, value: randomBytes(length) })).status,
                        400,
                    );
            });
        }

        for (const algorithm of ["RSA-OAEP", "RSA-OAEP-256"]) {
            test(`${algorithm}: every bad ciphertext gets one answer`, async () => {
                const good = (await operate(key, "encrypt", { alg: algorithm, value: message })).value;
                const answers = new Set();

                for (const bad of [
                    flipped(good),
                    flipped(good, bytes - 1),
                    Buffer.alloc(bytes),
                    Buffer.alloc(bytes, 0xff),
                    Buffer.concat([Buffer.alloc(1), randomBytes(bytes - 1)]),
                ]) {
                    const { status, text } = await operate(key, "decrypt", { alg: algorithm, value: bad });

                    answers.add(`${status} ${text}`);
                }
                assert.equal(answers.size, 1, [...answers].join("\n"));
                assert.match([...answers][0], /^400 .*BadParameter/);
            });
        }

        test("RSA1_5: bad padding is no error but a fixed pseudo-random plaintext, so it tells nothing", async () => {
            const bad = Buffer.concat([Buffer.alloc(1), randomBytes(bytes - 1)]);
            const first = await operate(key, "decrypt", { alg: "RSA1_5", value: bad });
            const second = await operate(key, "decrypt", { alg: "RSA1_5", value: bad });
            const other = await operate(key, "decrypt", { alg: "RSA1_5", value: flipped(bad, 5) });

            assert.equal(first.status, 200, first.text);
            assert.deepEqual(first.value, second.value);
            assert.equal(other.status, 200);
            assert.notDeepEqual(first.value, other.value);
        });
    });
}

for (const [curve, algorithm, length] of [
    ["P-256", "ES256", 64],
    ["P-384", "ES384", 96],
    ["P-521", "ES512", 132],
    ["P-256K", "ES256K", 64],
]) {
    describe(`EC ${curve}`, () => {
        test(`${algorithm} gives r and s of fixed width, ${length} bytes, and verifies`, async () => {
            const key = await vault.keys.createEcKey(`ec-${curve}`, { curve });

            for (let i = 0; i < 4; i++) await checkSignatures(key, algorithm, length, { dsaEncoding: "ieee-p1363" });
        });

        test("any other algorithm is refused with 400", async () => {
            const key = await vault.keys.getKey(`ec-${curve}`);

            for (const other of ["ES256", "ES384", "ES512", "ES256K", "RS256", "PS256", "HS256"].filter(
                (a) => a !== algorithm,
            ))
                await assert.rejects(vault.crypto(key).sign(other, digestFor(other)), {
                    statusCode: 400,
                    code: "BadParameter",
                });
        });
    });
}

for (const keySize of [128, 192, 256]) {
    describe(`AES ${keySize}`, () => {
        let key, client, block;

        before(async () => {
            key = await vault.keys.createOctKey(`aes-${keySize}`, { hsm: true, keySize });
            client = vault.crypto(key);
            block = async (input) =>
                Buffer.from(
                    (
                        await client.encrypt({
                            algorithm: `A${keySize}CBC`,
                            plaintext: input,
                            iv: Buffer.alloc(16),
                        })
                    ).result,
                );
        });

        test(`A${keySize}KW wraps as RFC 3394 says, and unwraps`, async () => {
            const plaintext = randomBytes(24);
            const wrapped = await client.wrapKey(`A${keySize}KW`, plaintext);

            assert.deepEqual(Buffer.from(wrapped.result), await keyWrap(block, plaintext));
            assert.deepEqual(Buffer.from((await client.unwrapKey(`A${keySize}KW`, wrapped.result)).result), plaintext);
        });

        test(`A${keySize}KW takes 16, 32 and 64 bytes, and nothing that is no multiple of 8`, async () => {
            for (const length of [16, 32, 40, 64]) {
                const plaintext = randomBytes(length);
                const wrapped = await client.wrapKey(`A${keySize}KW`, plaintext);

                assert.equal(wrapped.result.length, length + 8);
                assert.deepEqual(
                    Buffer.from((await client.unwrapKey(`A${keySize}KW`, wrapped.result)).result),
                    plaintext,
                );
            }
            for (const length of [0, 8, 15, 17, 31])
                await assert.rejects(client.wrapKey(`A${keySize}KW`, randomBytes(length)), {
                    statusCode: 400,
                    code: "BadParameter",
                });
        });

        test(`A${keySize}KW: a wrapped key changed anywhere is refused with one answer`, async () => {
            const wrapped = Buffer.from((await client.wrapKey(`A${keySize}KW`, randomBytes(32))).result);
            const answers = new Set();

            for (const at of [0, 7, 8, 39]) {
                const { status, text } = await operate(key, "unwrapkey", {
                    alg: `A${keySize}KW`,
                    value: flipped(wrapped, at),
                });

                answers.add(`${status} ${text}`);
            }
            assert.equal(answers.size, 1, [...answers].join("\n"));
            assert.match([...answers][0], /^400 .*BadParameter/);
        });

        test(`A${keySize}GCM encrypts as SP 800-38D says, under a fresh IV of 12 bytes, with a tag of 16`, async () => {
            const additionalAuthenticatedData = Buffer.from("who and where");
            const seen = new Set();

            for (const plaintext of [Buffer.alloc(0), message, randomBytes(64)]) {
                const made = await client.encrypt({
                    algorithm: `A${keySize}GCM`,
                    plaintext,
                    additionalAuthenticatedData,
                });
                const expected = await gcm(block, Buffer.from(made.iv), plaintext, additionalAuthenticatedData);

                assert.equal(made.iv.length, 12);
                seen.add(Buffer.from(made.iv).toString("hex"));
                assert.deepEqual(Buffer.from(made.result), expected.ciphertext);
                assert.deepEqual(Buffer.from(made.authenticationTag), expected.tag);
                assert.deepEqual(
                    Buffer.from(
                        (
                            await client.decrypt({
                                algorithm: `A${keySize}GCM`,
                                ciphertext: made.result,
                                iv: made.iv,
                                authenticationTag: made.authenticationTag,
                                additionalAuthenticatedData,
                            })
                        ).result,
                    ),
                    plaintext,
                );
            }
            assert.equal(seen.size, 3);
        });

        test(`A${keySize}GCM: changed ciphertext, tag, IV or AAD, and a short tag, are refused`, async () => {
            const aad = Buffer.from("aad");
            const made = (await operate(key, "encrypt", { alg: `A${keySize}GCM`, value: message, aad })).json;
            const bytes = (name) => Buffer.from(made[name], "base64url");
            const good = { alg: `A${keySize}GCM`, value: bytes("value"), iv: bytes("iv"), tag: bytes("tag"), aad };
            const answers = new Set();

            assert.deepEqual((await operate(key, "decrypt", good)).value, message);
            for (const change of [
                { value: flipped(good.value) },
                { tag: flipped(good.tag) },
                { iv: flipped(good.iv) },
                { aad: flipped(aad) },
                { aad: Buffer.alloc(0) },
            ]) {
                const { status, text } = await operate(key, "decrypt", { ...good, ...change });

                answers.add(`${status} ${text}`);
            }
            assert.equal(answers.size, 1, [...answers].join("\n"));
            assert.match([...answers][0], /^400 /);
            for (const length of [0, 4, 12, 15])
                assert.equal(
                    (await operate(key, "decrypt", { ...good, tag: good.tag.subarray(0, length) })).status,
                    400,
                );
        });

        test(`A${keySize}GCM: an IV of the caller's choosing is refused`, async () => {
            assert.equal(
                (await operate(key, "encrypt", { alg: `A${keySize}GCM`, value: message, iv: Buffer.alloc(12) })).status,
                400,
            );
        });

        test(`A${keySize}CBC takes whole blocks and the caller's IV`, async () => {
            const iv = randomBytes(16),
                plaintext = randomBytes(48);
            const made = await client.encrypt({ algorithm: `A${keySize}CBC`, plaintext, iv });
            let previous = iv;
            const expected = [];

            for (let i = 0; i < plaintext.length; i += 16) {
                previous = await block(Buffer.from(plaintext.subarray(i, i + 16).map((byte, n) => byte ^ previous[n])));
                expected.push(previous);
            }
            assert.deepEqual(Buffer.from(made.result), Buffer.concat(expected));
            assert.deepEqual(
                Buffer.from(
                    (
                        await client.decrypt({
                            algorithm: `A${keySize}CBC`,
                            ciphertext: made.result,
                            iv,
                        })
                    ).result,
                ),
                plaintext,
            );
            await assert.rejects(client.encrypt({ algorithm: `A${keySize}CBC`, plaintext: randomBytes(47), iv }), {
                statusCode: 400,
            });
        });

        test(`A${keySize}CBCPAD pads as PKCS#7, from empty on`, async () => {
            const iv = randomBytes(16);

            for (const length of [0, 1, 15, 16, 17]) {
                const plaintext = randomBytes(length),
                    fill = 16 - (length % 16);
                const made = await client.encrypt({ algorithm: `A${keySize}CBCPAD`, plaintext, iv });
                const byHand = await client.encrypt({
                    algorithm: `A${keySize}CBC`,
                    plaintext: Buffer.concat([plaintext, Buffer.alloc(fill, fill)]),
                    iv,
                });

                assert.deepEqual(Buffer.from(made.result), Buffer.from(byHand.result));
                assert.deepEqual(
                    Buffer.from(
                        (
                            await client.decrypt({
                                algorithm: `A${keySize}CBCPAD`,
                                ciphertext: made.result,
                                iv,
                            })
                        ).result,
                    ),
                    plaintext,
                );
            }
        });

        test("CBC without an IV, and with one of another length, is refused", async () => {
            for (const iv of [undefined, Buffer.alloc(12), Buffer.alloc(17)]) {
                const body = { alg: `A${keySize}CBC`, value: Buffer.alloc(16), ...(iv ? { iv } : {}) };

                assert.equal((await operate(key, "encrypt", body)).status, 400);
            }
        });

        test("an algorithm of another key size is refused", async () => {
            const other = keySize === 256 ? 128 : 256;

            await assert.rejects(client.wrapKey(`A${other}KW`, randomBytes(16)), {
                statusCode: 400,
                code: "BadParameter",
            });
        });
    });
}

describe("HMAC", () => {
    for (const [algorithm, keySize, length] of [
        ["HS256", 256, 32],
        ["HS384", 384, 48],
        ["HS512", 512, 64],
    ]) {
        test(`${algorithm} authenticates, always the same, and refuses what was changed`, async () => {
            const key = await vault.keys.createOctKey(`mac-${keySize}`, {
                hsm: true,
                keySize,
                keyOps: ["sign", "verify"],
            });
            const client = vault.crypto(key);
            const mac = await client.sign(algorithm, message);

            assert.equal(mac.result.length, length);
            assert.deepEqual(mac.result, (await client.sign(algorithm, message)).result);
            assert.notDeepEqual(mac.result, (await client.sign(algorithm, flipped(message))).result);
            assert.equal((await client.verify(algorithm, message, mac.result)).result, true);
            assert.equal((await client.verify(algorithm, message, flipped(mac.result))).result, false);
            assert.equal((await client.verify(algorithm, message, mac.result.slice(0, length - 1))).result, false);
        });
    }

    test("a key for MACs encrypts nothing, a key for ciphers makes no MAC", async () => {
        const mac = await vault.keys.getKey("mac-256"),
            cipher = await vault.keys.createOctKey("no-mac", { hsm: true });

        assert.equal((await operate(mac, "encrypt", { alg: "A256GCM", value: message })).status, 403);
        assert.equal((await operate(cipher, "sign", { alg: "HS256", value: message })).status, 403);
    });
});

describe("which key", () => {
    test("a client made from an identifier without a version uses the newest, and the reply says which", async () => {
        await vault.keys.createEcKey("newest");

        const newest = await vault.keys.createEcKey("newest");
        const client = vault.crypto(`${vault.url}/keys/newest`);
        const signed = await client.sign("ES256", digestFor("ES256"));
        const answer = await send("POST", `${vault.url}/keys/newest//sign?api-version=7.4`, {
            token: await accessToken(),
            body: { alg: "ES256", value: digestFor("ES256").toString("base64url") },
        });

        await assertVerifies(newest, "ES256", signed.result, { dsaEncoding: "ieee-p1363" });
        assert.equal(answer.json.kid, newest.id);
    });

    test("getCryptographyClient works, with and without a version", async () => {
        const old = await vault.keys.createEcKey("getter");

        await vault.keys.createEcKey("getter");

        const client = vault.keys.getCryptographyClient("getter", { keyVersion: old.properties.version });
        const signed = await client.sign("ES256", digestFor("ES256"));

        await assertVerifies(old, "ES256", signed.result, { dsaEncoding: "ieee-p1363" });
        assert.equal(
            (await vault.keys.getCryptographyClient("getter").verify("ES256", digestFor("ES256"), signed.result))
                .result,
            false,
        );
    });

    test("two keys of one kind give different signatures, and neither accepts the other's", async () => {
        const one = await vault.keys.createRsaKey("one"),
            two = await vault.keys.createRsaKey("two");
        const signed = await vault.crypto(one).sign("RS256", digestFor("RS256"));

        assert.equal((await vault.crypto(two).verify("RS256", digestFor("RS256"), signed.result)).result, false);
    });
});
