// Logging in: @azure/identity against the built-in authority, and the authority's own protocol.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { ClientCertificateCredential, ClientSecretCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";
import { OwnVault, accessToken, claimsOf, identityOptions, newCredential } from "./support/clients.js";
import { application, inDirectory, newApplication, newCertificate } from "./support/operator.js";
import { site, vaultResource } from "./support/site.js";
import { send } from "./support/wire.js";

let vault;

before(async () => {
    vault = await OwnVault.create("cg");
    await vault.keys.createEcKey("k");
});
after(() => vault?.remove());

const scope = `${vaultResource}/.default`;

function tokenRequest(form, { path = `/${site.tenant}/oauth2/v2.0/token`, headers = {} } = {}) {
    return send("POST", `${site.authority}${path}`, {
        body: new URLSearchParams(form).toString(),
        headers: { "content-type": "application/x-www-form-urlencoded;charset=utf-8", ...headers },
    });
}

const goodForm = {
    grant_type: "client_credentials",
    client_id: site.clientId,
    client_secret: site.clientSecret,
    scope,
};

describe("client secret", () => {
    test("ClientSecretCredential with the tenant opens the vault", async () => {
        assert.equal((await new KeyClient(vault.url, newCredential()).getKey("k")).name, "k");
    });

    test("ClientSecretCredential with tenant adfs opens it, too, without instance discovery being switched off", async () => {
        const credential = new ClientSecretCredential("adfs", site.clientId, site.clientSecret, {
            authorityHost: site.authority,
        });

        assert.equal((await new KeyClient(vault.url, credential).getKey("k")).name, "k");
    });

    for (const kind of ["DefaultAzureCredential", "EnvironmentCredential"]) {
        test(`an unmodified program with ${kind} works by environment alone (tenant adfs)`, async () => {
            const program = `
                import { ${kind} } from "@azure/identity";
                import { KeyClient } from "@azure/keyvault-keys";
                const key = await new KeyClient(process.env.VAULT_URL, new ${kind}()).getKey("k");
                console.log(key.id);`;
            const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
                env: {
                    PATH: process.env.PATH,
                    HOME: process.env.HOME,
                    VAULT_URL: vault.url,
                    NODE_EXTRA_CA_CERTS: site.ca,
                    AZURE_AUTHORITY_HOST: site.authority,
                    AZURE_TENANT_ID: "adfs",
                    AZURE_CLIENT_ID: site.clientId,
                    AZURE_CLIENT_SECRET: site.clientSecret,
                },
            });

            assert.match(stdout.trim(), new RegExp(`^${vault.url}/keys/k/[0-9a-f]{32}$`));
        });
    }

    test("a CAE-capable login (claims in the request) is served", async () => {
        assert.ok((await newCredential().getToken(scope, { enableCae: true })).token.length > 100);
    });

    test("a wrong secret is AADSTS7000215, and says nothing of the right one", async () => {
        const credential = new ClientSecretCredential(site.tenant, site.clientId, "not-the-secret", identityOptions);

        await assert.rejects(credential.getToken(scope), (error) => {
            assert.match(error.message, /AADSTS7000215/);
            assert.ok(!error.message.includes("not-the-secret"));
            return true;
        });
    });

    test("an unknown application is refused as a wrong secret is: same status, same error", async () => {
        const wrong = await tokenRequest({ ...goodForm, client_secret: "x" });
        const unknown = await tokenRequest({ ...goodForm, client_id: randomUUID() });

        assert.equal(wrong.json.error, "invalid_client");
        assert.equal(unknown.status, wrong.status);
        assert.equal(unknown.json.error, wrong.json.error);
        assert.deepEqual(unknown.json.error_codes, wrong.json.error_codes);
        assert.deepEqual(Object.keys(unknown.json).sort(), Object.keys(wrong.json).sort());
    });

    test("a disabled application gets no token, an enabled one does again", async () => {
        const app = await newApplication("on and off");
        const form = { ...goodForm, client_id: app.clientId, client_secret: app.clientSecret };

        assert.equal((await tokenRequest(form)).status, 200);
        application("disable", app.clientId);
        assert.equal((await tokenRequest(form)).json.error, "invalid_client");
        application("enable", app.clientId);
        assert.equal((await tokenRequest(form)).status, 200);
        application("remove-credentials", app.clientId);
        assert.equal((await tokenRequest(form)).json.error, "invalid_client");
    });
});

describe("client certificate", () => {
    let app;

    before(async () => {
        app = await newApplication("with a certificate");
    });

    test("ClientCertificateCredential logs in with a registered certificate, with and without its chain in the request", async () => {
        await inDirectory(async (directory) => {
            const { pem, both } = newCertificate(directory, "client");

            application("add-certificate", app.clientId, "--certificate", pem);
            for (const sendCertificateChain of [false, true]) {
                const credential = new ClientCertificateCredential(site.tenant, app.clientId, both, {
                    ...identityOptions,
                    sendCertificateChain,
                });

                assert.equal(claimsOf(await accessToken(credential)).oid, app.objectId);
            }

            const adfs = new ClientCertificateCredential("adfs", app.clientId, both, { authorityHost: site.authority });

            assert.equal(claimsOf(await accessToken(adfs)).oid, app.objectId);
        });
    });

    test("a certificate nobody registered is refused", async () => {
        await inDirectory(async (directory) => {
            const { both } = newCertificate(directory, "other");
            const credential = new ClientCertificateCredential(site.tenant, app.clientId, both, identityOptions);

            await assert.rejects(credential.getToken(scope), /invalid_client|AADSTS/);
        });
    });

    test("an assertion must be for this client, for this endpoint, in time, and signed by the registered key", async () => {
        await inDirectory(async (directory) => {
            const { pem, key } = newCertificate(directory, "by-hand");
            const stranger = newCertificate(directory, "stranger");
            const certificate = new X509Certificate(readFileSync(pem));
            const now = Math.floor(Date.now() / 1000);
            const url = `${site.authority}/${site.tenant}/oauth2/v2.0/token`;
            const header = {
                alg: "RS256",
                typ: "JWT",
                "x5t#S256": createHash("sha256").update(certificate.raw).digest("base64url"),
            };
            const claims = { aud: url, iss: app.clientId, sub: app.clientId, nbf: now - 5, exp: now + 300 };
            const text = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
            const assertion = (h, c, keyFile = key) => {
                const input = `${text({ ...header, ...h })}.${text({ ...claims, jti: randomUUID(), ...c })}`;

                return `${input}.${sign("sha256", Buffer.from(input), createPrivateKey(readFileSync(keyFile))).toString("base64url")}`;
            };
            const log = (clientAssertion) =>
                tokenRequest({
                    grant_type: "client_credentials",
                    client_id: app.clientId,
                    scope,
                    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    client_assertion: clientAssertion,
                });

            application("add-certificate", app.clientId, "--certificate", pem);
            assert.equal((await log(assertion({}, {}))).status, 200);
            assert.equal(
                (await log(assertion({}, { exp: now + 300.5, nbf: now - 5.25 }))).status,
                200,
                "MSAL Python sends fractions",
            );
            for (const [why, bad] of [
                ["another issuer", assertion({}, { iss: site.clientId })],
                ["another subject", assertion({}, { sub: site.clientId })],
                ["another audience", assertion({}, { aud: "https://elsewhere.example/token" })],
                ["no audience", assertion({}, { aud: undefined })],
                ["expired", assertion({}, { exp: now - 600, nbf: now - 1200 })],
                ["no end", assertion({}, { exp: undefined })],
                ["not yet valid", assertion({}, { nbf: now + 3600, exp: now + 7200 })],
                ["another key", assertion({}, {}, stranger.key)],
                ["alg none", `${text({ ...header, alg: "none" })}.${text(claims)}.`],
                ["a cut signature", assertion({}, {}).slice(0, -8)],
                ["not a JWT", "abc"],
            ]) {
                const answer = await log(bad);

                assert.ok([400, 401, 429].includes(answer.status), `${why}: ${answer.status} ${answer.text}`);
                assert.equal(answer.json.error, "invalid_client", why);
            }
        });
    });
});

describe("the token", () => {
    test("is a JWT with the claims tools read, signed by a published key", async () => {
        const token = await accessToken();
        const [header, , signature] = token.split(".");
        const { alg, kid, typ } = JSON.parse(Buffer.from(header, "base64url"));
        const claims = claimsOf(token);
        const discovery = (await send("GET", `${site.authority}/${site.tenant}/v2.0/.well-known/openid-configuration`))
            .json;
        const jwks = (await send("GET", discovery.jwks_uri)).json;
        const jwk = jwks.keys.find((k) => k.kid === kid);

        assert.equal(alg, "RS256");
        assert.equal(typ, "JWT");
        assert.ok(jwk, "its kid is in the JWK Set");
        for (const secret of ["d", "p", "q", "dp", "dq", "qi"]) assert.equal(jwk[secret], undefined);
        assert.ok(
            verify(
                "sha256",
                Buffer.from(token.slice(0, token.lastIndexOf("."))),
                createPublicKey({ key: jwk, format: "jwk" }),
                Buffer.from(signature, "base64url"),
            ),
        );
        assert.equal(claims.iss, discovery.issuer.replace("{tenantid}", site.tenant));
        assert.equal(claims.aud.replace(/\/$/, ""), vaultResource);
        assert.equal(claims.tid, site.tenant);
        assert.equal(claims.appid ?? claims.azp, site.clientId);
        assert.match(claims.oid, /^[0-9a-f-]{36}$/);
        assert.ok(claims.sub.length > 0);
        assert.ok(Number.isInteger(claims.exp) && Number.isInteger(claims.iat) && Number.isInteger(claims.nbf));
        assert.ok(claims.exp > claims.iat && claims.exp - claims.iat <= 86400);
    });

    test("comes with an integer expires_in, and is not to be cached", async () => {
        const before = Math.floor(Date.now() / 1000);
        const answer = await tokenRequest(goodForm);
        const issued = claimsOf(answer.json.access_token).exp - answer.json.expires_in;

        assert.equal(answer.status, 200, answer.text);
        assert.match(answer.headers["cache-control"], /no-store/);
        assert.match(answer.headers["content-type"], /^application\/json/);
        assert.equal(answer.json.token_type, "Bearer");
        assert.ok(Number.isInteger(answer.json.expires_in));
        assert.ok(before <= issued && issued <= Date.now() / 1000, `${issued}`);
    });

    test("members of the form that nobody here knows, and a query, are no obstacle", async () => {
        const form = {
            ...goodForm,
            client_info: "1",
            "x-client-SKU": "msal.js.node",
            "x-client-VER": "7.2",
            "x-ms-lib-capability": "retry-after, h429",
            "x-client-current-telemetry": "5|771,2,,,|,",
            claims: '{"access_token":{"xms_cc":{"values":["CP1"]}}}',
        };

        assert.equal(
            (await tokenRequest(form, { path: `/${site.tenant}/oauth2/v2.0/token?client-request-id=${randomUUID()}` }))
                .status,
            200,
        );
    });

    test("a resource with a slash at its end is the same resource", async () => {
        const answer = await tokenRequest({ ...goodForm, scope: `${vaultResource}//.default` });

        assert.equal(answer.status, 200, answer.text);
        assert.equal(
            (await send("GET", `${vault.url}/keys/k?api-version=7.4`, { token: answer.json.access_token })).status,
            200,
        );
    });

    test("the v1 endpoint, client_secret_basic and the alias adfs give tokens that work", async () => {
        const { scope: _, client_secret: secret, client_id: id, ...rest } = goodForm;
        const basic = `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`;

        for (const answer of [
            await tokenRequest(
                { ...rest, client_id: id, client_secret: secret, resource: vaultResource },
                { path: `/${site.tenant}/oauth2/token` },
            ),
            await tokenRequest({ ...rest, scope }, { headers: { authorization: basic } }),
            await tokenRequest(goodForm, { path: "/adfs/oauth2/token" }),
            await tokenRequest(goodForm, { path: `/${site.tenant.toUpperCase()}/oauth2/v2.0/token` }),
        ]) {
            assert.equal(answer.status, 200, answer.text);
            assert.equal(
                (await send("GET", `${vault.url}/keys/k?api-version=7.4`, { token: answer.json.access_token })).status,
                200,
            );
        }
    });

    test("for another audience it does not open the vault, and the vault's does not open the management plane", async () => {
        const forManagement = await accessToken(newCredential(), site.armUrl);
        const arm = `${site.armUrl}/subscriptions/${site.subscription}/providers/Microsoft.KeyVault/vaults?api-version=2023-02-01`;

        assert.equal((await send("GET", arm, { token: forManagement })).status, 200);
        assert.equal((await send("GET", `${vault.url}/keys/k?api-version=7.4`, { token: forManagement })).status, 401);
        assert.equal((await send("GET", arm, { token: await accessToken() })).status, 401);
    });
});

describe("token requests that are refused", () => {
    for (const [why, form, error] of [
        ["no grant type", { grant_type: undefined }, /invalid_request|unsupported_grant_type/],
        ["a grant type we do not serve", { grant_type: "password" }, /unsupported_grant_type|invalid_request/],
        ["no client", { client_id: undefined }, /invalid_client|invalid_request|unauthorized_client/],
        ["a client id that is none", { client_id: "../x" }, /invalid_client|invalid_request|unauthorized_client/],
        ["no secret", { client_secret: undefined }, /invalid_client|invalid_request/],
        ["an empty secret", { client_secret: "" }, /invalid_client|invalid_request/],
        ["no scope", { scope: undefined }, /invalid_scope|invalid_request|invalid_resource/],
        [
            "a scope of nobody here",
            { scope: "https://elsewhere.example/.default" },
            /invalid_scope|invalid_resource|invalid_target/,
        ],
        [
            "a resource that only begins like ours",
            { scope: `${vaultResource}.evil.example/.default` },
            /invalid_scope|invalid_resource|invalid_target/,
        ],
    ]) {
        test(why, async () => {
            const all = Object.fromEntries(
                Object.entries({ ...goodForm, ...form }).filter(([, value]) => value !== undefined),
            );
            const answer = await tokenRequest(all);

            assert.ok([400, 401].includes(answer.status), `${answer.status} ${answer.text}`);
            assert.match(answer.json.error, error);
            assert.match(answer.json.error_description, /^AADSTS\d+: /);
            assert.ok(Array.isArray(answer.json.error_codes));
            assert.match(answer.json.trace_id, /^[0-9a-f-]{36}$/);
            assert.match(answer.json.correlation_id, /^[0-9a-f-]{36}$/);
            assert.ok(answer.json.timestamp.length > 0);
            assert.ok(!answer.text.includes(site.clientSecret));
        });
    }

    test("a member that comes twice, a body that is no form, and one that is too large", async () => {
        const encoded = new URLSearchParams(goodForm).toString();

        for (const [body, statuses] of [
            [`${encoded}&client_id=${site.clientId}`, [400, 401]],
            [`${encoded}&x=%zz`, [400, 401]],
            ["{}", [400, 401]],
            ["", [400, 401]],
            [`${encoded}&x=${"y".repeat(300 * 1024)}`, [400, 413]],
        ]) {
            const answer = await send("POST", `${site.authority}/${site.tenant}/oauth2/v2.0/token`, {
                body,
                headers: { "content-type": "application/x-www-form-urlencoded" },
            });

            assert.ok(
                statuses.includes(answer.status),
                `${body.slice(-20)}: ${answer.status} ${answer.text.slice(0, 200)}`,
            );
        }
    });

    test("another tenant's endpoint is not ours", async () => {
        const answer = await tokenRequest(goodForm, { path: `/${randomUUID()}/oauth2/v2.0/token` });

        assert.ok([400, 404].includes(answer.status), `${answer.status} ${answer.text}`);
    });
});

describe("discovery", () => {
    for (const path of [
        `/${site.tenant}/v2.0/.well-known/openid-configuration`,
        "/adfs/.well-known/openid-configuration",
    ]) {
        test(`${path.split("/")[1] === "adfs" ? "adfs" : "the tenant"}: what MSAL needs, on the authority's own host`, async () => {
            const { status, json } = await send("GET", `${site.authority}${path}`);

            assert.equal(status, 200);
            for (const member of ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"])
                assert.equal(
                    new URL(json[member].replace("{tenantid}", site.tenant)).origin,
                    new URL(site.authority).origin,
                    member,
                );
        });
    }
});
