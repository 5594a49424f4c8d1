#!/usr/bin/env python3
"""forge.py IN.json OUT.json ACTION... - edits a statement's file, by an implementation of its own.

  set:FIELD=int:N | hex:DIGITS | text:TEXT   a field of the statement, by its number in keystore.proto
  drop:FIELD                    without that field
  append:HEX                    bytes behind the statement
  reverse                       its fields in descending order
  key:NAME=0|1|xHEX[/STATE],... a key with these attributes (numbers of CKA_)
  sign:KEY.pem                  sign it anew
  chain:FILE.pem                other certificates
  quote:KEY.pem                 a quote of it by this key; with @FILE.json behind, of that statement; with #HEX, of that image
  quote-key:KEY.pem             this key's public half in the file, whoever signed
  no-quote                      without the quote
  no-part:attest | no-part:signature | no-part:key   without that part of the quote
  raw-quote:HEX,KEY.pem         these bytes as the quote, signed by the key
  flip:signature | flip:statement | flip:quoteSignature   one bit
  member:TEXT                   text put in front of the file's last brace
  tail:TEXT                     text behind the file
  packed                        the file as a packed SignedStatement
  pem:TEXT                      that in PEM, as a board leaves it, behind this text

Only the standard library and the openssl program are used: nothing of what is tested.
"""
import base64
import hashlib
import json
import struct
import subprocess
import sys

PREFIX = b"strongroom statement v1\0"
FIELD_FIRMWARE_HASH, FIELD_KEY = 13, 23


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*words, given=None):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def read_varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return n, at


def decode(data):
    """Field number -> number or bytes; no field of a Statement is repeated."""
    fields, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            fields[tag >> 3], at = read_varint(data, at)
        else:
            length, at = read_varint(data, at)
            fields[tag >> 3] = data[at : at + length]
            at += length
    return fields


def encode(fields, reverse=False):
    out = b""
    for number in sorted(fields, reverse=reverse):
        value = fields[number]
        if isinstance(value, int):
            out += varint(number << 3) + varint(value) if value else b""
        elif value:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def attested_key(text):
    key = encode({1: b"one", 2: b"12345678"})
    for one in text.split(","):
        name, value = one.split("=")
        value, _, state = value.partition("/")
        value = bytes.fromhex(value[1:]) if value[0] == "x" else bytes([int(value)])
        attribute = encode({1: int(name, 0), 2: value, 3: int(state or 0)})
        key += varint(3 << 3 | 2) + varint(len(attribute)) + attribute
    return key


def sign(key, data):
    return openssl("dgst", "-sha256", "-sign", key, given=data)


def public(key):
    return openssl("pkey", "-in", key, "-pubout", "-outform", "DER")


def tpms_attest(extra, image):
    """TPM 2.0, Part 2: magic, type, qualifiedSigner, extraData, clockInfo, firmwareVersion, attested (PCR 12)."""
    pcr = hashlib.sha256(bytes(32) + image).digest()
    digest = hashlib.sha256(pcr).digest()
    name = b"\x00\x0b" + bytes(32)
    return (
        struct.pack(">IH", 0xFF544347, 0x8018)
        + struct.pack(">H", len(name)) + name
        + struct.pack(">H", len(extra)) + extra
        + struct.pack(">QIIB", 1, 2, 3, 1) + struct.pack(">Q", 4)
        + struct.pack(">IHB", 1, 0x000B, 3) + b"\x00\x10\x00"
        + struct.pack(">H", len(digest)) + digest
    )


class Statement:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.file = json.load(f)
        self.data = unb64(self.file["statement"])
        self.member = self.tail = ""
        self.packed = False
        self.pem = None

    def quote(self, argument):
        image, over = decode(self.data)[FIELD_FIRMWARE_HASH], self.data
        if "#" in argument:
            argument, digits = argument.split("#")
            image = bytes.fromhex(digits)
        if "@" in argument:
            argument, path = argument.split("@")
            over = Statement(path).data
        attest = tpms_attest(hashlib.sha256(PREFIX + over).digest(), image)
        self.raw_quote(attest, argument)

    def raw_quote(self, attest, key):
        self.file["quote"] = {"attest": b64(attest), "signature": b64(sign(key, attest)), "key": b64(public(key))}

    def flip(self, what):
        place = self.file["quote"] if what == "quoteSignature" else self.file
        name = "signature" if what == "quoteSignature" else what
        data = bytearray(unb64(place[name]))
        data[len(data) // 2] ^= 1
        place[name] = b64(bytes(data))
        self.data = unb64(self.file["statement"])

    def change(self, edit):
        self.data = edit(self.data)
        self.file["statement"] = b64(self.data)

    def set(self, argument):
        field, value = argument.split("=", 1)
        kind, text = value.split(":", 1)
        value = {"int": lambda: int(text), "hex": lambda: bytes.fromhex(text), "text": text.encode}[kind]()
        self.change(lambda data: encode({**decode(data), int(field): value}))

    def act(self, action):
        name, _, argument = action.partition(":")
        if name == "set":
            self.set(argument)
        elif name == "drop":
            self.change(lambda data: encode({k: v for k, v in decode(data).items() if k != int(argument)}))
        elif name == "append":
            self.change(lambda data: data + bytes.fromhex(argument))
        elif name == "key":
            self.change(lambda data: encode({**decode(data), FIELD_KEY: attested_key(argument)}))
        elif name == "reverse":
            self.change(lambda data: encode(decode(data), reverse=True))
        elif name == "sign":
            self.file["signature"] = b64(sign(argument, PREFIX + self.data))
        elif name == "chain":
            with open(argument, encoding="ascii") as f:
                parts = f.read().split("-----END CERTIFICATE-----\n")[:-1]
            self.file["certificates"] = [part + "-----END CERTIFICATE-----\n" for part in parts]
        elif name == "quote":
            self.quote(argument)
        elif name == "quote-key":
            self.file["quote"]["key"] = b64(public(argument))
        elif name == "no-quote":
            self.file.pop("quote", None)
        elif name == "no-part":
            self.file["quote"][argument] = ""
        elif name == "raw-quote":
            digits, key = argument.split(",")
            self.raw_quote(bytes.fromhex(digits), key)
        elif name == "flip":
            self.flip(argument)
        elif name == "member":
            self.member = argument
        elif name == "tail":
            self.tail = argument
        elif name == "packed":
            self.packed = True
        elif name == "pem":
            self.pem = argument
        else:
            sys.exit("no action " + name)

    def pack(self):
        quote = self.file.get("quote", {"attest": "", "signature": "", "key": ""})
        parts = [(1, self.file["statement"]), (2, self.file["signature"])]
        for pem in self.file["certificates"]:
            parts.append((3, "".join(pem.split("\n")[1:-2]).replace("+", "-").replace("/", "_").rstrip("=")))
        parts += [(4, quote["attest"]), (5, quote["signature"]), (6, quote["key"])]
        out = b""
        for number, text in parts:
            out += varint(number << 3 | 2) + varint(len(unb64(text))) + unb64(text) if text else b""
        return out + self.tail.encode()

    def text(self):
        if self.pem is not None:
            body = base64.encodebytes(self.pack()).decode()
            text = "-----BEGIN STRONGROOM STATEMENT-----\n" + body + "-----END STRONGROOM STATEMENT-----\n"
            return (self.pem.replace("\\n", "\n") + text).encode()
        return self.pack() if self.packed else self.json().encode()

    def json(self):
        return json.dumps(self.file)[:-1] + self.member + "}" + self.tail


def main():
    statement = Statement(sys.argv[1])
    for action in sys.argv[3:]:
        statement.act(action)
    with open(sys.argv[2], "wb") as f:
        f.write(statement.text())


main()
