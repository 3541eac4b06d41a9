# preflight-listen ADDRESS PORT...: for ten seconds somebody listens there, and says nothing to whoever comes. Nothing
# of it stays. Input: nothing.
unit=openvidu-operator-$id-listen.service
if [ "$1" = stop ]; then
  systemctl stop "$unit" 2>/dev/null || true
  exit 0
fi
address=$1
shift
listens=()
case $address in *:*) address="[$address]" ;; esac
for port in "$@"; do listens+=(-l "$address:$port"); done
systemctl stop "$unit" 2>/dev/null || true
systemctl reset-failed "$unit" 2>/dev/null || true
# It holds all ports open until the first visitor comes, then hands them, still open, to a sleep.
systemd-run --quiet --collect -p Type=exec -p RuntimeMaxSec=10 --unit="$unit" -- \
  systemd-socket-activate "${listens[@]}" /bin/sleep 10
# Ready when the kernel says so of the last port.
last=$(printf ':%04X' "${!#}")
until grep -q "$last .* 0A " /proc/net/tcp /proc/net/tcp6; do
  systemctl is-active --quiet "$unit" || refuse 82 "nobody can listen on $address, ports $*"
  sleep 0.05
done
