#!/usr/bin/env bash
# Make a stand-in for the image python:3.13-slim, from Debian 13's packages, as a tar file to be imported where no image
# registry can be reached:
#
#   base-image.sh OUT.tar
#
# It holds the machine's CA bundle and what of its pip configuration is of use in an image, so that builds on it can
# download as the machine does, and the Dockerfile need not know. Needs (Debian 12 or 13): mmdebstrap
set -euo pipefail
out=$1
if [[ -s $out ]]; then exit 0; fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
python3 -m pip config list > "$tmp/pip.list" 2> /dev/null || true
python3 - "$tmp/pip.list" > "$tmp/pip.conf" << 'PY'
"""Keep of `pip config list` what names no file of this machine."""
import ast
import sys

KEEP = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
print("[global]")
seen = {}
for line in open(sys.argv[1], encoding="utf-8"):
    key, _, value = line.strip().partition("=")
    name = key.split(".")[-1]
    words = [word for word in ast.literal_eval(value).split() if not word.startswith(("file:", "/", "."))]
    if name in KEEP and words:
        seen["timeout" if name == "default-timeout" else name] = words
for name, words in seen.items():
    print(name, "=", " ".join(words))
PY

slim=()
for folder in doc groff info linda lintian locale man; do
    slim+=("--dpkgopt=path-exclude=/usr/share/$folder/*")
done
# shellcheck disable=SC2016  # "$1" is mmdebstrap's, not ours
mmdebstrap --quiet --format=tar --variant=minbase "${slim[@]}" \
    --include=ca-certificates,python3,python3-pip,python3-venv,tzdata \
    --customize-hook="upload '$tmp/pip.conf' /etc/pip.conf" \
    --customize-hook="upload '$ca' /etc/ssl/certs/ca-certificates.crt" \
    --customize-hook='
        rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED
        for name in python python3 python3.13; do ln -sf /usr/bin/python3 "$1/usr/local/bin/$name"; done
        for name in pip pip3; do ln -sf /usr/bin/pip3 "$1/usr/local/bin/$name"; done' \
    trixie "$out.new" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
mv "$out.new" "$out"
