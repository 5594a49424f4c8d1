// Keys and their life, as @azure/keyvault-keys sees it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OwnVault } from "./support/clients.js";

let vault;

before(async () => {
    vault = await OwnVault.create("ck");
});
after(() => vault?.remove());

const rsaOperations = ["decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"];

async function collect(iterator) {
    const all = [];

    for await (const item of iterator) all.push(item);
    return all;
}

function assertFreshProperties(key, name) {
    const age = Date.now() - key.properties.createdOn.getTime();

    assert.equal(key.name, name);
    assert.equal(key.properties.vaultUrl, vault.url);
    assert.match(key.properties.version, /^[0-9a-f]{32}$/);
    assert.equal(key.id, `${vault.url}/keys/${name}/${key.properties.version}`);
    assert.equal(key.properties.enabled, true);
    assert.equal(key.properties.recoveryLevel, "CustomizedRecoverable+Purgeable");
    assert.equal(key.properties.recoverableDays, 7);
    assert.ok(age > -2000 && age < 60000, `created ${age} ms ago`);
    assert.equal(key.properties.expiresOn, undefined);
    assert.equal(key.properties.notBefore, undefined);
    for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k", "t"])
        assert.equal(key.key[secret], undefined, `the private member ${secret} came out`);
}

describe("create", () => {
    for (const size of [2048, 3072, 4096]) {
        test(`an RSA key of ${size} bits has a modulus of that size, e = 65537 and all six operations`, async () => {
            const key = await vault.keys.createRsaKey(`rsa-${size}`, { keySize: size });

            assertFreshProperties(key, `rsa-${size}`);
            assert.equal(key.keyType, "RSA");
            assert.equal(key.key.n.length, size / 8);
            assert.ok(key.key.n[0] >= 0x80);
            assert.deepEqual([...key.key.e], [1, 0, 1]);
            assert.deepEqual([...key.keyOperations].sort(), rsaOperations);
        });
    }

    test("an RSA key without a size has 2048 bits", async () => {
        assert.equal((await vault.keys.createKey("rsa-default", "RSA")).key.n.length, 256);
    });

    test("a key asked for as RSA-HSM or EC-HSM is one", async () => {
        assert.equal((await vault.keys.createRsaKey("rsa-hsm", { hsm: true })).keyType, "RSA-HSM");
        assert.equal((await vault.keys.createEcKey("ec-hsm", { hsm: true })).keyType, "EC-HSM");
    });

    for (const [curve, width] of [
        ["P-256", 32],
        ["P-384", 48],
        ["P-521", 66],
        ["P-256K", 32],
    ]) {
        test(`an EC key on ${curve} has coordinates of ${width} bytes`, async () => {
            const key = await vault.keys.createEcKey(`ec-${curve}`, { curve });

            assertFreshProperties(key, `ec-${curve}`);
            assert.equal(key.keyType, "EC");
            assert.equal(key.key.crv, curve);
            assert.equal(key.key.x.length, width);
            assert.equal(key.key.y.length, width);
            assert.deepEqual([...key.keyOperations].sort(), ["sign", "verify"]);
        });
    }

    test("an EC key without a curve is on P-256", async () => {
        assert.equal((await vault.keys.createEcKey("ec-default")).key.crv, "P-256");
    });

    for (const keySize of [128, 192, 256]) {
        test(`an oct-HSM key of ${keySize} bits shows nothing of itself`, async () => {
            const key = await vault.keys.createOctKey(`oct-${keySize}`, { hsm: true, keySize });

            assertFreshProperties(key, `oct-${keySize}`);
            assert.equal(key.keyType, "oct-HSM");
            assert.deepEqual([...key.keyOperations].sort(), ["decrypt", "encrypt", "unwrapKey", "wrapKey"]);
        });
    }

    test("a vault refuses kty oct: symmetric keys are oct-HSM", async () => {
        await assert.rejects(vault.keys.createOctKey("oct-soft", { keySize: 256 }), {
            statusCode: 400,
            code: "BadParameter",
        });
    });

    test("key_ops, tags, enabled, nbf and exp are those of the request", async () => {
        const notBefore = new Date("2026-01-02T03:04:05Z"),
            expiresOn = new Date("2037-01-02T03:04:05Z");
        const key = await vault.keys.createRsaKey("full", {
            keyOps: ["sign", "verify"],
            enabled: false,
            notBefore,
            expiresOn,
            tags: { stage: "test", ключ: "значение" },
        });

        assert.deepEqual([...key.keyOperations].sort(), ["sign", "verify"]);
        assert.equal(key.properties.enabled, false);
        assert.deepEqual(key.properties.notBefore, notBefore);
        assert.deepEqual(key.properties.expiresOn, expiresOn);
        assert.deepEqual(key.properties.tags, { stage: "test", ключ: "значение" });
    });

    for (const [why, name, kty, options] of [
        ["an RSA size that is none", "bad-size", "RSA", { keySize: 1024 }],
        ["a curve that is none", "bad-curve", "EC", { curve: "P-192" }],
        ["an operation that is none", "bad-op", "RSA", { keyOps: ["juggle"] }],
        ["an operation an EC key does not have", "bad-ec-op", "EC", { keyOps: ["encrypt"] }],
        ["a date beyond 2038, which this SDK sends negative", "bad-date", "EC", { expiresOn: new Date("2040-01-01") }],
        ["an exportable key without a release policy", "bad-export", "EC-HSM", { exportable: true }],
        [
            "sixteen tags",
            "bad-tags",
            "EC",
            { tags: Object.fromEntries([...Array(16).keys()].map((i) => [`t${i}`, ""])) },
        ],
        ["a tag of 257 characters", "bad-tag", "EC", { tags: { t: "x".repeat(257) } }],
        ["a name with an underscore", "bad_name", "EC", {}],
        ["a name of 128 characters", "n".repeat(128), "EC", {}],
    ]) {
        test(`${why} is refused and leaves nothing behind`, async () => {
            await assert.rejects(vault.keys.createKey(name, kty, options), { statusCode: 400, code: "BadParameter" });
            if (/^[0-9A-Za-z-]{1,127}$/.test(name))
                await assert.rejects(vault.keys.getKey(name), { statusCode: 404, code: "KeyNotFound" });
        });
    }

    test("a name of 127 characters and fifteen tags are allowed", async () => {
        const name = "N".repeat(127);
        const tags = Object.fromEntries([...Array(15).keys()].map((i) => [`t${i}`, "v".repeat(256)]));
        const key = await vault.keys.createEcKey(name, { tags });

        assert.equal(key.name, name);
        assert.deepEqual(key.properties.tags, tags);
    });
});

describe("get, versions, names", () => {
    test("create on a live name makes a new version with what the request says", async () => {
        const first = await vault.keys.createEcKey("many", { tags: { n: "1" } });
        const second = await vault.keys.createRsaKey("many", { keyOps: ["sign"] });
        const third = await vault.keys.createEcKey("many", { curve: "P-384" });
        const versions = await collect(vault.keys.listPropertiesOfKeyVersions("many"));
        const newest = await vault.keys.getKey("many");
        const old = await vault.keys.getKey("many", { version: first.properties.version });

        assert.deepEqual(
            new Set(versions.map((v) => v.version)),
            new Set([first, second, third].map((k) => k.properties.version)),
        );
        assert.deepEqual(versions.map((v) => v.id).sort(), [first.id, second.id, third.id].sort());
        assert.equal(newest.id, third.id);
        assert.equal(newest.key.crv, "P-384");
        assert.equal(newest.properties.tags, undefined);
        assert.deepEqual(old.properties.tags, { n: "1" });
        assert.deepEqual(old.key.x, first.key.x);
    });

    test("a name is found in any case and keeps that of its creation", async () => {
        const made = await vault.keys.createEcKey("MixedCase");
        const found = await vault.keys.getKey("mIXEDcASE");
        const again = await vault.keys.createEcKey("MIXEDCASE");

        assert.equal(found.id, made.id);
        assert.equal(again.name, "MixedCase");
        assert.equal((await collect(vault.keys.listPropertiesOfKeyVersions("mixedcase"))).length, 2);
    });

    test("a version of another key is not found under this name", async () => {
        const other = await vault.keys.createEcKey("other");

        await assert.rejects(vault.keys.getKey("many", { version: other.properties.version }), {
            statusCode: 404,
            code: "KeyNotFound",
        });
    });

    test("the version list of a key that is not there is refused", async () => {
        await assert.rejects(collect(vault.keys.listPropertiesOfKeyVersions("nowhere")), { statusCode: 404 });
    });
});

describe("list", () => {
    const names = [...Array(57).keys()].map((i) => `page-${String(i).padStart(3, "0")}`);

    before(async () => {
        for (let i = 0; i < names.length; i += 8)
            await Promise.all(
                names.slice(i, i + 8).map((name) => vault.keys.createEcKey(name, { tags: { list: "yes" } })),
            );
    });

    test("plain iteration goes over page after page and meets each key once", async () => {
        const found = (await collect(vault.keys.listPropertiesOfKeys())).map((p) => p.name);

        assert.equal(new Set(found).size, found.length);
        assert.deepEqual(found.filter((name) => name.startsWith("page-")).sort(), names);
    });

    test("items carry identifiers without a version, and the newest version's attributes and tags", async () => {
        for await (const item of vault.keys.listPropertiesOfKeys()) {
            assert.equal(item.id, `${vault.url}/keys/${item.name}`);
            assert.equal(item.version, undefined);
            if (item.name.startsWith("page-")) assert.deepEqual(item.tags, { list: "yes" });
        }
    });

    for (const maxPageSize of [1, 10, 25]) {
        test(`pages of ${maxPageSize} are never larger, and together they are all`, async () => {
            const found = [];
            let pages = 0;

            for await (const page of vault.keys.listPropertiesOfKeys().byPage({ maxPageSize })) {
                assert.ok(page.length <= maxPageSize);
                found.push(...page.map((p) => p.name));
                pages++;
            }
            assert.equal(new Set(found).size, found.length);
            assert.deepEqual(found.filter((name) => name.startsWith("page-")).sort(), names);
            assert.ok(pages >= Math.ceil(names.length / maxPageSize));
        });
    }

    test("a page size above 25 is refused", async () => {
        await assert.rejects(vault.keys.listPropertiesOfKeys().byPage({ maxPageSize: 26 }).next(), {
            statusCode: 400,
            code: "BadParameter",
        });
    });

    test("keys that stay are neither lost nor repeated while others come and go", async () => {
        const churn = (async () => {
            for (let i = 0; i < 10; i++) {
                await vault.keys.createEcKey(`page-x${i}`);
                await (await vault.keys.beginDeleteKey(`page-x${i}`, { intervalInMs: 10 })).pollUntilDone();
            }
        })();
        const found = [];

        for await (const page of vault.keys.listPropertiesOfKeys().byPage({ maxPageSize: 2 }))
            found.push(...page.map((p) => p.name));
        await churn;
        assert.equal(new Set(found).size, found.length);
        assert.deepEqual(found.filter((name) => /^page-\d/.test(name)).sort(), names);
    });

    test("version lists have pages, too", async () => {
        for (let i = 0; i < 30; i++) await vault.keys.createEcKey("versions");
        assert.equal(
            new Set((await collect(vault.keys.listPropertiesOfKeyVersions("versions"))).map((v) => v.version)).size,
            30,
        );
    });
});

describe("update", () => {
    test("tags given replace the set, tags absent keep it, empty tags clear it", async () => {
        await vault.keys.createEcKey("tags", { tags: { a: "1", b: "2" } });
        assert.deepEqual((await vault.keys.updateKeyProperties("tags", { tags: { c: "3" } })).properties.tags, {
            c: "3",
        });
        assert.deepEqual((await vault.keys.updateKeyProperties("tags", { enabled: true })).properties.tags, { c: "3" });
        assert.deepEqual((await vault.keys.updateKeyProperties("tags", { tags: {} })).properties.tags ?? {}, {});
        assert.deepEqual((await vault.keys.getKey("tags")).properties.tags ?? {}, {});
    });

    test("enabled, key_ops, nbf and exp change one by one", async () => {
        const expiresOn = new Date("2030-05-06T07:08:09Z"),
            notBefore = new Date("2025-05-06T07:08:09Z");

        await vault.keys.createRsaKey("change");
        assert.equal((await vault.keys.updateKeyProperties("change", { enabled: false })).properties.enabled, false);
        assert.deepEqual(
            (await vault.keys.updateKeyProperties("change", { expiresOn })).properties.expiresOn,
            expiresOn,
        );
        assert.deepEqual(
            (await vault.keys.updateKeyProperties("change", { notBefore })).properties.notBefore,
            notBefore,
        );
        assert.deepEqual((await vault.keys.updateKeyProperties("change", { keyOps: ["verify"] })).keyOperations, [
            "verify",
        ]);

        const key = await vault.keys.getKey("change");

        assert.equal(key.properties.enabled, false);
        assert.deepEqual(key.properties.expiresOn, expiresOn);
        assert.deepEqual(key.properties.notBefore, notBefore);
        assert.deepEqual(key.keyOperations, ["verify"]);
    });

    test("with a version only that version changes, without one the newest", async () => {
        const old = await vault.keys.createEcKey("which");
        const young = await vault.keys.createEcKey("which");

        await vault.keys.updateKeyProperties("which", old.properties.version, { tags: { which: "old" } });
        await vault.keys.updateKeyProperties("which", { tags: { which: "young" } });
        assert.deepEqual((await vault.keys.getKey("which", { version: old.properties.version })).properties.tags, {
            which: "old",
        });
        assert.deepEqual((await vault.keys.getKey("which", { version: young.properties.version })).properties.tags, {
            which: "young",
        });
    });

    test("`updated` moves, `created` and the key itself stay", async () => {
        const made = await vault.keys.createEcKey("stays");
        const changed = await vault.keys.updateKeyProperties("stays", { tags: { x: "y" } });

        assert.equal(changed.id, made.id);
        assert.deepEqual(changed.key.x, made.key.x);
        assert.deepEqual(changed.properties.createdOn, made.properties.createdOn);
        assert.ok(changed.properties.updatedOn >= made.properties.updatedOn);
    });

    test("a key that is not there cannot be updated", async () => {
        await assert.rejects(vault.keys.updateKeyProperties("nowhere", { enabled: false }), {
            statusCode: 404,
            code: "KeyNotFound",
        });
    });
});

describe("delete, recover, purge", () => {
    test("a deleted key is under deletedkeys at once and nowhere else, and comes back whole", async () => {
        const first = await vault.keys.createRsaKey("gone", { tags: { keep: "me" } });
        const second = await vault.keys.createEcKey("gone", { tags: { and: "me" }, keyOps: ["sign"] });
        const poller = await vault.keys.beginDeleteKey("gone");
        const deleted = await poller.pollUntilDone();

        assert.equal(deleted.name, "gone");
        assert.equal(deleted.properties.recoveryId, `${vault.url}/deletedkeys/gone`);
        assert.equal(deleted.properties.scheduledPurgeDate - deleted.properties.deletedOn, 7 * 86400 * 1000);
        assert.equal((await vault.keys.getDeletedKey("gone")).properties.recoveryId, deleted.properties.recoveryId);
        assert.ok((await collect(vault.keys.listDeletedKeys())).some((k) => k.name === "gone"));
        assert.ok(!(await collect(vault.keys.listPropertiesOfKeys())).some((k) => k.name === "gone"));
        await assert.rejects(vault.keys.getKey("gone"), { statusCode: 404, code: "KeyNotFound" });
        await assert.rejects(vault.keys.getKey("gone", { version: first.properties.version }), { statusCode: 404 });
        await assert.rejects(vault.crypto(second).sign("ES256", Buffer.alloc(32)), {
            statusCode: 404,
            code: "KeyNotFound",
        });
        await assert.rejects(vault.keys.createEcKey("gone"), (error) => {
            assert.equal(error.statusCode, 409);
            assert.equal(error.code, "Conflict");
            assert.equal(error.details.error.innerError.code, "ObjectIsDeletedButRecoverable");
            return true;
        });

        await (await vault.keys.beginRecoverDeletedKey("gone")).pollUntilDone();

        const back = await vault.keys.getKey("gone");
        const old = await vault.keys.getKey("gone", { version: first.properties.version });

        assert.equal(back.id, second.id);
        assert.deepEqual(back.properties.tags, { and: "me" });
        assert.deepEqual(back.keyOperations, ["sign"]);
        assert.deepEqual(old.properties.tags, { keep: "me" });
        assert.deepEqual(old.key.n, first.key.n);
        assert.equal((await vault.crypto(back).sign("ES256", Buffer.alloc(32))).result.length, 64);
        await assert.rejects(vault.keys.getDeletedKey("gone"), { statusCode: 404, code: "KeyNotFound" });
    });

    test("a purged key is gone for good, and its name is free again", async () => {
        const first = await vault.keys.createEcKey("purged");

        await (await vault.keys.beginDeleteKey("purged", { intervalInMs: 10 })).pollUntilDone();
        assert.equal(await vault.keys.purgeDeletedKey("purged"), undefined);
        await assert.rejects(vault.keys.getDeletedKey("purged"), { statusCode: 404, code: "KeyNotFound" });
        await assert.rejects(vault.keys.purgeDeletedKey("purged"), { statusCode: 404 });
        await assert.rejects(vault.keys.beginRecoverDeletedKey("purged"), { statusCode: 404 });

        const second = await vault.keys.createEcKey("purged");

        assert.notDeepEqual(second.key.x, first.key.x);
        assert.equal((await collect(vault.keys.listPropertiesOfKeyVersions("purged"))).length, 1);
    });

    test("a live key cannot be purged or recovered, a missing one not deleted", async () => {
        await vault.keys.createEcKey("alive");
        await assert.rejects(vault.keys.purgeDeletedKey("alive"), { statusCode: 404 });
        await assert.rejects(vault.keys.beginDeleteKey("nowhere"), { statusCode: 404, code: "KeyNotFound" });
        assert.equal((await vault.keys.getKey("alive")).name, "alive");
    });

    test("deleted keys are listed in pages", async () => {
        const names = [...Array(28).keys()].map((i) => `bin-${i}`);

        for (const name of names) {
            await vault.keys.createEcKey(name);
            await vault.keys.beginDeleteKey(name, { intervalInMs: 10 });
        }

        const found = (await collect(vault.keys.listDeletedKeys())).map((k) => k.name);

        assert.equal(new Set(found).size, found.length);
        for (const name of names) assert.ok(found.includes(name), `${name} is missing`);
    });
});
