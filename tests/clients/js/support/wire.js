// Requests that no SDK would send: by node:https where HTTP itself is well formed, by bare TLS where it is not.
import { readFileSync } from "node:fs";
import https from "node:https";
import tls from "node:tls";
import { site } from "./site.js";

const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });

// Send one request; never follows, never retries. `body`: text, bytes, or an object to be sent as JSON.
export function send(method, url, { token, headers = {}, body, path } = {}) {
    const target = new URL(url);
    const bytes =
        body === undefined
            ? undefined
            : Buffer.isBuffer(body) || typeof body === "string"
              ? Buffer.from(body)
              : Buffer.from(JSON.stringify(body));
    const options = {
        agent,
        method,
        host: target.hostname,
        port: target.port || 443,
        path: path ?? target.pathname + target.search,
        headers: {
            ...(token ? { authorization: `Bearer ${token}` } : {}),
            ...(bytes ? { "content-type": "application/json" } : {}),
            ...(bytes || !["GET", "HEAD"].includes(method) ? { "content-length": bytes?.length ?? 0 } : {}),
            ...headers,
        },
    };

    return new Promise((resolve, reject) => {
        const request = https.request(options, (response) => {
            const parts = [];

            response.on("data", (part) => parts.push(part));
            response.on("error", reject);
            response.on("end", () => {
                const text = Buffer.concat(parts).toString();
                let json;

                try {
                    json = JSON.parse(text);
                } catch {
                    json = undefined;
                }
                resolve({ status: response.statusCode, headers: response.headers, text, json });
            });
        });

        request.on("error", reject);
        request.setTimeout(20000, () => request.destroy(new Error(`no answer to ${method} ${url}`)));
        request.end(bytes);
    });
}

// Write bytes to a fresh TLS connection (ALPN http/1.1) and read until the server closes it, or until it has been silent
// for `quietMs` after it last said something.
export function exchangeBytes(url, bytes, { quietMs = 400, limitMs = 8000 } = {}) {
    const target = new URL(url);

    return new Promise((resolve, reject) => {
        const parts = [];
        const socket = tls.connect(
            {
                host: target.hostname,
                port: Number(target.port || 443),
                servername: target.hostname,
                ca: readFileSync(site.ca),
                ALPNProtocols: ["http/1.1"],
            },
            () => socket.write(bytes),
        );
        let quiet;
        const finish = (closed) => {
            clearTimeout(quiet);
            clearTimeout(limit);
            socket.destroy();
            resolve({ text: Buffer.concat(parts).toString("latin1"), closed });
        };
        const limit = setTimeout(() => finish(false), limitMs);

        socket.on("data", (part) => {
            parts.push(part);
            clearTimeout(quiet);
            quiet = setTimeout(() => finish(false), quietMs);
        });
        socket.on("end", () => finish(true));
        socket.on("close", () => finish(true));
        socket.on("error", (error) =>
            error.code === "ECONNRESET" || error.code === "EPIPE" ? finish(true) : reject(error),
        );
    });
}

// The status lines in what came back: one per answer. Not anchored to a line's start: bodies do not end in a line end.
export function statusesOf(text) {
    return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)]
        .map((match) => Number(match[1]))
        .filter((status) => status !== 100);
}
