// What a symmetric key of the vault must compute, rebuilt from nothing but its block cipher: one block of CBC with a zero IV
// is E(block). So the results of GCM and key wrap are checked against something that is not the implementation itself.

function xor(a, b) {
    return Buffer.from(a.map((byte, i) => byte ^ b[i]));
}

function padded(bytes) {
    return Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)]);
}

// Multiplication in GF(2^128), SP 800-38D 6.3.
function multiply(x, y) {
    let z = 0n,
        v = y;

    for (let bit = 127n; bit >= 0n; bit--) {
        if ((x >> bit) & 1n) z ^= v;
        v = v & 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n;
    }
    return z;
}

const toNumber = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const toBlock = (number) => Buffer.from(number.toString(16).padStart(32, "0"), "hex");

// SP 800-38D 7.1 with a 96-bit IV. `block`: (16 bytes) => Promise of E(them).
export async function gcm(block, iv, plaintext, aad) {
    const h = toNumber(await block(Buffer.alloc(16)));
    const counter = (n) => Buffer.concat([iv, Buffer.from([0, 0, 0, n])]);
    const pieces = [];

    for (let i = 0; i < plaintext.length; i += 16) {
        const piece = plaintext.subarray(i, i + 16);

        pieces.push(xor(piece, await block(counter(2 + i / 16))));
    }

    const ciphertext = Buffer.concat(pieces);
    const lengths = toBlock((BigInt(aad.length * 8) << 64n) | BigInt(ciphertext.length * 8));
    const hashed = Buffer.concat([padded(aad), padded(ciphertext), lengths]);
    let y = 0n;

    for (let i = 0; i < hashed.length; i += 16) y = multiply(y ^ toNumber(hashed.subarray(i, i + 16)), h);
    return { ciphertext, tag: xor(toBlock(y), await block(counter(1))) };
}

// RFC 3394, 2.2.1.
export async function keyWrap(block, plaintext) {
    const n = plaintext.length / 8;
    const r = [...Array(n).keys()].map((i) => plaintext.subarray(8 * i, 8 * i + 8));
    let a = Buffer.alloc(8, 0xa6);

    for (let j = 0; j < 6; j++) {
        for (let i = 0; i < n; i++) {
            const b = await block(Buffer.concat([a, r[i]]));

            a = Buffer.from(b.subarray(0, 8));
            a.writeUInt32BE((a.readUInt32BE(4) ^ (n * j + i + 1)) >>> 0, 4);
            r[i] = b.subarray(8);
        }
    }
    return Buffer.concat([a, ...r]);
}
