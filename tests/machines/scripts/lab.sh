# PID 1 of a lab: holds its mount, network and PID namespaces, and with them every machine, until standard input ends.
# The kernel kills all processes of a PID namespace with its PID 1, and drops namespaces and mounts that nobody is in.
set -euo pipefail

# Whatever machines and `ip netns` leave under /run is ours alone.
mount -t tmpfs -o mode=755,size=4G tmpfs /run
mkdir -p /run/netns /run/machines

# TEST-NET-1 on a bridge with no way out.
ip link set lo up
ip link add hub type bridge
ip address add 192.0.2.1/24 dev hub
ip link set hub up

echo ready
exec cat >/dev/null
