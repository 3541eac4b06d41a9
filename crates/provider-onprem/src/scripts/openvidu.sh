# openvidu PORT PATH: how OpenVidu is, in lines "NAME VALUE"; last "end". Reads only.
port=$1 path=$2
systemctl show --property ActiveState,UnitFileState openvidu.service |
  while IFS='=' read -r name value; do echo "unit.$name $value"; done
if ! command -v docker >/dev/null 2>&1; then
  # Without an engine there are no containers.
  echo 'containers listed'
elif ids=$(timeout 3 docker ps --all --quiet --no-trunc 2>/dev/null); then
  # Whole or not at all: one that is left out would count as gone. One that went since it was listed is told next time.
  # Go's names of fields, not those of the JSON: by these Docker's client reads it as a map, which lacks what is empty.
  if [ -z "$ids" ]; then
    echo 'containers listed'
  elif said=$(timeout 3 docker inspect --type container --format \
    'container {{.Name}} {{.ID}} {{.State.StartedAt}} {{.State.Running}} {{or .HostConfig.RestartPolicy.Name "no"}} {{or .Config.StopSignal "none"}} {{index .Config.Labels "openvidu-agent"}}' \
    $ids 2>/dev/null); then
    printf '%s\n' "$said"
    echo 'containers listed'
  else
    echo 'containers unknown'
  fi
elif ! grep -qsx 'containerd-shim.*' /proc/[0-9]*/comm; then
  # The engine is down, and nothing holds a container up without it.
  echo 'containers listed'
else
  echo 'containers unknown'
fi
# Read after the containers: a marker that is made meanwhile is seen, whatever it stands for.
now=$(date +%s)
for marker in "$state"/signals/*; do
  made=$(stat -c %Y "$marker" 2>/dev/null) || continue
  echo "marker ${marker##*/} $(((now - made) * 1000))"
done
echo "health $(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$port$path" || true)"
echo end
