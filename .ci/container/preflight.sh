#!/usr/bin/env bash
# Say what this machine lacks to run a Docker engine of its own; silent and 0 when it lacks nothing.
set -euo pipefail

missing=()
lacks() { missing+=("$1"); }

if ((EUID != 0)); then lacks 'root: an engine cannot be started without'; fi
declare -A package=([mmdebstrap]=mmdebstrap [runc]=runc [iptables]=iptables [ip]=iproute2 [unshare]=util-linux
    [flock]=util-linux [python3]=python3)
for program in "${!package[@]}"; do
    command -v "$program" > /dev/null || lacks "the program $program: apt-get install ${package[$program]}"
done
if ((${#missing[@]} == 0)); then
    private=(unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private --)
    if ! "${private[@]}" true 2> /dev/null; then
        lacks 'the right to make mount, network and process namespaces (in a container: run it with --privileged)'
    else
        # shellcheck disable=SC2016  # expanded inside
        "${private[@]}" bash -c '
            set -e
            mount -t tmpfs tmpfs /run
            mkdir /run/lower /run/upper /run/work /run/merged
            mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /run/merged
        ' > /dev/null 2>&1 || lacks 'the file system overlay, or the right to mount it'
        "${private[@]}" ip link add preflight0 type bridge > /dev/null 2>&1 || lacks 'network bridges (module bridge)'
        "${private[@]}" ip link add preflight0 type veth peer name preflight1 > /dev/null 2>&1 ||
            lacks 'virtual network cables (module veth)'
        "${private[@]}" iptables --table nat --list > /dev/null 2>&1 || lacks 'a firewall with the table nat'
    fi
    if [[ ! -d /sys/fs/cgroup ]] || ! grep -q cgroup /proc/filesystems; then
        lacks 'control groups (/sys/fs/cgroup)'
    fi
fi
if ((${#missing[@]} > 0)); then
    echo 'The container checks cannot run here. Missing:' >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
fi
