// HTTP/1.1 and URLs that must be refused (THREATS 5.3), byte for byte. Every line carries a good token, so that what is let
// through would be answered with 200; and a good request follows at once, which must not be answered any more.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OwnVault, accessToken } from "./support/clients.js";
import { vaultResource } from "./support/site.js";
import { exchangeBytes, send, statusesOf } from "./support/wire.js";

let vault, host, token, follower;

before(async () => {
    vault = await OwnVault.create("cw");
    await vault.keys.createRsaKey("k");
    host = new URL(vault.url).host;
    token = await accessToken();
    follower = `GET /keys/k?api-version=7.4 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
});
after(() => vault?.remove());

const body = JSON.stringify({ alg: "RS256", value: Buffer.alloc(32).toString("base64url") });

// A request of which one thing is to be wrong.
function request({
    line = "POST /keys/k/sign?api-version=7.4 HTTP/1.1",
    hostLine = `Host: ${host}\r\n`,
    fields = `Content-Length: ${body.length}\r\n`,
    content = body,
} = {}) {
    return Buffer.from(
        `${line}\r\n${hostLine}Authorization: Bearer ${token}\r\nContent-Type: application/json\r\n${fields}\r\n${content}`,
        "latin1",
    );
}

const get = (target) => request({ line: `GET ${target} HTTP/1.1`, fields: "", content: "" });

// The connection is closed after at most one answer, which has this status (or one of these).
async function assertClosed(bytes, status = 400) {
    const { text, closed } = await exchangeBytes(vault.url, Buffer.concat([bytes, Buffer.from(follower)]));
    const statuses = statusesOf(text);

    assert.ok(closed, `the connection stayed open: ${text.slice(0, 300)}`);
    assert.ok(statuses.length <= 1, `${statuses.length} answers: ${statuses}`);
    if (statuses.length === 1) assert.ok([status].flat().includes(statuses[0]), text.slice(0, 300));
    return text;
}

test("what these tests send is answered when nothing is wrong with it, and so is what follows", async () => {
    const { text } = await exchangeBytes(vault.url, Buffer.concat([request(), Buffer.from(follower)]));

    assert.deepEqual(statusesOf(text), [200, 200]);
});

test("a good request in pieces, byte by byte where it matters, is one request", async () => {
    const chunked = request({
        fields: "Transfer-Encoding: chunked\r\n",
        content: [...body].map((c) => `1\r\n${c}\r\n`).join("") + "0\r\n\r\n",
    });

    assert.deepEqual(statusesOf((await exchangeBytes(vault.url, chunked)).text), [200]);
});

const n = body.length;
const chunks = `${n.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

describe("length of the body", () => {
    for (const [why, fields, content] of [
        ["Content-Length with Transfer-Encoding", `Content-Length: ${n}\r\nTransfer-Encoding: chunked\r\n`, chunks],
        ["the same, the other way round", `Transfer-Encoding: chunked\r\nContent-Length: ${n}\r\n`, chunks],
        ["two lengths, equal", `Content-Length: ${n}\r\nContent-Length: ${n}\r\n`],
        ["two lengths, unequal", `Content-Length: ${n}\r\nContent-Length: 0\r\n`],
        ["a list of lengths", `Content-Length: ${n}, ${n}\r\n`],
        ["a length with +", `Content-Length: +${n}\r\n`],
        ["a length with -", "Content-Length: -1\r\n"],
        ["a length in hexadecimal", `Content-Length: 0x${n.toString(16)}\r\n`],
        ["a length with _", `Content-Length: ${String(n)[0]}_${String(n).slice(1)}\r\n`],
        ["a length with a space in it", `Content-Length: ${String(n)[0]} ${String(n).slice(1)}\r\n`],
        ["an empty length", "Content-Length:\r\n"],
        ["a length of spaces", "Content-Length:   \r\n"],
        ["a length of 2^53 + 1", "Content-Length: 9007199254740993\r\n"],
        ["a length of 2^64 + 2", "Content-Length: 18446744073709551618\r\n"],
        ["a length with a fraction", `Content-Length: ${n}.0\r\n`],
        ["an unknown transfer coding", "Transfer-Encoding: gzip\r\n", chunks],
        ["chunked, and gzip behind it", "Transfer-Encoding: chunked, gzip\r\n", chunks],
        ["gzip, and chunked behind it", "Transfer-Encoding: gzip, chunked\r\n", chunks],
        ["chunked twice", "Transfer-Encoding: chunked, chunked\r\n", chunks],
        ["chunked in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks],
        ["a comma before chunked", "Transfer-Encoding: ,chunked\r\n", chunks],
        ["identity", "Transfer-Encoding: identity\r\n", body],
        ["xchunked", "Transfer-Encoding: xchunked\r\n", chunks],
        ["chunked in quotes", 'Transfer-Encoding: "chunked"\r\n', chunks],
        ["chunked behind a vertical tab", "Transfer-Encoding: \x0bchunked\r\n", chunks],
    ])
        test(why, () => assertClosed(request({ fields, content: content ?? body })));

    test("a body on HTTP/1.0 in chunks", () =>
        assertClosed(
            request({
                line: "POST /keys/k/sign?api-version=7.4 HTTP/1.0",
                fields: "Transfer-Encoding: chunked\r\n",
                content: chunks,
            }),
        ));

    test("a length above every limit is refused before the bytes have come", () =>
        assertClosed(request({ fields: "Content-Length: 104857600\r\n", content: "" }), 413));
});

describe("chunks", () => {
    for (const [why, content] of [
        ["a size that is no number", `x\r\n${body}\r\n0\r\n\r\n`],
        ["a negative size", `-1\r\n${body}\r\n0\r\n\r\n`],
        ["a size with 0x", `0x${n.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
        ["an empty size", `\r\n${body}\r\n0\r\n\r\n`],
        ["a size beyond 64 bits", `fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`],
        ["a size with something behind it", `${n.toString(16)} x\r\n${body}\r\n0\r\n\r\n`],
        ["an extension with a bare LF", `${n.toString(16)};a\nb\r\n${body}\r\n0\r\n\r\n`],
        ["an extension with a bare CR", `${n.toString(16)};a\rb\r\n${body}\r\n0\r\n\r\n`],
        ["a size line that ends in LF", `${n.toString(16)}\n${body}\r\n0\r\n\r\n`],
        ["no line end behind the data", `${n.toString(16)}\r\n${body}0\r\n\r\n`],
        ["data longer than the size", `1\r\n${body}\r\n0\r\n\r\n`],
        ["a trailer line without a colon", `${n.toString(16)}\r\n${body}\r\n0\r\nrubbish\r\n\r\n`],
    ])
        test(why, () => assertClosed(request({ fields: "Transfer-Encoding: chunked\r\n", content })));
});

describe("lines", () => {
    for (const [why, fields] of [
        ["a line that ends in LF", `X-A: b\nContent-Length: ${n}\r\n`],
        ["a CR in a value", `X-A: b\rc\r\nContent-Length: ${n}\r\n`],
        ["a folded line", `X-A: b\r\n c\r\nContent-Length: ${n}\r\n`],
        ["a tab-folded line", `X-A: b\r\n\tc\r\nContent-Length: ${n}\r\n`],
        ["a space before the colon", `Content-Length : ${n}\r\n`],
        ["a tab before the colon", `Content-Length\t: ${n}\r\n`],
        ["an empty name", `: b\r\nContent-Length: ${n}\r\n`],
        ["a NUL in a name", `X\0A: b\r\nContent-Length: ${n}\r\n`],
        ["a NUL in a value", `X-A: b\0c\r\nContent-Length: ${n}\r\n`],
        ["high bytes in a name", `X-\xe9: b\r\nContent-Length: ${n}\r\n`],
        ["a line without a colon", `rubbish\r\nContent-Length: ${n}\r\n`],
        ["parentheses in a name", `X(A): b\r\nContent-Length: ${n}\r\n`],
        ["a name with a space", `X A: b\r\nContent-Length: ${n}\r\n`],
    ])
        test(why, () => assertClosed(request({ fields })));

    for (const [why, hostLine] of [
        ["no host", ""],
        ["two hosts, equal", "Host: HOST\r\nHost: HOST\r\n"],
        ["two hosts, unequal", "Host: HOST\r\nHost: other.example\r\n"],
        ["an empty host", "Host:\r\n"],
        ["a host with a space", "Host: HOST other\r\n"],
        ["a host with a path", "Host: HOST/keys\r\n"],
        ["a host with a user", "Host: user@HOST\r\n"],
    ])
        test(why, () => assertClosed(request({ hostLine: hostLine.replaceAll("HOST", host) })));

    test("a host that is not served here is refused, without a look at the token", async () => {
        const { text } = await exchangeBytes(vault.url, request({ hostLine: "Host: kv.vault.example.org\r\n" }));

        assert.ok([400, 404, 421].includes(statusesOf(text)[0]), text.slice(0, 200));
    });

    for (const [why, line] of [
        ["two spaces in the request line", "POST  /keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["a tab in the request line", "POST\t/keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["a space before the method", " POST /keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["a space behind the version", "POST /keys/k/sign?api-version=7.4 HTTP/1.1 "],
        ["no version", "POST /keys/k/sign?api-version=7.4"],
        ["HTTP/0.9", "POST /keys/k/sign?api-version=7.4 HTTP/0.9"],
        ["HTTP/1.2", "POST /keys/k/sign?api-version=7.4 HTTP/1.2"],
        ["HTTP/2.0", "POST /keys/k/sign?api-version=7.4 HTTP/2.0"],
        ["HTTP/1.10", "POST /keys/k/sign?api-version=7.4 HTTP/1.10"],
        ["http in lower case", "POST /keys/k/sign?api-version=7.4 http/1.1"],
        ["ICY", "POST /keys/k/sign?api-version=7.4 ICY/1.1"],
        ["a method that is no token", "PO(ST /keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["an empty method", " /keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["a target without a slash", "POST keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["an absolute target of another host", "POST https://other.example/keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["an absolute target of another scheme", "POST ftp://HOST/keys/k/sign?api-version=7.4 HTTP/1.1"],
        ["the asterisk", "POST * HTTP/1.1"],
        ["CONNECT", "CONNECT HOST HTTP/1.1"],
        ["the preface of HTTP/2 where HTTP/1.1 was agreed", "PRI * HTTP/2.0"],
        ["high bytes in the target", "POST /keys/k/sign?api-version=7.4\xe9 HTTP/1.1"],
        ["a NUL in the target", "POST /keys/k/sign\0?api-version=7.4 HTTP/1.1"],
    ])
        test(why, () => assertClosed(request({ line: line.replaceAll("HOST", host) }), [400, 501, 505]));

    test("an empty line before the first request is let pass or refused, but read as nothing else", async () => {
        const { text } = await exchangeBytes(vault.url, Buffer.concat([Buffer.from("\r\n"), request()]));

        assert.ok(["200", "400"].includes(statusesOf(text).join()), text.slice(0, 200));
    });

    test("rubbish instead of HTTP", () => assertClosed(Buffer.from("\x16\x03\x01\x00\x05hello\r\n\r\n", "latin1")));
});

describe("limits", () => {
    test("a header list above 32 KiB is 431", () =>
        assertClosed(request({ fields: `X-A: ${"a".repeat(40000)}\r\nContent-Length: ${n}\r\n` }), 431));
    test("more than 100 fields are 431", () =>
        assertClosed(
            request({
                fields: `${[...Array(120).keys()].map((i) => `X-${i}: b\r\n`).join("")}Content-Length: ${n}\r\n`,
            }),
            431,
        ));
    test("a target above 8 KiB is refused", async () => {
        const { text } = await exchangeBytes(vault.url, get(`/keys/k?api-version=7.4&x=${"a".repeat(9000)}`));

        assert.ok([400, 414].includes(statusesOf(text)[0]), text.slice(0, 200));
    });
});

describe("paths and queries", () => {
    const name = (text) => `/keys/${text}?api-version=7.4`;

    for (const [why, target] of [
        [".. segments", "/keys/x/../k?api-version=7.4"],
        [". segments", "/keys/./k?api-version=7.4"],
        [".. at the end", "/keys/k/..?api-version=7.4"],
        [".. beyond the root", "/../keys/k?api-version=7.4"],
        ["encoded ..", "/keys/x/%2e%2e/k?api-version=7.4"],
        ["half encoded ..", "/keys/x/.%2E/k?api-version=7.4"],
        ["encoded .", "/keys/%2e/k?api-version=7.4"],
        ["%00", name("k%00")],
        ["%00 before more", name("k%00x")],
        ["%2f", name("x%2fk")],
        ["%2F", "/keys%2Fk?api-version=7.4"],
        ["%5c", name("x%5ck")],
        ["a backslash", name("x\\k")],
        ["%0a", name("k%0a")],
        ["%0d%0a", name("k%0d%0ax")],
        ["%7f", name("k%7f")],
        ["a bare percent", name("k%")],
        ["a percent before one digit", name("k%6")],
        ["a percent before no digit", name("%zzk")],
        ["an overlong slash", name("x%c0%afk")],
        ["an overlong dot", name("%c0%ae")],
        ["an overlong k", name("%c1%ab")],
        ["invalid UTF-8", name("k%ff")],
        ["a surrogate in UTF-8", name("%ed%a0%80")],
        ["beyond Unicode", name("%f4%90%80%80")],
        ["double coding of ..", "/keys/x/%252e%252e/k?api-version=7.4"],
        ["double coding of k", name("%256b")],
        ["a fragment", "/keys/k#x?api-version=7.4"],
        ["a name with an underscore", name("k_")],
        ["a name with a dot", name("k.x")],
        ["a name with a space", name("k%20")],
        ["a name with a colon", name("k:")],
        ["a name with a semicolon", name("k;a=b")],
        ["a name in UTF-8", name("%d0%ba")],
        ["a name of 128 characters", name("k".repeat(128))],
        ["a version of 31 digits", `/keys/k/${"0".repeat(31)}?api-version=7.4`],
        ["a version of 33 digits", `/keys/k/${"0".repeat(33)}?api-version=7.4`],
        ["a version in upper case", `/keys/k/${"A".repeat(32)}?api-version=7.4`],
        ["a version that is no hexadecimal", `/keys/k/${"g".repeat(32)}?api-version=7.4`],
        ["an unknown parameter", "/keys/k?api-version=7.4&x=1"],
        ["a parameter that comes twice", "/keys/k?api-version=7.4&api-version=7.4"],
        ["a parameter that comes twice, once encoded", "/keys/k?api-version=7.4&api%2Dversion=7.3"],
        ["a parameter that comes twice, in two cases", "/keys/k?api-version=7.4&API-VERSION=7.3"],
        ["no api-version", "/keys/k"],
        ["an empty query", "/keys/k?"],
        ["an api-version without a value", "/keys/k?api-version"],
        ["an unknown api-version", "/keys/k?api-version=9.9"],
        ["an api-version with something behind it", "/keys/k?api-version=7.4%20"],
        ["a bad percent in the query", "/keys/k?api-version=7.4%"],
        ["invalid UTF-8 in the query", "/keys/k?api-version=7.4%ff"],
        ["a maxresults of 0", "/keys?api-version=7.4&maxresults=0"],
        ["of 26", "/keys?api-version=7.4&maxresults=26"],
        ["of -1", "/keys?api-version=7.4&maxresults=-1"],
        ["of +5", "/keys?api-version=7.4&maxresults=%2B5"],
        ["of nothing", "/keys?api-version=7.4&maxresults="],
        ["of 1e1", "/keys?api-version=7.4&maxresults=1e1"],
        ["of 005", "/keys?api-version=7.4&maxresults=005"],
        ["a skiptoken that is none", "/keys?api-version=7.4&$skiptoken=%2e%2e"],
        ["an empty skiptoken", "/keys?api-version=7.4&$skiptoken="],
        ["a skiptoken of a name that is none", "/keys?api-version=7.4&$skiptoken=Li4vLi4"],
    ]) {
        test(`${why} is 400`, async () => {
            const { text } = await exchangeBytes(vault.url, get(target));

            assert.deepEqual(statusesOf(text), [400], `${target}: ${text.slice(0, 400)}`);
        });
    }

    for (const [why, target] of [
        ["an encoded parameter name", "/keys/k?api%2Dversion=7.4"],
        ["a parameter name in another case", "/keys/k?API-Version=7.4"],
        ["a trailing slash", "/keys/k/?api-version=7.4"],
        ["doubled slashes", "//keys//k?api-version=7.4"],
        ["an encoded letter", "/keys/%6b?api-version=7.4"],
        ["the collection in another case", "/KEYS/k?api-version=7.4"],
        ["the name in another case", "/keys/K?api-version=7.4"],
        ["the absolute form of our own host", "https://HOST/keys/k?api-version=7.4"],
    ]) {
        test(`${why} is understood, as clients need it`, async () => {
            const { text } = await exchangeBytes(vault.url, get(target.replace("HOST", host)));

            assert.deepEqual(statusesOf(text), [200], text.slice(0, 400));
        });
    }
});

describe("methods", () => {
    for (const [method, path, allowed] of [
        ["PUT", "/keys", ["GET"]],
        ["DELETE", "/keys", ["GET"]],
        ["PUT", "/keys/k/sign", ["POST"]],
        ["DELETE", "/keys/k/create", ["POST"]],
        ["DELETE", "/keys/k/versions", ["GET"]],
        ["PUT", "/deletedkeys/k", ["DELETE", "GET"]],
        ["GET", "/deletedkeys/k/recover", ["POST"]],
        ["OPTIONS", "/keys/k", ["DELETE", "GET", "PATCH"]],
    ]) {
        test(`${method} ${path} is 405, and Allow says what is`, async () => {
            const { text } = await exchangeBytes(
                vault.url,
                request({
                    line: `${method} ${path}?api-version=7.4 HTTP/1.1`,
                    fields: "Content-Length: 0\r\n",
                    content: "",
                }),
            );

            assert.deepEqual(statusesOf(text), [405], text.slice(0, 300));

            const allow = text.match(/^allow: (.*)\r$/im)[1].split(/,\s*/);

            for (const each of allowed) assert.ok(allow.includes(each), `Allow: ${allow}`);
        });
    }

    for (const method of ["TRACE", "PROPFIND", "get", "FOO"]) {
        test(`${method}, which no route knows, is refused`, async () => {
            const { text } = await exchangeBytes(
                vault.url,
                request({
                    line: `${method} /keys/k?api-version=7.4 HTTP/1.1`,
                    fields: "Content-Length: 0\r\n",
                    content: "",
                }),
            );

            assert.ok([400, 405, 501].includes(statusesOf(text)[0]), text.slice(0, 300));
        });
    }

    test("an operation's name does not pass for a version", async () => {
        const { text } = await exchangeBytes(vault.url, get("/keys/k/sign?api-version=7.4"));

        assert.deepEqual(statusesOf(text), [400]);
    });

    test("a body of another type is read as JSON or refused with 415", async () => {
        for (const type of ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]) {
            const answer = await send("POST", `${vault.url}/keys/k/sign?api-version=7.4`, {
                token,
                body,
                headers: { "content-type": type },
            });

            assert.ok([200, 415].includes(answer.status), answer.text);
        }
    });

    test("the resource host has no vault on it", async () => {
        const answer = await send("GET", `${vaultResource}/keys?api-version=7.4`, { token });

        assert.ok([400, 404, 421].includes(answer.status), answer.text);
    });
});
