# check-stopped NAME...: whether OpenVidu is stopped. Asked before its record says that it leaves.
enter
case $(systemctl show --property ActiveState --value openvidu.service) in
  inactive | failed) ;;
  *) refuse 84 'openvidu.service runs: it is not taken away' ;;
esac
running_drained "$@"
[ -z "$running" ] || refuse 84 "it is not taken away:$running still runs"
