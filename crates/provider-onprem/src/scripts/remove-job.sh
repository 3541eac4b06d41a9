# remove-job KEY NAME: prints the active state of its unit; gone once nothing runs.
key=$1 name=$2
enter
active=inactive
if ! listed "$key" Job "$name"; then
  echo "$active"
  exit 0
fi
job=$mine/job
if [ -e "$job/digest" ]; then
  unit=openvidu-operator-$id-$(<"$job/digest").service
  active=$(systemctl show --property ActiveState --value "$unit")
  case $active in
    inactive | failed) systemctl reset-failed "$unit" 2>/dev/null || true ;;
    *) systemctl stop --no-block "$unit" ;;
  esac
fi
case $active in
  inactive | failed)
    rm -f "$fences/secret.$id.$key"
    release "$key"
    ;;
esac
echo "$active"
