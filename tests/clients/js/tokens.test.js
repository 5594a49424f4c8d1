// Access tokens that must not open anything (THREATS 5.5). Whatever is wrong with one, the answer is 401 with one body.
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { OwnVault, accessToken, claimsOf, credentialOf } from "./support/clients.js";
import { Issuer } from "./support/issuer.js";
import { newApplication } from "./support/operator.js";
import { site, vaultResource } from "./support/site.js";
import { send } from "./support/wire.js";

const directory = mkdtempSync(join(tmpdir(), "strongroom-issuer-"));
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherEc = generateKeyPairSync("ec", { namedCurve: "P-256" });
let vault, good, header, claims, issuer, publicKey, challenge;

before(async () => {
    vault = await OwnVault.create("ct");
    await vault.keys.createEcKey("k");
    good = await accessToken();
    header = JSON.parse(Buffer.from(good.split(".")[0], "base64url"));
    claims = claimsOf(good);
    issuer = new Issuer(directory);

    const discovery = (await send("GET", `${site.authority}/${site.tenant}/v2.0/.well-known/openid-configuration`))
        .json;
    const jwk = (await send("GET", discovery.jwks_uri)).json.keys.find((k) => k.kid === header.kid);

    publicKey = createPublicKey({ format: "jwk", key: jwk });
    challenge = await ask(undefined);
});
after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await vault?.remove();
});

function ask(authorization, headers = {}) {
    return send("GET", `${vault.url}/keys/k?api-version=7.4`, {
        headers: { ...(authorization === undefined ? {} : { authorization }), ...headers },
    });
}

const text = (part) => Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
const input = (h, c) => `${text({ ...header, ...h })}.${text({ ...claims, ...c })}`;

function signedByOther(h = {}, c = {}, key = other.privateKey, hash = "sha256") {
    return `${input(h, c)}.${sign(hash, Buffer.from(input(h, c)), key).toString("base64url")}`;
}

const signed = (h, c, hash) =>
    issuer.token(JSON.stringify({ ...header, ...h }), JSON.stringify({ ...claims, ...c }), hash);

async function assertRefused(token) {
    const answer = await ask(`Bearer ${token}`);

    assert.equal(answer.status, 401, answer.text);
    assert.equal(answer.text, challenge.text);
    assert.equal(answer.headers["www-authenticate"], challenge.headers["www-authenticate"]);
    assert.deepEqual(Object.keys(answer.headers).sort(), Object.keys(challenge.headers).sort());
}

describe("the challenge", () => {
    test("is the documented one, to the letter", () => {
        assert.equal(challenge.status, 401);
        assert.equal(
            challenge.headers["www-authenticate"],
            `Bearer authorization="${site.authority}/${site.tenant}", resource="${vaultResource}"`,
        );
        assert.deepEqual(challenge.json, {
            error: { code: "Unauthorized", message: "AKV10000: Request is missing a Bearer or PoP token." },
        });
    });

    for (const [why, authorization] of [
        ["another scheme", "Basic dXNlcjpwYXNz"],
        ["the scheme alone", "Bearer"],
        ["an empty token", "Bearer "],
        ["PoP", "PoP abc"],
        ["no scheme", "abc.def.ghi"],
    ])
        test(`answers ${why}`, async () => assert.equal((await ask(authorization)).text, challenge.text));

    test("answers two Authorization headers, though both be good", async () => {
        const answer = await ask(undefined, { authorization: [`Bearer ${good}`, `Bearer ${good}`] });

        assert.equal(answer.status, 401);
        assert.equal(answer.text, challenge.text);
    });

    test("is the same for a vault that is not there, and for every method and route", async () => {
        for (const [method, path] of [
            ["POST", "/keys/x/create"],
            ["DELETE", "/keys/x"],
            ["PATCH", "/keys/x"],
            ["POST", "/keys/x//sign"],
            ["GET", "/deletedkeys"],
            ["POST", "/deletedkeys/x/recover"],
        ]) {
            const answer = await send(method, `${vault.url}${path}?api-version=7.4`);

            assert.equal(answer.status, 401, `${method} ${path}`);
            assert.equal(answer.text, challenge.text);
        }

        const nowhere = await send(
            "GET",
            `${vaultResource.replace("://", "://no-such-vault.")}/keys/k?api-version=7.4`,
        );

        assert.equal(nowhere.text, challenge.text);
        assert.equal(nowhere.headers["www-authenticate"], challenge.headers["www-authenticate"]);
    });
});

describe("a token that is good", () => {
    test("opens, also with the scheme in lower case", async () => {
        assert.equal((await ask(`Bearer ${good}`)).status, 200);
        assert.equal((await ask(`bearer ${good}`)).status, 200);
    });

    test("opens when these tests have signed it themselves: what is refused below is refused for what it says", async () => {
        assert.equal((await ask(`Bearer ${signed({}, { jti: randomUUID() })}`)).status, 200);
    });

    test("opens with its audience as a list of one, or with a slash, or both, or is refused: but never an error", async () => {
        assert.equal((await ask(`Bearer ${signed({}, { aud: `${vaultResource}/` })}`)).status, 200);
        assert.ok([200, 401].includes((await ask(`Bearer ${signed({}, { aud: [vaultResource] })}`)).status));
    });

    test("stays good or bad on its own: a refused one beside it changes nothing", async () => {
        await assertRefused(good.slice(0, -2));
        assert.equal((await ask(`Bearer ${good}`)).status, 200);
        await assertRefused(`${good}A`);
        assert.equal((await ask(`Bearer ${good}`)).status, 200);
    });
});

describe("signature and algorithm", () => {
    for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
        test(`alg "${alg}" without a signature, with the old one, and with rubbish`, async () => {
            await assertRefused(`${input({ alg })}.`);
            await assertRefused(`${input({ alg })}.${good.split(".")[2]}`);
            await assertRefused(`${input({ alg })}.AAAA`);
            await assertRefused(input({ alg }));
        });
    }

    test("HMAC with the public key as its secret, in each form it is published", async () => {
        const forms = [
            publicKey.export({ type: "spki", format: "pem" }),
            publicKey.export({ type: "spki", format: "der" }),
            publicKey.export({ type: "pkcs1", format: "pem" }),
            publicKey.export({ type: "pkcs1", format: "der" }),
            JSON.stringify(publicKey.export({ format: "jwk" })),
            Buffer.from(publicKey.export({ format: "jwk" }).n, "base64url"),
            "",
        ];

        for (const [alg, hash] of [
            ["HS256", "sha256"],
            ["HS384", "sha384"],
            ["HS512", "sha512"],
        ])
            for (const secret of forms)
                await assertRefused(
                    `${input({ alg })}.${createHmac(hash, secret).update(input({ alg })).digest("base64url")}`,
                );
    });

    test("another key of the right kind, size and kid", () => assertRefused(signedByOther()));
    test("an EC key and alg ES256 under the RSA key's kid", async () => {
        await assertRefused(
            signedByOther({ alg: "ES256" }, {}, { key: otherEc.privateKey, dsaEncoding: "ieee-p1363" }),
        );
        await assertRefused(signedByOther({ alg: "ES256" }, {}, otherEc.privateKey));
        await assertRefused(`${input({ alg: "ES256" })}.${Buffer.alloc(64).toString("base64url")}`);
    });

    for (const [alg, hash] of [
        ["RS384", "sha384"],
        ["RS512", "sha512"],
    ])
        test(`${alg} by the right key: the issuer signs with RS256 alone`, () =>
            assertRefused(signed({ alg }, {}, hash)));

    test("alg RS256 over a signature of another hash, and the other way round", async () => {
        await assertRefused(signed({}, {}, "sha384"));
        await assertRefused(signed({ alg: "RS384" }, {}));
    });

    for (const alg of ["rs256", "RS256 ", "RSA", "PS256", "EdDSA", "dir", null, 1, ["RS256"], { RS256: 1 }])
        test(`alg ${JSON.stringify(alg)} by the right key`, () => assertRefused(signed({ alg }, {})));

    test("no alg at all, and alg twice", async () => {
        const { alg: _, ...rest } = header;
        const payload = JSON.stringify(claims);

        await assertRefused(issuer.token(JSON.stringify(rest), payload));
        await assertRefused(issuer.token(JSON.stringify(header).replace("{", '{"alg":"none",'), payload));
        await assertRefused(issuer.token(JSON.stringify(header).replace(/\}$/, ',"alg":"none"}'), payload));
    });

    test("payload or header changed under the old signature", async () => {
        const [h, p, s] = good.split(".");

        await assertRefused(`${h}.${text({ ...claims, oid: randomUUID() })}.${s}`);
        await assertRefused(`${h}.${text({ ...claims, exp: claims.exp + 3600 })}.${s}`);
        await assertRefused(`${text({ ...header, x: 1 })}.${p}.${s}`);
    });

    test("a signature that is empty, cut, longer, zero, or the same in another coding", async () => {
        const [h, p, s] = good.split(".");
        const bytes = Buffer.from(s, "base64url");

        for (const bad of [
            "",
            s.slice(0, -4),
            `${s}AAAA`,
            Buffer.alloc(bytes.length).toString("base64url"),
            Buffer.concat([Buffer.alloc(1), bytes]).toString("base64url"),
            bytes.toString("base64"),
            `${s}==`,
            ` ${s}`,
            Buffer.alloc(bytes.length, 0xff).toString("base64url"),
        ]) {
            if (bad !== s) await assertRefused(`${h}.${p}.${bad}`);
        }
    });
});

describe("form", () => {
    test("more or fewer than three parts, empty parts, JWE, JSON serialisation", async () => {
        const [h, p, s] = good.split(".");

        for (const bad of [
            h,
            `${h}.${p}`,
            `${h}.${p}.`,
            `.${p}.${s}`,
            `${h}..${s}`,
            "..",
            ".",
            "...",
            `${good}.`,
            `.${good}`,
            `${good}.${s}`,
            `${h}.${p}.${s}.${s}.${s}`,
            `${text({ alg: "RSA-OAEP", enc: "A256GCM" })}.AA.AA.AA.AA`,
            JSON.stringify({ payload: p, protected: h, signature: s }),
            JSON.stringify({ payload: p, signatures: [{ protected: h, signature: s }] }),
        ])
            await assertRefused(bad);
    });

    test("a header or payload that is no JSON object, has rubbish behind it, or repeats a name", async () => {
        const h = JSON.stringify(header),
            p = JSON.stringify(claims);

        for (const [badHeader, badPayload] of [
            ["[]", p],
            ["null", p],
            [`${h}x`, p],
            [`\ufeff${h}`, p],
            [h, "[]"],
            [h, `${p}{}`],
            [h, ""],
            [h, '"text"'],
            [h, p.replace("{", '{"exp":99999999999,')],
            [h, p.replace("{", `{"aud":"${vaultResource}",`)],
            [h, p.replace(/\}$/, `,"oid":"${randomUUID()}"}`)],
        ])
            await assertRefused(issuer.token(badHeader, badPayload));
    });

    test("above 16 KiB", () => assertRefused(signed({}, { padding: "x".repeat(17 * 1024) })));
});

describe("header members that would lead elsewhere", () => {
    test("jwk, x5c: a key that comes with the token is not used", async () => {
        const jwk = other.publicKey.export({ format: "jwk" });

        await assertRefused(signedByOther({ jwk }));
        await assertRefused(signedByOther({ jwk, kid: undefined }));
        await assertRefused(signedByOther({ jwk, kid: "mine" }));
        await assertRefused(
            signedByOther({ x5c: [other.publicKey.export({ type: "spki", format: "der" }).toString("base64")] }),
        );
        await assertRefused(signed({ jwk }, {}));
    });

    test("jku, x5u: nothing is fetched", async () => {
        let visits = 0;
        const server = createServer((request, response) => {
            visits++;
            response.end(
                JSON.stringify({
                    keys: [{ ...other.publicKey.export({ format: "jwk" }), kid: header.kid, alg: "RS256" }],
                }),
            );
        });

        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            const url = `http://127.0.0.1:${server.address().port}/keys`;

            await assertRefused(signedByOther({ jku: url }));
            await assertRefused(signedByOther({ x5u: url }));
            await assertRefused(signedByOther({ jku: url, kid: "elsewhere" }));
            await assertRefused(signed({ jku: url }, {}));
            await assertRefused(signed({ x5u: url }, {}));
            await new Promise((resolve) => setTimeout(resolve, 300));
            assert.equal(visits, 0);
        } finally {
            server.close();
        }
    });

    for (const kid of [
        "unknown",
        "",
        "../../etc/passwd",
        "a/b",
        "'; drop table keys; --",
        '"',
        "\u0000",
        "a\u0000b",
        "k".repeat(129),
        "k".repeat(8000),
        null,
        7,
        ["x"],
        {},
    ])
        test(`kid ${JSON.stringify(kid).slice(0, 40)}`, () => assertRefused(signed({ kid }, {})));

    test("the right kid, and something behind or before it", async () => {
        for (const kid of [`${header.kid} `, ` ${header.kid}`, `${header.kid}\u0000`, `${header.kid}/..`, [header.kid]])
            await assertRefused(signed({ kid }, {}));
        await assertRefused(issuer.token(JSON.stringify(header).replace("{", '{"kid":"x",'), JSON.stringify(claims)));
    });

    test("crit with a name we do not know, empty, or no list; b64 false; zip; cty", async () => {
        for (const h of [
            { crit: ["exp2"], exp2: 1 },
            { crit: [] },
            { crit: "x" },
            { b64: false, crit: ["b64"] },
            { b64: false },
            { zip: "DEF" },
        ])
            await assertRefused(signed(h, {}));
    });

    test("an unknown kid a thousand times does not keep the good token out", async () => {
        for (let i = 0; i < 1000; i += 50)
            await Promise.all([...Array(50).keys()].map((n) => ask(`Bearer ${signedByOtherCheap(`kid-${i + n}`)}`)));
        assert.equal((await ask(`Bearer ${good}`)).status, 200);
    });

    function signedByOtherCheap(kid) {
        return `${input({ kid })}.${good.split(".")[2]}`;
    }
});

describe("claims, under a good signature", () => {
    const now = () => Math.floor(Date.now() / 1000);

    test("an issuer that is not exactly ours", async () => {
        for (const iss of [
            undefined,
            null,
            "",
            1,
            [claims.iss],
            `${claims.iss}/`,
            claims.iss.replace(/\/$/, "").replace(/\/v2\.0$/, ""),
            claims.iss.toUpperCase(),
            `${claims.iss}x`,
            `x${claims.iss}`,
            claims.iss.replace("https:", "http:"),
            `${claims.iss}#a`,
            claims.iss.replace(site.tenant, randomUUID()),
            `https://sts.windows.net/${site.tenant}/`,
        ])
            await assertRefused(signed({}, { iss }));
    });

    test("an audience that is not ours", async () => {
        for (const aud of [
            undefined,
            null,
            "",
            1,
            {},
            [],
            vaultResource.slice(0, -1),
            `${vaultResource}0`,
            `${vaultResource}/x`,
            `x ${vaultResource}`,
            `${vaultResource} x`,
            vaultResource.replace("https", "http"),
            "https://vault.azure.net",
            vault.url,
            site.armUrl,
            ["https://vault.azure.net"],
            [site.armUrl, "x"],
            `${vaultResource}//`,
            vaultResource.replace(/:\d+$/, ""),
        ])
            await assertRefused(signed({}, { aud }));
    });

    test("an end that is missing, past, no integer or too far", async () => {
        for (const exp of [
            undefined,
            null,
            now() - 3600,
            now() - 301,
            0,
            -1,
            String(now() + 600),
            now() + 600.5,
            1e300,
            now() + 31 * 3600,
            now() + 400 * 86400,
            [now() + 600],
            true,
        ])
            await assertRefused(signed({}, { exp }));
    });

    test("a beginning in the future", async () => {
        for (const c of [
            { nbf: now() + 3600 },
            { nbf: now() + 301 },
            { iat: now() + 3600 },
            { nbf: String(now()) },
            { nbf: now() + 0.5 },
            { iat: "x" },
        ])
            await assertRefused(signed({}, c));
    });

    test("another tenant, no tenant, no object", async () => {
        for (const c of [
            { tid: randomUUID() },
            { tid: undefined },
            { tid: null },
            { tid: `${site.tenant}x` },
            { oid: undefined },
            { oid: "" },
            { oid: "not-a-guid" },
            { oid: 7 },
        ])
            await assertRefused(signed({}, c));
    });
});

describe("a good token without the right", () => {
    test("for a vault whose policies do not know its bearer: 403, and the same for a vault that is not there", async () => {
        const stranger = await accessToken(credentialOf(await newApplication("token test")));
        const here = await send("GET", `${vault.url}/keys/k?api-version=7.4`, { token: stranger });
        const nowhere = await send(
            "GET",
            `${vaultResource.replace("://", "://no-such-vault.")}/keys/k?api-version=7.4`,
            { token: stranger },
        );
        const plain = (answer, name) => answer.text.replaceAll(name, "<vault>");

        assert.equal(here.status, 403);
        assert.equal(nowhere.status, 403);
        assert.equal(plain(here, vault.name), plain(nowhere, "no-such-vault"));
        assert.deepEqual(Object.keys(here.headers).sort(), Object.keys(nowhere.headers).sort());
    });

    test("claims that only look like rights give none", async () => {
        const bearer = await newApplication("claims test");
        const mine = { oid: bearer.objectId, sub: bearer.objectId, appid: bearer.clientId, azp: undefined };

        for (const extra of [
            {},
            { roles: ["Key Vault Administrator"] },
            { wids: [randomUUID()] },
            { permissions: ["keys/get"] },
            { admin: true },
        ])
            assert.equal((await ask(`Bearer ${signed({}, { ...mine, ...extra })}`)).status, 403, JSON.stringify(extra));
        assert.equal(
            (await ask(`Bearer ${signed({}, { ...mine, oid: claims.oid })}`)).status,
            200,
            "and it is oid that counts",
        );
    });
});
