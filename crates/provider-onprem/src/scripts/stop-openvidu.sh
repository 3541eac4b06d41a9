# stop-openvidu KEY exited|anyway NAME...: disables and stops OpenVidu, which KEY's job has installed. exited: only when
# nothing that takes the drain signal runs. Prints its active state.
key=$1 when=$2
shift 2
enter
[ -d "$state/resources/$key" ] || refuse 81 'OpenVidu is not installed here by us'
running_drained "$@"
[ "$when" = anyway ] || [ -z "$running" ] || refuse 84 "not stopped:$running still runs"
# First this: a reboot in between shall not bring it up.
systemctl disable --quiet openvidu.service
systemctl stop --no-block openvidu.service
active=$(systemctl show --property ActiveState --value openvidu.service)
case $active in
  inactive | failed)
    # What was marked is over, and whatever starts next is another start.
    running_drained "$@"
    [ -n "$running" ] || rm -rf "$state/signals"
    ;;
esac
echo "$active"
