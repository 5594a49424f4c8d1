// Where the appliance is and who we are: the variables that `provisioning/quickstart env` prints.

function variable(name) {
    const value = process.env[name];

    if (!value) throw new Error(`${name} is not set: start these tests by tests/clients/run`);
    return value.replace(/\/$/, "");
}

export const site = {
    vaultUrl: variable("STRONGROOM_VAULT_URL"),
    armUrl: variable("STRONGROOM_ARM_URL"),
    authority: variable("STRONGROOM_AUTHORITY"),
    tenant: variable("STRONGROOM_TENANT"),
    clientId: variable("STRONGROOM_CLIENT_ID"),
    clientSecret: variable("STRONGROOM_CLIENT_SECRET"),
    subscription: variable("STRONGROOM_SUBSCRIPTION"),
    resourceGroup: variable("STRONGROOM_RESOURCE_GROUP"),
    ca: variable("STRONGROOM_CA"),
    location: process.env.STRONGROOM_LOCATION ?? "local",
};

const demo = new URL(site.vaultUrl);

// "https://vault.localhost:8443": what a vault's tokens are for, and the parent of every vault's host name.
export const vaultResource = `https://${demo.host.slice(demo.host.indexOf(".") + 1)}`;

export function vaultUrlOf(name) {
    return vaultResource.replace("https://", `https://${name}.`);
}
