# openvidu PORT PATH: how OpenVidu is, in lines "NAME VALUE"; last "end". Reads only.
port=$1 path=$2
systemctl show --property ActiveState,UnitFileState openvidu.service |
  while IFS='=' read -r name value; do echo "unit.$name $value"; done
if ! command -v docker >/dev/null 2>&1; then
  # Without an engine there are no containers.
  echo 'containers listed'
elif ids=$(timeout 3 docker ps --all --quiet --no-trunc 2>/dev/null); then
  # Gone since they were listed: missing in the answer, and listed again next time.
  [ -z "$ids" ] || timeout 3 docker inspect --format \
    'container {{.Name}} {{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}} {{index .Config.Labels "openvidu-agent"}}' \
    $ids 2>/dev/null || true
  echo 'containers listed'
elif ! grep -qsx 'containerd-shim.*' /proc/[0-9]*/comm; then
  # The engine is down, and nothing holds a container up without it.
  echo 'containers listed'
else
  echo 'containers unknown'
fi
echo "health $(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$port$path" || true)"
echo end
