// Vaults and their access policies, as @azure/arm-keyvault sees them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { randomUUID } from "node:crypto";
import { KeyClient } from "@azure/keyvault-keys";
import {
    accessToken,
    allKeyPermissions,
    credential,
    credentialOf,
    managementClient,
    objectIdOf,
    policyFor,
    uniqueName,
    until,
    vaultParameters,
} from "./support/clients.js";
import { newApplication } from "./support/operator.js";
import { site, vaultUrlOf } from "./support/site.js";
import { send } from "./support/wire.js";

const group = site.resourceGroup;
const management = managementClient();
const made = new Set();
let me, other, stranger;

before(async () => {
    me = await objectIdOf();
    other = await newApplication("another");
    stranger = credentialOf(other);
});

after(async () => {
    for (const name of made) {
        await management.vaults.delete(group, name);
        await management.vaults
            .purgeDeleted(name, site.location)
            .pollUntilDone()
            .catch(() => {});
    }
});

async function create(policies = [policyFor(me)], properties = {}, name = uniqueName("cm")) {
    const vault = await management.vaults.createOrUpdate(group, name, vaultParameters(policies, properties));

    made.add(name);
    return vault;
}

async function collect(iterator) {
    const all = [];

    for await (const item of iterator) all.push(item);
    return all;
}

// Until the data plane answers a caller as `wanted` says.
async function untilStatus(name, who, wanted) {
    const token = await accessToken(who);

    await until(
        `${wanted} from the vault ${name}`,
        async () => (await send("GET", `${vaultUrlOf(name)}/keys?api-version=7.4`, { token })).status === wanted,
    );
}

describe("vaults", () => {
    test("a created vault says what it was given, and where it answers", async () => {
        const vault = await create([policyFor(me, ["get", "sign"])], { enabledForDeployment: true });

        assert.equal(vault.type, "Microsoft.KeyVault/vaults");
        assert.equal(
            vault.id,
            `/subscriptions/${site.subscription}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${vault.name}`,
        );
        assert.equal(vault.location, site.location);
        assert.deepEqual(vault.properties.sku, { family: "A", name: "premium" });
        assert.equal(vault.properties.tenantId, site.tenant);
        assert.equal(vault.properties.vaultUri, `${vaultUrlOf(vault.name)}/`);
        assert.equal(vault.properties.provisioningState, "Succeeded");
        assert.equal(vault.properties.enableSoftDelete, true);
        assert.equal(vault.properties.softDeleteRetentionInDays, 7);
        assert.equal(vault.properties.enableRbacAuthorization, false);
        assert.equal(vault.properties.enabledForDeployment, true);
        assert.equal(vault.properties.publicNetworkAccess, "Enabled");
        assert.equal(vault.properties.enablePurgeProtection ?? false, false);
        assert.equal(vault.properties.accessPolicies.length, 1);
        assert.equal(vault.properties.accessPolicies[0].objectId, me);
        assert.deepEqual([...vault.properties.accessPolicies[0].permissions.keys].sort(), ["get", "sign"]);

        const read = await management.vaults.get(group, vault.name);

        assert.deepEqual(read.properties, vault.properties);
        assert.deepEqual((await management.vaults.get(group.toUpperCase(), vault.name.toUpperCase())).id, vault.id);
    });

    test("with this client's api-version a vault that says nothing of RBAC is one with RBAC", async () => {
        const vault = await create([], { enableRbacAuthorization: undefined });

        assert.equal(vault.properties.enableRbacAuthorization, true);
    });

    test("update changes what it names and keeps the rest", async () => {
        const vault = await create();
        const updated = await management.vaults.update(group, vault.name, {
            tags: { a: "b" },
            properties: { enabledForTemplateDeployment: true },
        });

        assert.deepEqual(updated.tags, { a: "b" });
        assert.equal(updated.properties.enabledForTemplateDeployment, true);
        assert.deepEqual(updated.properties.accessPolicies, vault.properties.accessPolicies);
        assert.deepEqual(updated.properties.sku, vault.properties.sku);
        assert.equal((await management.vaults.get(group, vault.name)).tags.a, "b");
    });

    test("vaults are listed by group, by subscription and as resources", async () => {
        const names = [];

        for (let i = 0; i < 3; i++) names.push((await create()).name);

        const byGroup = (await collect(management.vaults.listByResourceGroup(group))).map((v) => v.name);
        const bySubscription = await collect(management.vaults.listBySubscription());
        const resources = await collect(management.vaults.list());

        for (const name of names) {
            assert.ok(byGroup.includes(name));
            assert.equal(bySubscription.find((v) => v.name === name).properties.vaultUri, `${vaultUrlOf(name)}/`);
            assert.equal(resources.find((r) => r.name === name).type, "Microsoft.KeyVault/vaults");
        }
        assert.equal(new Set(bySubscription.map((v) => v.id)).size, bySubscription.length);
        await assert.rejects(collect(management.vaults.listByResourceGroup("nobody-s-group")), {
            statusCode: 404,
            code: "ResourceGroupNotFound",
        });
    });

    test("lists have pages when a page size is asked for", async () => {
        const found = [];

        for await (const page of management.vaults.listBySubscription({ top: 1 }).byPage())
            found.push(...page.map((v) => v.name));
        for (const name of made) assert.ok(found.includes(name), `${name} is missing`);
        assert.equal(new Set(found).size, found.length);
    });

    test("a name can be asked for before it is taken", async () => {
        const type = "Microsoft.KeyVault/vaults";
        const vault = await create();
        const ask = (name) => management.vaults.checkNameAvailability({ name, type });

        assert.equal((await ask(uniqueName("cm"))).nameAvailable, true);
        assert.deepEqual(
            [(await ask(vault.name)).nameAvailable, (await ask(vault.name)).reason],
            [false, "AlreadyExists"],
        );
        for (const bad of ["ab", "1abc", "a_b", "x".repeat(25), "a--b", "abc-"])
            assert.equal((await ask(bad)).reason, "AccountNameInvalid", bad);
    });

    for (const [why, name, change, status, code] of [
        ["a name that is none", "a_b", {}, 400, "VaultNameNotValid"],
        ["a SKU that is none", undefined, { sku: { family: "A", name: "gold" } }, 400, undefined],
        ["a retention of 6 days", undefined, { softDeleteRetentionInDays: 6 }, 400, undefined],
        ["another tenant", undefined, { tenantId: randomUUID() }, 400, undefined],
        ["purge protection of false", undefined, { enablePurgeProtection: false }, 400, undefined],
        ["soft delete switched off", undefined, { enableSoftDelete: false }, 400, undefined],
    ]) {
        test(`${why} is refused, and no vault comes of it`, async () => {
            const wanted = name ?? uniqueName("cm");

            await assert.rejects(
                management.vaults.createOrUpdate(group, wanted, { ...vaultParameters([policyFor(me)], change) }),
                (error) => {
                    assert.equal(error.statusCode, status, error.stack);
                    if (code) assert.equal(error.code, code);
                    return true;
                },
            );
            await assert.rejects(management.vaults.get(group, wanted), { statusCode: 404 });
        });
    }

    test("a body that the SDK would not send: no SKU, no location, no tenant, no properties", async () => {
        const name = uniqueName("cm");
        const url = `${site.armUrl}/subscriptions/${site.subscription}/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${name}?api-version=2023-07-01`;
        const token = await accessToken(credential, site.armUrl);
        const { location, properties } = vaultParameters([policyFor(me)]);
        const { sku, ...noSku } = properties;
        const { tenantId, ...noTenant } = properties;

        assert.ok(sku && tenantId);
        for (const body of [
            { location, properties: noSku },
            { location, properties: noTenant },
            { properties },
            { location },
            {},
            { location, properties: [] },
        ]) {
            const answer = await send("PUT", url, { token, body });

            assert.equal(answer.status, 400, JSON.stringify(body));
            assert.ok(answer.json.error.code.length > 0 && answer.json.error.message.length > 0);
        }
        assert.equal((await send("GET", url, { token })).status, 404);
    });

    test("a vault that is not there is ResourceNotFound for get and update; deleting it is done already", async () => {
        const name = uniqueName("cm");

        await assert.rejects(management.vaults.get(group, name), { statusCode: 404, code: "ResourceNotFound" });
        await assert.rejects(management.vaults.update(group, name, { tags: {} }), { statusCode: 404 });
        await management.vaults.delete(group, name);
    });
});

describe("delete, recover, purge", () => {
    test("a deleted vault keeps its name, is listed as deleted, comes back with its keys, and can be purged", async () => {
        const vault = await create();
        const keys = new KeyClient(vaultUrlOf(vault.name), credential);

        await untilStatus(vault.name, credential, 200);

        const key = await keys.createEcKey("survivor");

        await management.vaults.delete(group, vault.name);
        await untilStatus(vault.name, credential, 403);
        await assert.rejects(management.vaults.get(group, vault.name), { statusCode: 404, code: "ResourceNotFound" });

        const deleted = await management.vaults.getDeleted(vault.name, site.location);

        assert.equal(deleted.type, "Microsoft.KeyVault/deletedVaults");
        assert.equal(deleted.properties.vaultId, vault.id);
        assert.equal(deleted.properties.scheduledPurgeDate - deleted.properties.deletionDate, 7 * 86400 * 1000);
        assert.ok((await collect(management.vaults.listDeleted())).some((v) => v.name === vault.name));
        assert.equal(
            (await management.vaults.checkNameAvailability({ name: vault.name, type: "Microsoft.KeyVault/vaults" }))
                .nameAvailable,
            false,
        );
        await assert.rejects(management.vaults.createOrUpdate(group, vault.name, vaultParameters([policyFor(me)])), {
            statusCode: 409,
            code: "VaultAlreadyExists",
        });

        await management.vaults.createOrUpdate(
            group,
            vault.name,
            vaultParameters([policyFor(me)], { createMode: "recover" }),
        );
        await untilStatus(vault.name, credential, 200);
        assert.equal((await keys.getKey("survivor")).id, key.id);

        await management.vaults.delete(group, vault.name);
        await management.vaults.purgeDeleted(vault.name, site.location);
        made.delete(vault.name);
        await assert.rejects(management.vaults.getDeleted(vault.name, site.location), { statusCode: 404 });
        assert.equal(
            (await management.vaults.checkNameAvailability({ name: vault.name, type: "Microsoft.KeyVault/vaults" }))
                .nameAvailable,
            true,
        );
    });

    test("a vault made again under a purged name is empty", async () => {
        const vault = await create();
        const keys = new KeyClient(vaultUrlOf(vault.name), credential);

        await untilStatus(vault.name, credential, 200);
        await keys.createEcKey("old");
        await management.vaults.delete(group, vault.name);
        await management.vaults.purgeDeleted(vault.name, site.location);
        await create([policyFor(me)], {}, vault.name);
        await untilStatus(vault.name, credential, 200);
        assert.deepEqual(await collect(keys.listPropertiesOfKeys()), []);
        await assert.rejects(keys.getKey("old"), { statusCode: 404 });
        await assert.rejects(keys.getDeletedKey("old"), { statusCode: 404 });
    });

    test("purge protection holds for the vault and for its keys, and cannot be taken back", async () => {
        const vault = await create([policyFor(me)], { enablePurgeProtection: true });
        const keys = new KeyClient(vaultUrlOf(vault.name), credential);

        await untilStatus(vault.name, credential, 200);
        await keys.createEcKey("kept");
        await (await keys.beginDeleteKey("kept", { intervalInMs: 10 })).pollUntilDone();
        await assert.rejects(keys.purgeDeletedKey("kept"), { statusCode: 403, code: "Forbidden" });
        assert.equal((await keys.getDeletedKey("kept")).properties.recoveryLevel, "CustomizedRecoverable");
        await assert.rejects(
            management.vaults.update(group, vault.name, { properties: { enablePurgeProtection: false } }),
            { statusCode: 400 },
        );
        await management.vaults.delete(group, vault.name);
        await assert.rejects((async () => management.vaults.purgeDeleted(vault.name, site.location))(), (error) =>
            [400, 403, 409].includes(error.statusCode),
        );
        assert.equal(
            (await management.vaults.getDeleted(vault.name, site.location)).properties.purgeProtectionEnabled,
            true,
        );
    });

    test("what is not deleted can be neither recovered nor purged", async () => {
        const name = uniqueName("cm");

        await assert.rejects(
            management.vaults.createOrUpdate(group, name, vaultParameters([], { createMode: "recover" })),
            { statusCode: 404 },
        );
        await assert.rejects((async () => management.vaults.purgeDeleted(name, site.location))(), { statusCode: 404 });
        await assert.rejects(management.vaults.getDeleted(name, site.location), { statusCode: 404 });
    });
});

describe("access policies", () => {
    const policies = (objectId, keys) => ({ properties: { accessPolicies: [policyFor(objectId, keys)] } });

    test("add merges, replace replaces, remove takes away; the data plane follows within a second", async () => {
        const { name } = await create();
        const change = (kind, keys) =>
            management.vaults.updateAccessPolicy(group, name, kind, policies(other.objectId, keys));
        const permissions = async () =>
            (await management.vaults.get(group, name)).properties.accessPolicies
                .find((p) => p.objectId === other.objectId)
                ?.permissions.keys?.slice()
                .sort();

        await untilStatus(name, credential, 200);
        await untilStatus(name, stranger, 403);

        await change("add", ["list"]);
        await untilStatus(name, stranger, 200);
        await change("add", ["get", "sign"]);
        assert.deepEqual(await permissions(), ["get", "list", "sign"]);
        await change("replace", ["get"]);
        assert.deepEqual(await permissions(), ["get"]);
        await untilStatus(name, stranger, 403);
        await change("replace", ["list", "get"]);
        await untilStatus(name, stranger, 200);
        await change("remove", ["list", "get"]);
        await untilStatus(name, stranger, 403);
        assert.deepEqual((await permissions()) ?? [], []);
    });

    test("every permission stands for its operation and for no other", async () => {
        const { name } = await create();
        const url = vaultUrlOf(name);
        const owner = await accessToken(),
            token = await accessToken(stranger);
        const digest = Buffer.alloc(32).toString("base64url");
        const requests = {
            get: ["GET", "/keys/k"],
            list: ["GET", "/keys"],
            create: ["POST", "/keys/new/create", { kty: "EC" }],
            update: ["PATCH", "/keys/k", { tags: {} }],
            delete: ["DELETE", "/keys/none"],
            recover: ["POST", "/deletedkeys/none/recover"],
            purge: ["DELETE", "/deletedkeys/none"],
            sign: ["POST", "/keys/k/sign", { alg: "RS256", value: digest }],
            verify: ["POST", "/keys/k/verify", { alg: "RS256", digest, value: "AA" }],
            encrypt: ["POST", "/keys/k/encrypt", { alg: "RSA-OAEP", value: "AA" }],
            decrypt: ["POST", "/keys/k/decrypt", { alg: "RSA-OAEP", value: "AA" }],
            wrapKey: ["POST", "/keys/k/wrapkey", { alg: "RSA-OAEP", value: "AA" }],
            unwrapKey: ["POST", "/keys/k/unwrapkey", { alg: "RSA-OAEP", value: "AA" }],
        };

        await untilStatus(name, credential, 200);
        assert.equal(
            (await send("POST", `${url}/keys/k/create?api-version=7.4`, { token: owner, body: { kty: "RSA" } })).status,
            200,
        );
        for (const granted of Object.keys(requests)) {
            await management.vaults.updateAccessPolicy(group, name, "replace", policies(other.objectId, [granted]));

            const ask = (operation) =>
                send(requests[operation][0], `${url}${requests[operation][1]}?api-version=7.4`, {
                    token,
                    body: requests[operation][2],
                });

            await until(`the permission ${granted}`, async () => (await ask(granted)).status !== 403);
            for (const operation of Object.keys(requests)) {
                const { status } = await ask(operation);

                assert.equal(
                    status === 403,
                    operation !== granted,
                    `${operation} with the permission ${granted}: ${status}`,
                );
            }
        }
    });

    test("`all` is all of them", async () => {
        const { name } = await create([policyFor(me), policyFor(other.objectId, ["all"])]);

        await untilStatus(name, stranger, 200);
        assert.equal((await new KeyClient(vaultUrlOf(name), stranger).createEcKey("by-all")).name, "by-all");
    });

    test("a PUT of the whole vault replaces the policies, and takes effect within a second", async () => {
        const { name } = await create([policyFor(me), policyFor(other.objectId)]);

        await untilStatus(name, stranger, 200);
        await management.vaults.createOrUpdate(group, name, vaultParameters([policyFor(me)]));
        await untilStatus(name, stranger, 403);
        await untilStatus(name, credential, 200);
    });

    test("a policy of another tenant gives nothing", async () => {
        const foreign = { ...policyFor(other.objectId), tenantId: randomUUID() };
        const outcome = await create([policyFor(me), foreign]).catch((error) => error);

        if (outcome instanceof Error) {
            assert.equal(outcome.statusCode, 400);
            return;
        }
        await untilStatus(outcome.name, credential, 200);
        await untilStatus(outcome.name, stranger, 403);
    });

    test("unknown permissions and a wrong kind of change are refused", async () => {
        const { name } = await create();

        await assert.rejects(
            management.vaults.updateAccessPolicy(group, name, "add", policies(other.objectId, ["everything"])),
            { statusCode: 400 },
        );
        await assert.rejects(
            management.vaults.updateAccessPolicy(group, name, "invert", policies(other.objectId, ["get"])),
            (error) => [400, 404, 405].includes(error.statusCode),
        );
        await assert.rejects(
            management.vaults.updateAccessPolicy(group, uniqueName("cm"), "add", policies(other.objectId, ["get"])),
            { statusCode: 404 },
        );
    });
});

describe("roles", () => {
    const cryptoOfficer = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
        cryptoUser = "12338af0-0e69-4776-bea7-57ae8d297424";
    const contributor = "f25e0fa2-a7c8-4377-a976-54943a77a395",
        reader = "21090545-7ca7-4776-b22c-e363652d74d2";
    const api = "api-version=2022-04-01";

    // There is no SDK for roles among ours: by hand, as arm-authorization sends it.
    async function assign(scope, role, principalId = other.objectId) {
        const id = randomUUID();
        const answer = await send(
            "PUT",
            `${site.armUrl}${scope}/providers/Microsoft.Authorization/roleAssignments/${id}?${api}`,
            {
                token: await accessToken(credential, site.armUrl),
                body: {
                    properties: {
                        roleDefinitionId: `/subscriptions/${site.subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
                        principalId,
                        principalType: "ServicePrincipal",
                    },
                },
            },
        );

        return { id, ...answer };
    }

    const unassign = async (scope, id) =>
        send("DELETE", `${site.armUrl}${scope}/providers/Microsoft.Authorization/roleAssignments/${id}?${api}`, {
            token: await accessToken(credential, site.armUrl),
        });

    test("in a vault with RBAC a role opens what it names, within a second, and no longer than it is there", async () => {
        const vault = await create([policyFor(me), policyFor(other.objectId)], { enableRbacAuthorization: true });
        const token = await accessToken(stranger);
        const url = vaultUrlOf(vault.name);

        assert.equal((await assign(vault.id, cryptoOfficer, me)).status, 201);
        await untilStatus(vault.name, credential, 200);
        await new KeyClient(url, credential).createEcKey("k");
        await untilStatus(vault.name, stranger, 403); // its access policies count for nothing

        const made = await assign(vault.id, cryptoUser);

        assert.equal(made.status, 201, made.text);
        await untilStatus(vault.name, stranger, 200);
        assert.equal(
            (
                await send("POST", `${url}/keys/k/sign?api-version=7.4`, {
                    token,
                    body: { alg: "ES256", value: Buffer.alloc(32).toString("base64url") },
                })
            ).status,
            200,
        );
        assert.equal(
            (await send("POST", `${url}/keys/new/create?api-version=7.4`, { token, body: { kty: "EC" } })).status,
            403,
        );
        assert.equal((await send("DELETE", `${url}/keys/k?api-version=7.4`, { token })).status, 403);

        assert.equal((await unassign(vault.id, made.id)).status, 200);
        await untilStatus(vault.name, stranger, 403);
        assert.equal((await unassign(vault.id, made.id)).status, 204);
    });

    test("a role at one key opens that key alone", async () => {
        const vault = await create([], { enableRbacAuthorization: true });
        const url = vaultUrlOf(vault.name);

        assert.equal((await assign(vault.id, cryptoOfficer, me)).status, 201);
        await untilStatus(vault.name, credential, 200);
        await new KeyClient(url, credential).createEcKey("mine");
        await new KeyClient(url, credential).createEcKey("yours");

        const made = await assign(`${vault.id}/keys/yours`, cryptoUser);
        const token = await accessToken(stranger);
        const get = (path) => send("GET", `${url}/keys${path}?api-version=7.4`, { token });

        assert.equal(made.status, 201, made.text);
        await until("the role at one key", async () => (await get("/yours")).status === 200);
        assert.equal((await get("/mine")).status, 403);
        assert.equal((await get("")).status, 403);
    });

    test("a role for data gives nothing on the management plane, and the other way round", async () => {
        const vault = await create([], { enableRbacAuthorization: true });

        assert.equal((await assign(vault.id, cryptoUser)).status, 201);
        assert.equal((await assign(vault.id, contributor)).status, 201);

        const client = managementClient(stranger);

        await until("the contributor's role", () => client.vaults.get(group, vault.name).catch(() => undefined));
        await client.vaults.update(group, vault.name, { tags: { by: "contributor" } });
        await untilStatus(vault.name, stranger, 200); // cryptoUser's right, not the contributor's
        await assert.rejects(client.vaults.purgeDeleted("none", site.location).pollUntilDone(), { statusCode: 403 });

        const mine = await send(
            "PUT",
            `${site.armUrl}${vault.id}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}?${api}`,
            {
                token: await accessToken(stranger, site.armUrl),
                body: {
                    properties: {
                        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${reader}`,
                        principalId: other.objectId,
                    },
                },
            },
        );

        assert.equal(mine.status, 403, "nobody gives himself a role");
    });
});

describe("who may manage", () => {
    test("an application without a role is AuthorizationFailed, for vaults that are there and that are not", async () => {
        const { name } = await create();
        const client = managementClient(stranger);

        for (const which of [name, uniqueName("cm")]) {
            await assert.rejects(client.vaults.get(group, which), { statusCode: 403, code: "AuthorizationFailed" });
            await assert.rejects(
                client.vaults.createOrUpdate(
                    group,
                    which,
                    vaultParameters([policyFor(other.objectId, allKeyPermissions)]),
                ),
                { statusCode: 403, code: "AuthorizationFailed" },
            );
            await assert.rejects(client.vaults.delete(group, which), { statusCode: 403, code: "AuthorizationFailed" });
            await assert.rejects(
                client.vaults.updateAccessPolicy(group, which, "add", {
                    properties: { accessPolicies: [policyFor(other.objectId)] },
                }),
                { statusCode: 403, code: "AuthorizationFailed" },
            );
        }
        assert.equal((await management.vaults.get(group, name)).name, name);
        await untilStatus(name, credential, 200);
        await untilStatus(name, stranger, 403);
    });

    test("without a token, and without an api-version", async () => {
        const url = `${site.armUrl}/subscriptions/${site.subscription}/providers/Microsoft.KeyVault/vaults`;
        const none = await send("GET", `${url}?api-version=2023-02-01`);
        const noVersion = await send("GET", url, { token: await accessToken(credential, site.armUrl) });

        assert.equal(none.status, 401);
        assert.match(
            none.headers["www-authenticate"],
            /^Bearer authorization_uri="https:\/\/[^"]+", error="invalid_token"/,
        );
        assert.equal(noVersion.status, 400);
        assert.equal(noVersion.json.error.code, "MissingApiVersionParameter");
    });
});
