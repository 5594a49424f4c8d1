// Bodies that must be refused (THREATS 5.4). A key without an update in it is the probe: PATCH ignores unknown members, so a
// body that is let through is answered with 200.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { OwnVault, accessToken } from "./support/clients.js";
import { send } from "./support/wire.js";

let vault, token;

before(async () => {
    vault = await OwnVault.create("cj");
    await vault.keys.createEcKey("k");
    token = await accessToken();
});
after(() => vault?.remove());

const patch = (body) => send("PATCH", `${vault.url}/keys/k?api-version=7.4`, { token, body });
const post = (path, body) => send("POST", `${vault.url}${path}?api-version=7.4`, { token, body });

// The answer says that the body is bad, and nothing of the parser's guesses: no position, no line, no name of a library.
function assertBad(answer, why, statuses = [400]) {
    assert.ok(statuses.includes(answer.status), `${why}: ${answer.status} ${answer.text}`);
    assert.ok(answer.json.error.code.length > 0);
    assert.doesNotMatch(answer.json.error.message, /line|column|position|offset|jansson|near|token/i);
}

test("an update that changes nothing is let through", async () => {
    assert.equal((await patch("{}")).status, 200);
    assert.equal((await patch('{"unknown":{"a":[1,2.5e3,null,true,"\\ud83d\\ude00"]}}')).status, 200);
});

describe("JSON", () => {
    const nested = (depth) => `{"x":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

    for (const [why, body] of [
        ["no JSON", "hello"],
        ["an array", "[]"],
        ["a text", '"{}"'],
        ["a number", "1"],
        ["null", "null"],
        ["white space", "   "],
        ["bytes behind it", "{}x"],
        ["a second object behind it", "{}{}"],
        ["a byte order mark", Buffer.from("\ufeff{}")],
        ["UTF-16", Buffer.from("{}", "utf16le")],
        ["invalid UTF-8", Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])],
        ["overlong UTF-8", Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
        [
            "a surrogate in UTF-8",
            Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
        ],
        ["a lone surrogate", '{"a":"\\ud800"}'],
        ["a NUL in a text", '{"a":"\\u0000"}'],
        ["a NUL behind it", "{}\0"],
        ["a NUL in it", '{"a":1\0}'],
        ["a control character in a text", '{"a":"\n"}'],
        ["a comment", "{/* */}"],
        ["a comma at the end", '{"a":1,}'],
        ["single quotes", "{'a':1}"],
        ["NaN", '{"a":NaN}'],
        ["Infinity", '{"a":Infinity}'],
        ["a number with a leading zero", '{"a":01}'],
        ["a number with +", '{"a":+1}'],
        ["a hexadecimal number", '{"a":0x10}'],
        ["a name that comes twice", '{"a":1,"a":1}'],
        ["one that comes twice deeper down", '{"x":{"y":[{"a":1,"a":2}]}}'],
        ["one that comes twice, once escaped", '{"tags":{},"t\\u0061gs":{}}'],
        ["an object that does not end", '{"a":1'],
        ["a text that does not end", '{"a":"'],
        ["a depth of 17", nested(17)],
        ["1,001 members", JSON.stringify(Object.fromEntries([...Array(1001).keys()].map((i) => [`m${i}`, 1])))],
        ["1,001 elements", JSON.stringify({ x: Array(1001).fill(1) })],
    ])
        test(`${why} is refused`, async () => assertBad(await patch(body), why));

    test("a depth of 16 and 999 members are let through", async () => {
        assert.equal((await patch(nested(16))).status, 200);
        assert.equal(
            (await patch(JSON.stringify(Object.fromEntries([...Array(999).keys()].map((i) => [`m${i}`, 1]))))).status,
            200,
        );
    });

    test("above 64 KiB is 413; long texts that are no value are refused", async () => {
        assertBad(await patch(`{"x":"${"y".repeat(64 * 1024)}"}`), "64 KiB of text", [413]);
        assertBad(await patch(`{"x":${"[".repeat(40000)}`), "brackets", [400, 413]);
        assertBad(await patch(`{"x":${"9".repeat(60000)}}`), "a long number", [400]);
    });
});

describe("the JSON parsing test suite, each text as a member's value", () => {
    const vectors =
        process.env.STRONGROOM_VECTORS ?? join(dirname(fileURLToPath(import.meta.url)), "../../../../shared/vectors");
    const directory = join(vectors, "json/test_parsing");

    if (!existsSync(directory)) {
        test(
            "is not here",
            { skip: "the vectors json/test_parsing were not found; STRONGROOM_VECTORS says where they are" },
            () => {},
        );
        return;
    }

    const around = (file) =>
        Buffer.concat([Buffer.from('{"x":'), readFileSync(join(directory, file)), Buffer.from("}")]);
    const files = readdirSync(directory).filter((file) => file.endsWith(".json"));

    test("all n_ texts are refused", async () => {
        const bad = files.filter((file) => file.startsWith("n_"));

        assert.ok(bad.length >= 180);
        for (const file of bad) assertBad(await patch(around(file)), file, [400, 413]);
    });

    // This API takes neither a name twice (THREATS 5.4) nor a NUL in a text.
    const refusedHere = [
        "y_object_duplicated_key.json",
        "y_object_duplicated_key_and_value.json",
        "y_object_escaped_null_in_key.json",
        "y_string_null_escape.json",
    ];

    test("all y_ texts are let through but those that repeat a name or hold a NUL", async () => {
        for (const file of files.filter((f) => f.startsWith("y_"))) {
            const { status, text } = await patch(around(file));

            assert.equal(status, refusedHere.includes(file) ? 400 : 200, `${file}: ${text}`);
        }
    });

    test("no i_ text is more than refused", async () => {
        for (const file of files.filter((f) => f.startsWith("i_")))
            assert.ok([200, 400, 413].includes((await patch(around(file))).status), file);
    });
});

describe("members", () => {
    for (const [why, body] of [
        ["no kty", {}],
        ["a kty of null", { kty: null }],
        ["a kty that is a number", { kty: 1 }],
        ["a kty that is none", { kty: "DSA" }],
        ["a key_size that is a text", { kty: "RSA", key_size: "2048" }],
        ["a key_size of -2048", { kty: "RSA", key_size: -2048 }],
        ["a key_size of 0", { kty: "RSA", key_size: 0 }],
        ["a key_size of 1e99", '{"kty":"RSA","key_size":1e99}'],
        ["a key_size with an exponent", '{"kty":"RSA","key_size":2.048e3}'],
        ["a key_size with a fraction", '{"kty":"RSA","key_size":2048.0}'],
        ["a key_size beyond 64 bits", '{"kty":"RSA","key_size":18446744073709553664}'],
        ["a key_size of true", { kty: "RSA", key_size: true }],
        ["a public_exponent of 3", { kty: "RSA", public_exponent: 3 }],
        ["a crv that is none", { kty: "EC", crv: "P-255" }],
        ["a crv in a list", { kty: "EC", crv: ["P-256"] }],
        ["key_ops as a text", { kty: "EC", key_ops: "sign" }],
        ["a key_op that is a number", { kty: "EC", key_ops: [1] }],
        ["a key_op twice", { kty: "EC", key_ops: ["sign", "sign"] }],
        ["attributes as a list", { kty: "EC", attributes: [] }],
        ["enabled as a text", { kty: "EC", attributes: { enabled: "true" } }],
        ["enabled as 1", { kty: "EC", attributes: { enabled: 1 } }],
        ["exp as a text", { kty: "EC", attributes: { exp: "2000000000" } }],
        ["exp with a fraction", { kty: "EC", attributes: { exp: 2000000000.5 } }],
        ["a negative exp", { kty: "EC", attributes: { exp: -1 } }],
        ["an exp beyond the year 9999", { kty: "EC", attributes: { exp: 253402300800 } }],
        ["exp before nbf", { kty: "EC", attributes: { exp: 1900000000, nbf: 2000000000 } }],
        ["tags as a list", { kty: "EC", tags: ["a"] }],
        ["a tag that is a number", { kty: "EC", tags: { a: 1 } }],
        ["a tag of null", { kty: "EC", tags: { a: null } }],
        ["exportable", { kty: "EC-HSM", attributes: { exportable: true } }],
        ["a release policy", { kty: "EC-HSM", release_policy: { data: "e30" } }],
    ]) {
        test(`create with ${why} is 400 and makes nothing`, async () => {
            assertBad(await post("/keys/probe/create", body), why);
            assert.equal((await send("GET", `${vault.url}/keys/probe?api-version=7.4`, { token })).status, 404);
        });
    }

    test("null means absent, unknown members are ignored, empty groups mean nothing", async () => {
        const answer = await post("/keys/nulls/create", {
            kty: "EC",
            crv: null,
            key_ops: null,
            attributes: {},
            tags: null,
            release_policy: null,
            key_size: null,
            future: { member: [1] },
        });

        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.json.key.crv, "P-256");
    });
});

describe("base64url", () => {
    const digest = Buffer.alloc(32, 0xfb).toString("base64url"); // has - and _ in it

    test("is let through as it should be", async () => {
        assert.equal((await post("/keys/k/sign", { alg: "ES256", value: digest })).status, 200);
    });

    for (const [why, value] of [
        ["with padding", `${digest}=`],
        ["with + and /", Buffer.alloc(32, 0xfb).toString("base64").slice(0, 43)],
        ["with a space", `${digest.slice(0, 20)} ${digest.slice(20)}`],
        ["with a line end", `${digest}\n`],
        ["with non-zero last bits", `${digest.slice(0, 42)}${String.fromCharCode(digest.charCodeAt(42) + 1)}`],
        ["of a length of 1 mod 4", `${digest}AA`],
        ["that is a number", 5],
        ["that is null", null],
        ["that is a list", [digest]],
        ["with other characters", `${digest.slice(0, 42)}*`],
        ["with a NUL", `${digest}\u0000`],
        ["that is not there", undefined],
    ])
        test(`${why} is 400`, async () => assertBad(await post("/keys/k/sign", { alg: "ES256", value }), why));
});
