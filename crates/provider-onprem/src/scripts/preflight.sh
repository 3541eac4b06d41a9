# preflight INSTALLER-URL LICENSE-HOST LICENSE-PORT: what a machine is, in lines "NAME VALUE"; last "end". Reads only.
installer=$1 license_host=$2 license_port=$3
have() { command -v "$1" >/dev/null 2>&1; }

# What asks others goes first, all at once: each gives up before our caller does.
(
  if ! have curl; then
    echo 'installer no-curl'
  elif said=$(curl -fsSL -m 4 -o /dev/null -- "$installer" 2>&1); then
    echo 'installer ok'
  else
    printf 'installer failed %s\n' "$(tail -n 1 <<<"$said" | head -c 200)"
  fi
) &
(
  if timeout 4 /bin/bash -c '{ :; } 3<>"/dev/tcp/$0/$1"' "$license_host" "$license_port" 2>/dev/null; then
    echo 'license ok'
  else
    echo 'license failed'
  fi
) &
(
  # An engine that hangs must not hold up everything else.
  if ! have docker; then
    echo 'docker none'
  elif said=$(timeout 4 docker version --format '{{.Server.Version}}' 2>/dev/null); then
    echo "docker $said"
    echo "compose $(timeout 4 docker compose version --short 2>/dev/null || echo none)"
  else
    echo 'docker silent'
  fi
) &

echo "system $(uname -s)"
echo "machine $(uname -m)"
if [ -r /etc/os-release ]; then (
  . /etc/os-release
  echo "os ${ID:-unknown} ${VERSION_ID:-}"
); fi
echo "cores $(nproc)"
awk '$1 == "MemTotal:" { print "memory-mib", int($2 / 1024) }' /proc/meminfo
disk=/opt
[ -d "$disk" ] || disk=/
echo "disk-mib $(df --output=avail -m "$disk" | tail -n 1 | tr -d ' ')"
if have ss; then
  ss -Hltnp | awk '{ port = $4; sub(/.*:/, "", port); name = $6; gsub(/^users:\(\("|".*$/, "", name); print "listens", port, name }'
else
  awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    while read -r port; do echo "listens $((16#$port))"; done
fi
for sign in /opt/openvidu /etc/systemd/system/openvidu.service /lib/systemd/system/openvidu.service; do
  if [ -e "$sign" ]; then echo "openvidu $sign"; fi
done
for other in "$top"/*/; do
  other=${other%/}
  other=${other##*/}
  # A folder of our own that lists nothing is left by a first step that was cut off.
  if [ -d "$top/$other" ] && [ "$other" != "$id" ]; then echo "owner $other"; fi
done
have systemd-run || echo 'lacks systemd-run'
have systemd-socket-activate || echo 'lacks systemd-socket-activate'
have sha256sum || echo 'lacks sha256sum'
wait
echo end
