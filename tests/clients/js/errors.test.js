// Refusals as programs see them: status, code, inner code, text.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import {
    OwnVault,
    accessToken,
    credential,
    credentialOf,
    ifForbidden,
    managementClient,
    policyFor,
    until,
} from "./support/clients.js";
import { newApplication } from "./support/operator.js";
import { site, vaultUrlOf } from "./support/site.js";
import { send } from "./support/wire.js";

let vault, stranger, token;

before(async () => {
    vault = await OwnVault.create("ce");
    stranger = credentialOf(await newApplication("a stranger"));
    token = await accessToken();
});
after(() => vault?.remove());

const digest = Buffer.alloc(32, 7).toString("base64url");

function post(path, body) {
    return send("POST", `${vault.url}${path}?api-version=7.4`, { token, body });
}

function assertError(answer, status, code, inner) {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.headers["content-type"], /^application\/json/);
    assert.equal(answer.json.error.code, code);
    assert.equal(answer.json.error.innererror?.code, inner);
    assert.ok(answer.json.error.message.length > 0);
    assert.match(answer.headers["x-ms-request-id"], /^[0-9a-f-]{36}$/);
}

describe("missing", () => {
    test("a key that is not there is KeyNotFound for get, sign, versions and update", async () => {
        await assert.rejects(vault.keys.getKey("none"), (error) => {
            assert.equal(error.statusCode, 404);
            assert.equal(error.code, "KeyNotFound");
            assert.match(error.message, /^A key with \(name\/id\) none was not found in this key vault\./);
            return true;
        });
        assertError(await post("/keys/none/sign", { alg: "ES256", value: digest }), 404, "KeyNotFound");
        assertError(
            await post(`/keys/none/${"0".repeat(32)}/sign`, { alg: "ES256", value: digest }),
            404,
            "KeyNotFound",
        );
        assertError(
            await send("GET", `${vault.url}/keys/none/versions?api-version=7.4`, { token }),
            404,
            "KeyNotFound",
        );
        assertError(
            await send("PATCH", `${vault.url}/keys/none?api-version=7.4`, { token, body: {} }),
            404,
            "KeyNotFound",
        );
        assertError(await send("GET", `${vault.url}/deletedkeys/none?api-version=7.4`, { token }), 404, "KeyNotFound");
    });

    test("a path that leads nowhere is 404 with a JSON error", async () => {
        assertError(await send("GET", `${vault.url}/nothing?api-version=7.4`, { token }), 404, "NotFound");
        assertError(await send("GET", `${vault.url}/keys/a/b/c/d?api-version=7.4`, { token }), 404, "NotFound");
    });
});

describe("forbidden", () => {
    test("who has no right is told which one he lacks, and nothing else", async () => {
        await vault.keys.createEcKey("there");

        const client = new KeyClient(vault.url, stranger);

        for (const name of ["there", "not-there"]) {
            await assert.rejects(client.getKey(name), (error) => {
                assert.equal(error.statusCode, 403);
                assert.equal(error.code, "Forbidden");
                assert.equal(error.details.error.innerError.code, "ForbiddenByPolicy");
                assert.match(error.message, /does not have keys get permission on key vault '/);
                return true;
            });
        }
        await assert.rejects(client.createEcKey("there"), { statusCode: 403, code: "Forbidden" });
        await assert.rejects(client.listPropertiesOfKeys().next(), { statusCode: 403, code: "Forbidden" });
        await assert.rejects(client.purgeDeletedKey("there"), { statusCode: 403, code: "Forbidden" });
    });

    test("a vault that is not there answers like one that is not ours: status, headers, shape of the body", async () => {
        const strangersToken = await accessToken(stranger);
        const ask = (url) => send("GET", `${url}/keys/k?api-version=7.4`, { token: strangersToken });
        const here = await ask(vault.url),
            nowhere = await ask(vaultUrlOf("no-such-vault"));
        const shape = (answer, name) =>
            JSON.stringify({
                ...answer.json,
                error: { ...answer.json.error, message: answer.json.error.message.replaceAll(name, "<vault>") },
            });

        assertError(here, 403, "Forbidden", "ForbiddenByPolicy");
        assertError(nowhere, 403, "Forbidden", "ForbiddenByPolicy");
        assert.equal(shape(here, vault.name), shape(nowhere, "no-such-vault"));
        assert.deepEqual(Object.keys(here.headers).sort(), Object.keys(nowhere.headers).sort());
    });

    test("who may only sign can do that by identifier: the SDK goes on without the public key", async () => {
        const signer = await newApplication("a signer");
        const key = await vault.keys.createEcKey("sign-only");

        await managementClient().vaults.updateAccessPolicy(site.resourceGroup, vault.name, "add", {
            properties: { accessPolicies: [policyFor(signer.objectId, ["sign"])] },
        });
        await until("the signer's right", async () => {
            const client = new CryptographyClient(key.id, credentialOf(signer));
            const signature = await client.sign("ES256", Buffer.alloc(32, 7)).catch(ifForbidden);

            if (signature) assert.equal(signature.result.length, 64);
            return signature;
        });
        await assert.rejects(new KeyClient(vault.url, credentialOf(signer)).getKey("sign-only"), { statusCode: 403 });
        await assert.rejects(
            new CryptographyClient(key.id, credentialOf(signer)).verify("ES256", Buffer.alloc(32, 7), Buffer.alloc(64)),
            { statusCode: 403, code: "Forbidden" },
        );
    });
});

describe("state of a key", () => {
    test("a disabled key does nothing but can be read, changed and enabled again", async () => {
        const key = await vault.keys.createRsaKey("off");
        const encrypted = await vault.crypto(key).encrypt("RSA-OAEP-256", Buffer.from("x"));
        const signed = await vault.crypto(key).sign("RS256", Buffer.alloc(32));

        await vault.keys.updateKeyProperties("off", { enabled: false });
        for (const operation of [
            (client) => client.sign("RS256", Buffer.alloc(32)),
            (client) => client.verify("RS256", Buffer.alloc(32), signed.result),
            (client) => client.decrypt("RSA-OAEP-256", encrypted.result),
            (client) => client.unwrapKey("RSA-OAEP-256", encrypted.result),
            (client) => client.encrypt("RSA-OAEP-256", Buffer.from("x")),
        ]) {
            await assert.rejects(operation(vault.crypto(key)), (error) => {
                assert.equal(error.statusCode, 403);
                assert.equal(error.code, "Forbidden");
                assert.equal(error.details.error.innerError.code, "KeyDisabled");
                assert.match(error.message, /^Operation \w+ is not allowed on a disabled key\.$/);
                return true;
            });
        }
        assert.equal((await vault.keys.getKey("off")).properties.enabled, false);
        await vault.keys.updateKeyProperties("off", { enabled: true });
        assert.equal((await vault.crypto(key).sign("RS256", Buffer.alloc(32))).result.length, 256);
    });

    test("before nbf and after exp a key makes nothing new, but undoes what it made", async () => {
        const body = { kty: "RSA" };
        const now = Math.floor(Date.now() / 1000);

        for (const [name, attributes] of [
            ["early", { nbf: now + 3600 }],
            ["late", { exp: now - 3600 }],
        ]) {
            assert.equal((await post(`/keys/${name}/create`, body)).status, 200);

            const encrypted = (await post(`/keys/${name}/encrypt`, { alg: "RSA-OAEP", value: "aGVsbG8" })).json.value;
            const signature = (await post(`/keys/${name}/sign`, { alg: "RS256", value: digest })).json.value;
            const changed = await send("PATCH", `${vault.url}/keys/${name}?api-version=7.4`, {
                token,
                body: { attributes },
            });

            assert.equal(changed.status, 200, changed.text);
            for (const [operation, value] of [
                ["sign", digest],
                ["encrypt", "aGVsbG8"],
                ["wrapkey", "aGVsbG8"],
            ]) {
                const answer = await post(`/keys/${name}/${operation}`, {
                    alg: operation === "sign" ? "RS256" : "RSA-OAEP",
                    value,
                });

                assert.equal(answer.status, 403, answer.text);
                assert.equal(answer.json.error.code, "Forbidden");
                assert.ok(answer.json.error.innererror.code.length > 0);
            }
            assert.equal(
                (await post(`/keys/${name}/decrypt`, { alg: "RSA-OAEP", value: encrypted })).json.value,
                "aGVsbG8",
            );
            assert.equal(
                (await post(`/keys/${name}/unwrapkey`, { alg: "RSA-OAEP", value: encrypted })).json.value,
                "aGVsbG8",
            );
            assert.equal(
                (await post(`/keys/${name}/verify`, { alg: "RS256", digest, value: signature })).json.value,
                true,
            );
            assert.equal((await send("GET", `${vault.url}/keys/${name}?api-version=7.4`, { token })).status, 200);
        }
    });

    test("an operation that is not in key_ops is KeyOperationForbidden", async () => {
        assert.equal((await post("/keys/signer/create", { kty: "RSA", key_ops: ["sign"] })).status, 200);

        for (const [operation, body] of [
            ["encrypt", { alg: "RSA-OAEP", value: "aGVsbG8" }],
            ["decrypt", { alg: "RSA-OAEP", value: "A".repeat(342) }],
            ["wrapkey", { alg: "RSA-OAEP", value: "aGVsbG8" }],
            ["unwrapkey", { alg: "RSA-OAEP", value: "A".repeat(342) }],
            ["verify", { alg: "RS256", digest, value: "A".repeat(342) }],
        ]) {
            const answer = await post(`/keys/signer/${operation}`, body);

            assertError(answer, 403, "Forbidden", "KeyOperationForbidden");
            assert.match(answer.json.error.message, /^Operation \w+ is not permitted on this key\.$/);
        }
    });
});

describe("bad input of operations", () => {
    test("a digest of the wrong length is told in the words people know", async () => {
        await vault.keys.createEcKey("ec");

        const answer = await post("/keys/ec/sign", { alg: "ES256", value: Buffer.alloc(43).toString("base64url") });

        assertError(answer, 400, "BadParameter");
        assert.equal(
            answer.json.error.message,
            "Invalid length of 'value': 43 bytes. ES256 requires 32 bytes, encoded with base64url.",
        );
    });

    test("an unknown algorithm, one of another kind and one in lower case are 400", async () => {
        for (const alg of ["ES257", "es256", "none", "", "RS256", "A256GCM", "RSA-OAEP", "ES256 "])
            assertError(await post("/keys/ec/sign", { alg, value: digest }), 400, "BadParameter");
    });

    test("a version that is none is 400, one that is not there 404", async () => {
        assertError(await post("/keys/ec/abc/sign", { alg: "ES256", value: digest }), 400, "BadParameter");
        assertError(
            await post(`/keys/ec/${"A".repeat(32)}/sign`, { alg: "ES256", value: digest }),
            400,
            "BadParameter",
        );
        assertError(await post(`/keys/ec/${"a".repeat(32)}/sign`, { alg: "ES256", value: digest }), 404, "KeyNotFound");
    });

    test("verify answers false to a signature that cannot be one, not an error", async () => {
        for (const value of [
            "",
            "AA",
            Buffer.alloc(64).toString("base64url"),
            Buffer.alloc(64, 0xff).toString("base64url"),
            Buffer.alloc(72).toString("base64url"),
        ]) {
            const answer = await post("/keys/ec/verify", { alg: "ES256", digest, value });

            assert.equal(answer.status, 200, answer.text);
            assert.equal(answer.json.value, false);
        }
    });
});

describe("api-version", () => {
    test("every version that clients send is taken", async () => {
        for (const version of [
            "7.0",
            "7.1",
            "7.2",
            "7.3",
            "7.4",
            "7.5",
            "7.6",
            "2025-07-01",
            "2026-04-01",
            "2016-10-01",
            "2015-06-01",
            "7.4-preview.1",
            "7.5-preview.1",
            "7.6-preview.2",
            "2031-01-01",
        ])
            assert.equal(
                (await send("GET", `${vault.url}/keys?api-version=${version}`, { token })).status,
                200,
                version,
            );
    });

    test("the SDK's serviceVersion works with all of its values", async () => {
        for (const serviceVersion of ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01"])
            assert.equal((await new KeyClient(vault.url, credential, { serviceVersion }).getKey("ec")).name, "ec");
    });

    test("none is 400, and an unknown one is told the newest that there is", async () => {
        assertError(await send("GET", `${vault.url}/keys`, { token }), 400, "BadParameter");
        assertError(await send("GET", `${vault.url}/keys?api-version=`, { token }), 400, "BadParameter");

        const answer = await send("GET", `${vault.url}/keys?api-version=1.0`, { token });

        assertError(answer, 400, "BadParameter");
        assert.match(
            answer.json.error.message,
            /^The specified version \(1\.0\) is not recognized\. Consider using the latest supported version \([0-9.-]+\)\.$/,
        );
    });
});
