// Many calls at once.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { after, before, test } from "node:test";
import { KeyClient } from "@azure/keyvault-keys";
import { OwnVault, accessToken, newCredential } from "./support/clients.js";
import { send } from "./support/wire.js";

let vault;

before(async () => {
    vault = await OwnVault.create("cl");
});
after(() => vault?.remove());

// Some of these are resent with the token but without their body (a race in the client): such a request must be refused
// with 400 and create nothing, and a call that succeeds must have done what it was asked.
test("twenty parallel first calls of one fresh client end well or in 400, and no key is made wrong", async () => {
    for (let round = 0; round < 5; round++) {
        const client = new KeyClient(vault.url, newCredential());
        const outcomes = await Promise.allSettled(
            [...Array(20).keys()].map((i) =>
                client.createRsaKey(`cold-${round}-${i}`, { keySize: 2048, tags: { number: String(i) } }),
            ),
        );

        for (const [i, outcome] of outcomes.entries()) {
            if (outcome.status === "fulfilled") {
                assert.deepEqual(outcome.value.properties.tags, { number: String(i) });
                continue;
            }
            assert.equal(outcome.reason.statusCode, 400, outcome.reason.stack);
            assert.equal(outcome.reason.code, "BadParameter");
            await assert.rejects(vault.keys.getKey(`cold-${round}-${i}`), { statusCode: 404 });
        }
        assert.ok(outcomes.some((o) => o.status === "fulfilled"));
    }
});

test("a request with a token but without its body is 400 and makes nothing", async () => {
    const token = await accessToken();

    for (const [method, path] of [
        ["POST", "/keys/empty/create"],
        ["PATCH", "/keys/empty"],
        ["POST", "/keys/empty/sign"],
    ]) {
        const answer = await send(method, `${vault.url}${path}?api-version=7.4`, { token });

        assert.equal(answer.status, 400, `${method} ${path}: ${answer.text}`);
        assert.equal(answer.json.error.code, "BadParameter");
    }
    await assert.rejects(vault.keys.getKey("empty"), { statusCode: 404 });
});

test("sixty-four parallel signatures are all good, each over its own digest", async () => {
    const key = await vault.keys.createEcKey("busy");
    const client = vault.crypto(key);

    await client.sign("ES256", Buffer.alloc(32)); // past the first call and its race

    const publicKey = createPublicKey({
        format: "jwk",
        key: {
            kty: "EC",
            crv: "P-256",
            x: Buffer.from(key.key.x).toString("base64url"),
            y: Buffer.from(key.key.y).toString("base64url"),
        },
    });

    for (let round = 0; round < 4; round++) {
        const messages = [...Array(64).keys()].map((i) => Buffer.from(`message ${round} ${i}`));
        const signed = await Promise.all(messages.map((m) => client.signData("ES256", m)));

        for (const [i, { result }] of signed.entries())
            assert.ok(
                verify("sha256", messages[i], { key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(result)),
            );
    }
});

test("parallel creates of one name give as many versions as were answered", async () => {
    const made = await Promise.allSettled([...Array(32).keys()].map(() => vault.keys.createEcKey("race")));
    const ids = made.filter((m) => m.status === "fulfilled").map((m) => m.value.id);
    const listed = [];

    for await (const item of vault.keys.listPropertiesOfKeyVersions("race")) listed.push(item.id);
    assert.ok(ids.length > 0);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(listed.sort(), ids.sort());
    for (const refused of made.filter((m) => m.status === "rejected"))
        assert.equal(refused.reason.statusCode, 409, refused.reason.stack);
});

test("parallel updates, deletes and recoveries of one key leave it in one piece", async () => {
    await vault.keys.createEcKey("torn", { tags: { n: "0" } });
    await Promise.allSettled(
        [...Array(24).keys()].map(async (i) => {
            if (i % 6 === 0) return vault.keys.beginDeleteKey("torn", { intervalInMs: 10 });
            if (i % 6 === 3) return vault.keys.beginRecoverDeletedKey("torn", { intervalInMs: 10 });
            return vault.keys.updateKeyProperties("torn", { tags: { n: String(i) } });
        }),
    );

    const token = await accessToken();
    const live = await send("GET", `${vault.url}/keys/torn?api-version=7.4`, { token });
    const deleted = await send("GET", `${vault.url}/deletedkeys/torn?api-version=7.4`, { token });

    assert.deepEqual([live.status, deleted.status].sort(), [200, 404]);
    if (live.status === 200)
        assert.equal((await vault.crypto(live.json.key.kid).sign("ES256", Buffer.alloc(32))).result.length, 64);
});
