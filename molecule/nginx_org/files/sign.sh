#!/bin/bash
# Signs FOLDER/Release by a key that is made for it: FOLDER/InRelease, key.asc and fingerprint.
set -euo pipefail
cd "$1"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
gpg() { command gpg --homedir "$home" --batch --quiet --pinentry-mode loopback --passphrase '' "$@"; }
gpg --quick-generate-key 'Test <test@example.com>' rsa3072 sign 1d
gpg --with-colons --list-keys | awk -F: '$1 == "fpr" { printf "%s", $10; exit }' >fingerprint
gpg --armor --export >key.asc
gpg --clearsign --output InRelease Release
gpgconf --homedir "$home" --kill all
