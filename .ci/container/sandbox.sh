#!/usr/bin/env bash
# Run COMMAND as root with a private view of all that a Docker engine touches, so that it works on a machine without
# systemd, and leaves nothing behind when COMMAND ends:
#
#   sandbox.sh [--net] STATE_DIR COMMAND [ARG...]
#
#   processes        own pid namespace: every daemon and container ends with COMMAND
#   network          own namespace with only loopback up: no container's traffic, bridge or firewall rule gets out of
#                    it. --net keeps the caller's network instead, which a build needs for its downloads
#   /run, /dev/shm   empty
#
# STATE_DIR is COMMAND's $SANDBOX_STATE. One sandbox at a time uses it.
set -euo pipefail

outer() {
    local unshare_net=(--net) own_net=yes rc=0 state pid
    if [[ ${1-} == --net ]]; then
        unshare_net=() own_net=no
        shift
    fi
    mkdir -p "$1"
    state=$(cd "$1" && pwd)
    shift
    exec 9> "$state/.lock"
    flock 9
    unshare --mount "${unshare_net[@]}" --pid --fork --kill-child --mount-proc --propagation private -- \
        bash "$0" --inner "$own_net" "$state" "$@" 9>&- <&0 &
    pid=$!
    trap 'kill -KILL "$pid"' INT TERM # takes the whole pid namespace along
    wait "$pid" || rc=$?
    wait "$pid" 2> /dev/null || true # once more where a signal ended the first
    # The containers' cgroups outlive the namespaces; only empty ones go.
    find /sys/fs/cgroup -depth -type d -path '*/docker*' -exec rmdir {} + 2> /dev/null || true
    return "$rc"
}

inner() {
    export SANDBOX_STATE=$2 SANDBOX_OWN_NET=$1
    shift 2
    if [[ $SANDBOX_OWN_NET == yes ]]; then ip link set lo up; fi
    mount -t tmpfs -o mode=0755 tmpfs /run
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mkdir -p /run/lock
    unset XDG_RUNTIME_DIR DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG
    "$@"
}

if [[ ${1-} == --inner ]]; then
    shift
    inner "$@"
else
    outer "$@"
fi
