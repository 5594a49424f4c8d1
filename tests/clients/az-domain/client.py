"""client.py TOOL DIRECTORY - what azure-cli makes of our security domain files, and we of its restore blobs.

TOOL is domain_files (domain_files.c); az.py is what of azure-cli is run. Exit code 3: a case failed.
"""
import base64
import datetime
import hashlib
import itertools
import json
import pathlib
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import az

TOOL = sys.argv[1]
WORK = pathlib.Path(sys.argv[2])
TAG = 'strongroom-domain-v1'
SIZES = [2048, 3072, 4096, 2048, 2048]


def make_key(name, bits):
    """A key and its certificate, as az wants them: NAME.key and NAME.cer beside each other."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now)
                   .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256()))
    (WORK / (name + '.cer')).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (WORK / (name + '.key')).write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return str(WORK / name)


def tool(*arguments):
    """What the tool says, or None when it refuses."""
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode not in (0, 1):
        raise RuntimeError('%s ended with %d: %s' % (arguments[0], done.returncode, done.stderr))
    return done.stdout.strip() if done.returncode == 0 else None


class Client:
    def __init__(self):
        self.az = az.load()
        self.holders = [make_key('holder%d' % i, bits) for i, bits in enumerate(SIZES)]
        self.transfer = make_key('transfer', 2048)
        self.stranger = make_key('stranger', 2048)
        self.file = str(WORK / 'domain.json')
        self.payload = self.make(self.file, 3, self.holders)

    @staticmethod
    def make(path, required, holders):
        return tool('make', path, str(required), *[holder + '.cer' for holder in holders])

    def blob(self, holders, file=None):
        return self.az._security_domain_restore_blob(file or self.file, self.transfer + '.cer',
                                                     [holder + '.key' for holder in holders])

    def opened(self, blob, key=None):
        path = WORK / 'blob.json'
        path.write_text(blob)
        key = key or self.transfer
        return tool('open', str(path), key + '.cer', key + '.key')

    def refuses(self, holders, file=None):
        """az raises, or makes a blob that we do not open."""
        try:
            blob = self.blob(holders, file)
        except Exception:  # of whatever kind: az does not check what it decrypts
            return True
        return self.opened(blob) is None

    # --- cases ---

    def az_derives_keys_as_we_do(self):
        return self.az.KDF.test_sp800_108()

    def every_three_of_five_open_it(self):
        return all(self.opened(self.blob(three)) == self.payload for three in itertools.combinations(self.holders, 3))

    def more_than_three_open_it(self):
        return self.opened(self.blob(self.holders)) == self.payload and \
            self.opened(self.blob(self.holders[:0:-1])) == self.payload

    def strangers_among_them_do_no_harm(self):
        return self.opened(self.blob([self.stranger] + self.holders[2:])) == self.payload

    def no_two_open_it(self):
        return all(self.refuses(two) for two in itertools.combinations(self.holders, 2))

    def two_and_a_stranger_do_not(self):
        return self.refuses(self.holders[:2] + [self.stranger])

    def one_of_them_three_times_does_not(self):
        return self.refuses(self.holders[:1] * 3) and self.refuses(self.holders[:1] * 2 + self.holders[1:2])

    def az_sees_the_payload_that_we_packed(self):
        data = json.loads(pathlib.Path(self.file).read_text())
        shares = self.az._security_domain_gen_share_arrays([h + '.key' for h in self.holders], [], data['SharedKeys'], 3)
        master = self.az.SharedSecret.get_plaintext(shares, required=3)
        item = data['EncData']['data'][0]
        plain = self.az.JWE(item['compact_jwe']).decrypt_using_bytes(self.az.KDF.sp800_108(master, TAG, '', 512))
        return item['tag'] == TAG and hashlib.sha256(plain).hexdigest() == self.payload

    def files_of_other_quorums_open(self):
        for required, count in ((2, 3), (3, 3), (5, 5), (2, 5)):
            path = str(WORK / 'other.json')
            payload = self.make(path, required, self.holders[:count])
            if self.opened(self.blob(self.holders[count - required:count], path)) != payload or \
                    not self.refuses(self.holders[:required - 1], path):
                return False
        return True

    def shares_of_two_files_do_not_mix(self):
        path = WORK / 'mixed.json'
        self.make(str(path), 3, self.holders)
        mixed, first = json.loads(path.read_text()), json.loads(pathlib.Path(self.file).read_text())
        mixed['SharedKeys']['enc_shares'][0] = first['SharedKeys']['enc_shares'][0]
        path.write_text(json.dumps(mixed))
        return self.refuses(self.holders[:3], str(path)) and not self.refuses(self.holders[1:4], str(path))

    def blobs_that_are_encoded_once_more_open(self):
        def again(text):
            return base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')

        blob = json.loads(self.blob(self.holders[:3]))
        for item in blob['EncData']['data']:
            item['compact_jwe'] = again(item['compact_jwe'])
        for name in ('enc_key', 'x5t_256'):
            blob['WrappedKey'][name] = again(blob['WrappedKey'][name])
        return self.opened(json.dumps(blob)) == self.payload

    def blobs_open_under_their_own_key_alone(self):
        blob = json.loads(self.blob(self.holders[:3]))
        if self.opened(json.dumps(blob), self.stranger) is not None:
            return False
        other = json.loads(self.blob(self.holders[:3]))
        other['EncData'] = blob['EncData']
        return self.opened(json.dumps(other)) is None

    def changed_blobs_do_not_open(self):
        blob = self.blob(self.holders[:3])
        for at in range(0, len(blob), 29):
            if blob[at] != ' ' and self.opened(blob[:at] + ('A' if blob[at] != 'A' else 'B') + blob[at + 1:]) is not None:
                return False
        return self.opened(blob) == self.payload


CASES = [
    ('az derives keys as we do', Client.az_derives_keys_as_we_do),
    ('every three of five holders open our file, and we open what az makes of it', Client.every_three_of_five_open_it),
    ('more than three open it', Client.more_than_three_open_it),
    ('a key that is no holder\'s does no harm', Client.strangers_among_them_do_no_harm),
    ('no two of the holders open it', Client.no_two_open_it),
    ('two and somebody else do not', Client.two_and_a_stranger_do_not),
    ('one holder three times does not', Client.one_of_them_three_times_does_not),
    ('az sees the payload that we packed', Client.az_sees_the_payload_that_we_packed),
    ('files of other quorums open with just that many', Client.files_of_other_quorums_open),
    ('shares of two files do not mix', Client.shares_of_two_files_do_not_mix),
    ('blobs that are encoded once more open', Client.blobs_that_are_encoded_once_more_open),
    ('blobs open under their own transfer key alone', Client.blobs_open_under_their_own_key_alone),
    ('changed blobs do not open', Client.changed_blobs_do_not_open),
]


def main():
    client = Client()
    failed = 0
    for sentence, case in CASES:
        try:
            right, why = case(client), ''
        except Exception as error:  # the next case is to run all the same
            right, why = False, ': %r' % error
        print('%s %s%s' % ('ok     ' if right else 'FAILED:', sentence, why))
        failed += not right
    print('%d passed, %d failed' % (len(CASES) - failed, failed))
    return 3 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
