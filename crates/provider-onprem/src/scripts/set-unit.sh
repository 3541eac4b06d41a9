# set-unit KEY NAME yes|no|keep (enabled) yes|no|keep (active) set|keep (definition), input: record, and the definition if
# it is to be set. Prints the active state before and after.
key=$1 name=$2 enabled=$3 active=$4 defined=$5
path=/etc/systemd/system/$name
inbox
receive "$received/record"
[ "$defined" = keep ] || receive "$received/definition"
enter
claim "$key" Unit "$path"
cp "$received/record" "$mine/.record"
settle "$mine/.record" "$mine/record"
if [ "$defined" != keep ]; then
  cp --no-preserve=all --remove-destination "$received/definition" "$path.openvidu-operator"
  chmod 644 "$path.openvidu-operator"
  settle "$path.openvidu-operator" "$path"
  systemctl daemon-reload
fi
systemctl show --property ActiveState --value "$name"
case $enabled in
  yes) systemctl enable --quiet "$name" ;;
  no) systemctl disable --quiet "$name" ;;
esac
case $active in
  yes)
    if ! systemctl is-active --quiet "$name"; then
      # A unit that failed too often refuses to start until this is said.
      systemctl reset-failed "$name" 2>/dev/null || true
      systemctl start --no-block "$name"
    fi
    ;;
  no) systemctl stop --no-block "$name" ;;
esac
systemctl show --property ActiveState --value "$name"
