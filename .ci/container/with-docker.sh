#!/usr/bin/env bash
# In a sandbox (see sandbox.sh): run COMMAND with a Docker engine of its own, then stop the engine.
#
#   with-docker.sh ENGINE_DIR COMMAND [ARG...]
#
# `docker`, `docker build`, `docker compose` in COMMAND talk to that engine. Its images and volumes are kept in
# $SANDBOX_STATE/docker.
set -euo pipefail
engine=$(cd "$1" && pwd)
shift
export PATH=$engine:$PATH
export DOCKER_CONFIG=/run/docker-config DOCKER_HOST=unix:///run/docker.sock
mkdir -p "$DOCKER_CONFIG" "$SANDBOX_STATE/docker"
ln -s "$engine/cli-plugins" "$DOCKER_CONFIG/cli-plugins"

options=()
if [[ $SANDBOX_OWN_NET != yes ]]; then
    # On the caller's network: no bridge, no firewall rules, no forwarding. Builds then need --network=host.
    options=(--bridge=none --iptables=false --ip6tables=false --ip-forward=false)
fi
dockerd "${options[@]}" --host "$DOCKER_HOST" --data-root "$SANDBOX_STATE/docker" \
    --exec-root /run/docker --pidfile /run/docker.pid > "$SANDBOX_STATE/dockerd.log" 2>&1 &
pid=$!
for _ in {1..150}; do
    if docker version > /dev/null 2>&1; then break; fi
    if ! kill -0 "$pid" 2> /dev/null; then
        echo 'The Docker engine did not start. The end of its log:' >&2
        tail -n 20 "$SANDBOX_STATE/dockerd.log" >&2
        exit 1
    fi
    sleep 0.2
done
rc=0
"$@" || rc=$?
kill "$pid" && wait "$pid" || true
exit "$rc"
