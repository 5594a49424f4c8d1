"""blob.py FILE TRANSFER OUT KEY... - what `az keyvault security-domain upload` sends: the restore blob that azure-cli's own code
makes of a security domain's FILE for the certificate TRANSFER, with holders' keys, each NAME.key with NAME.cer beside it."""
import pathlib
import sys

import az


def main():
    file, transfer, out, *keys = sys.argv[1:]
    pathlib.Path(out).write_text(az.load()._security_domain_restore_blob(file, transfer, keys), encoding='utf-8')


if __name__ == '__main__':
    main()
