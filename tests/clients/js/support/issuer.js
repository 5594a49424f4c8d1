// The authority's own signing key, for tokens that are properly signed and wrong in one other thing. The key itself cannot be
// read; it is used through PKCS#11. A token of SoftHSM may be had by one process alone, so there it is a copy of the
// management daemon's; the keystore serves us beside the daemon.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const authorityLabel = "strongroom-authority";

// RFC 8017, 9.2, note 1: what stands before the digest.
const digestInfo = {
    sha256: Buffer.from("3031300d060960864801650304020105000420", "hex"),
    sha384: Buffer.from("3041300d060960864801650304020205000430", "hex"),
    sha512: Buffer.from("3051300d060960864801650304020305000440", "hex"),
};

function configuration(path) {
    return Object.fromEntries(
        readFileSync(path, "utf8")
            .split("\n")
            .map((line) => line.replace(/^\s*#.*/, ""))
            .filter((line) => line.includes("="))
            .map((line) => {
                const at = line.indexOf("=");

                return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
            }),
    );
}

export class Issuer {
    constructor(directory) {
        const config = configuration(process.env.STRONGROOM_MANAGEMENT_CONFIG);
        const tokens = configuration(config.token_config)["directories.tokendir"];

        this.directory = directory;
        this.label = config.token_label;
        this.module = config.token_module;
        this.pinFile = config.token_pin_file;
        this.environment = { ...process.env, STRONGROOM_PKCS11_CONF: config.token_config };
        if (tokens !== undefined) {
            const softhsm = join(directory, "softhsm2.conf");

            cpSync(tokens, join(directory, "tokens"), { recursive: true });
            writeFileSync(softhsm, `directories.tokendir = ${join(directory, "tokens")}\nobjectstore.backend = file\n`);
            this.environment.SOFTHSM2_CONF = softhsm;
        }
    }

    // The CKA_ID behind the label: pkcs11-tool signs with whatever private key comes first when given a label.
    keyId() {
        const listed = execFileSync(
            "pkcs11-tool",
            ["--module", this.module, "--token-label", this.label, "--list-objects", "--type", "pubkey"],
            { stdio: "pipe", env: this.environment },
        );

        return new RegExp(`label: +${authorityLabel}\\n +ID: +([0-9a-f]+)`).exec(listed.toString())[1];
    }

    // A PKCS#1 v1.5 signature by the authority's key.
    sign(input, hash = "sha256") {
        const inFile = join(this.directory, "input"),
            outFile = join(this.directory, "signature");

        writeFileSync(inFile, Buffer.concat([digestInfo[hash], createHash(hash).update(input).digest()]));
        execFileSync(
            "pkcs11-tool",
            [
                "--module",
                this.module,
                "--token-label",
                this.label,
                "--login",
                "--pin",
                "env:TOKEN_PIN",
                "--sign",
                "--mechanism",
                "RSA-PKCS",
                "--id",
                this.keyId(),
                "--input-file",
                inFile,
                "--output-file",
                outFile,
            ],
            {
                stdio: "pipe",
                env: {
                    ...this.environment,
                    TOKEN_PIN: readFileSync(this.pinFile, "utf8").trim(),
                },
            },
        );
        return readFileSync(outFile);
    }

    // A token from texts (so that a claim can come twice), signed.
    token(headerText, payloadText, hash) {
        const input = `${Buffer.from(headerText).toString("base64url")}.${Buffer.from(payloadText).toString("base64url")}`;

        return `${input}.${this.sign(input, hash).toString("base64url")}`;
    }
}
