// The SDKs' clients, made with no option that a user would not have to give. Nothing here works around anything.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { ClientSecretCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { site, vaultResource, vaultUrlOf } from "./site.js";

export const identityOptions = { authorityHost: site.authority, disableInstanceDiscovery: true };

export function newCredential(tenant = site.tenant) {
    return new ClientSecretCredential(tenant, site.clientId, site.clientSecret, identityOptions);
}

export function credentialOf(application) {
    return new ClientSecretCredential(site.tenant, application.clientId, application.clientSecret, identityOptions);
}

export const credential = newCredential();

export function managementClient(who = credential) {
    return new KeyVaultManagementClient(who, site.subscription, { endpoint: site.armUrl });
}

export async function accessToken(who = credential, resource = vaultResource) {
    return (await who.getToken(`${resource}/.default`)).token;
}

export function claimsOf(token) {
    return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}

export async function objectIdOf(who = credential) {
    return claimsOf(await accessToken(who)).oid;
}

const patienceMs = 60000;
let slowestMs = 0;

// Ask until `holds()`: a change reaches the other daemon by itself. How quick it must be is no test's to say on a busy
// machine; the slowest is told at the end.
export async function until(what, holds) {
    const begin = performance.now();

    while (!(await holds())) assert.ok(performance.now() - begin < patienceMs, `${what}: not within a minute`);
    slowestMs = Math.max(slowestMs, performance.now() - begin);
}

process.on("exit", () => console.log(`# the slowest change took ${Math.round(slowestMs)} ms to arrive`));

export function uniqueName(prefix) {
    return `${prefix}${randomBytes(5).toString("hex")}`;
}

export const allKeyPermissions = [
    "encrypt",
    "decrypt",
    "wrapKey",
    "unwrapKey",
    "sign",
    "verify",
    "get",
    "list",
    "create",
    "update",
    "import",
    "delete",
    "backup",
    "restore",
    "recover",
    "purge",
];

// The body of a vault with access policies, of the premium SKU (it alone has oct-HSM and *-HSM keys).
export function vaultParameters(policies, properties = {}) {
    return {
        location: site.location,
        properties: {
            tenantId: site.tenant,
            sku: { family: "A", name: "premium" },
            enableRbacAuthorization: false,
            softDeleteRetentionInDays: 7,
            accessPolicies: policies,
            ...properties,
        },
    };
}

export function policyFor(objectId, keys = allKeyPermissions) {
    return { tenantId: site.tenant, objectId, permissions: { keys } };
}

// For what is refused until a change has arrived: false for a 403, any other error goes on.
export function ifForbidden(error) {
    if (error.statusCode !== 403) throw error;
    return false;
}

// A vault of one test file's own, and the clients for it.
export class OwnVault {
    static async create(prefix) {
        const vault = new OwnVault();

        vault.name = uniqueName(prefix);
        vault.management = managementClient();
        vault.objectId = await objectIdOf();
        vault.resource = await vault.management.vaults.createOrUpdate(
            site.resourceGroup,
            vault.name,
            vaultParameters([policyFor(vault.objectId)]),
        );
        vault.url = vaultUrlOf(vault.name);
        await vault.ready();
        vault.keys = new KeyClient(vault.url, credential);
        return vault;
    }

    // vaultd learns of a new vault by itself.
    async ready() {
        const client = new KeyClient(this.url, credential, { retryOptions: { maxRetries: 0 } });
        const answers = () =>
            client
                .listPropertiesOfKeys()
                .next()
                .then(() => true, ifForbidden);

        await until(`the vault ${this.name}`, answers);
    }

    crypto(key, who = credential) {
        return new CryptographyClient(key, who);
    }

    async remove() {
        await this.management.vaults.delete(site.resourceGroup, this.name);
        await this.management.vaults.purgeDeleted(this.name, site.location);
    }
}
