# start-openvidu KEY: enables and starts OpenVidu, which KEY's job has installed. Prints its active state.
key=$1
enter
result=$state/resources/$key/job/result
[ -e "$result" ] && [ "$(cut -d ' ' -f 2 "$result")" = 0 ] || refuse 81 'OpenVidu is not installed here by us'
systemctl enable --quiet openvidu.service
if ! systemctl is-active --quiet openvidu.service; then
  # A unit that failed too often refuses to start until this is said.
  systemctl reset-failed openvidu.service 2>/dev/null || true
  systemctl start --no-block openvidu.service
fi
systemctl show --property ActiveState --value openvidu.service
