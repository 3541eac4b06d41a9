# remove-unit KEY NAME: prints the active state; gone once that is inactive or failed.
key=$1 name=$2
path=/etc/systemd/system/$name
enter
if ! listed "$key" Unit "$path"; then
  echo inactive
  exit 0
fi
if [ -e "$path" ]; then
  systemctl disable --quiet "$name" 2>/dev/null || true
  systemctl stop --no-block "$name"
fi
active=$(systemctl show --property ActiveState --value "$name")
case $active in
  inactive | failed)
    rm -f "$path" "$path.openvidu-operator"
    systemctl daemon-reload
    systemctl reset-failed "$name" 2>/dev/null || true
    release "$key"
    ;;
esac
echo "$active"
