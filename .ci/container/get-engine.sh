#!/usr/bin/env bash
# Put a Docker engine, its client, and the plugins buildx and compose into DIR, from Debian 13's packages, unpacked and
# not installed:
#
#   get-engine.sh DIR
#
# Needs (Debian 12 or 13): mmdebstrap; to run it: runc iptables iproute2
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [[ -x $dir/dockerd ]]; then exit 0; fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mmdebstrap --quiet --variant=extract --include=docker.io,docker-cli,docker-buildx,docker-compose \
    trixie "$tmp/debian" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
cd "$tmp/debian/usr"
install -D -t "$dir/cli-plugins" libexec/docker/cli-plugins/docker-{buildx,compose}
install -D -t "$dir" bin/docker bin/containerd bin/containerd-shim-runc-v2 sbin/docker-proxy
install bin/tini-static "$dir/docker-init"
# runc alone needs Debian 13's libc: an older machine uses its own.
if bin/runc --version > /dev/null 2>&1; then install bin/runc "$dir/runc"; fi
install sbin/dockerd "$dir/dockerd" # last: its presence says that the rest is there
