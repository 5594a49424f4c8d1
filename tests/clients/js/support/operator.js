// What the operator does at the appliance itself: the CLI `strongroom`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function tool(name) {
    if (!process.env[name]) throw new Error(`${name} is not set: start these tests by tests/clients/run`);
    return process.env[name];
}

function strongroom(...words) {
    return execFileSync(tool("STRONGROOM_CLI"), [...words, "--config", tool("STRONGROOM_MANAGEMENT_CONFIG")], {
        encoding: "utf8",
    });
}

// Run `work` in a fresh directory of ours alone, which goes when it has ended.
export async function inDirectory(work) {
    const directory = mkdtempSync(join(tmpdir(), "strongroom-test-"));

    try {
        return await work(directory);
    } finally {
        rmSync(directory, { recursive: true, force: true });
    }
}

// A new application with a client secret: { clientId, objectId, clientSecret }. It has no right anywhere.
export function newApplication(name) {
    return inDirectory((directory) => {
        const secretFile = join(directory, "secret");
        const made = JSON.parse(
            strongroom("application", "create", "--name", name, "--secret-file", secretFile, "--json"),
        );

        return {
            clientId: made.clientId,
            objectId: made.objectId,
            clientSecret: readFileSync(secretFile, "utf8").trim(),
        };
    });
}

export function application(verb, clientId, ...options) {
    strongroom("application", verb, "--client-id", clientId, ...options);
}

// A self-signed certificate with its key, PEM: `both` in one file is what ClientCertificateCredential reads.
export function newCertificate(directory, name) {
    const pem = join(directory, `${name}.pem`),
        key = join(directory, `${name}.key`),
        both = join(directory, `${name}.both`);

    execFileSync(
        "openssl",
        [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            `/CN=${name}`,
            "-keyout",
            key,
            "-out",
            pem,
        ],
        { stdio: "ignore" },
    );
    writeFileSync(both, readFileSync(key, "utf8") + readFileSync(pem, "utf8"), { mode: 0o600 });
    return { pem, key, both };
}
