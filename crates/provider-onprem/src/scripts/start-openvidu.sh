# start-openvidu KEY: enables and starts OpenVidu, which KEY's job has installed. Prints its active state.
key=$1
enter
job=$state/resources/$key/job
# Whole, and not being taken away.
[ -e "$job/completed" ] && [ -e "$job/result" ] && [ "$(cut -d ' ' -f 2 "$job/result")" = 0 ] || refuse 81 'OpenVidu is not installed here by us'
systemctl enable --quiet openvidu.service
if ! systemctl is-active --quiet openvidu.service; then
  # A unit that failed too often refuses to start until this is said.
  systemctl reset-failed openvidu.service 2>/dev/null || true
  systemctl start --no-block openvidu.service
fi
systemctl show --property ActiveState --value openvidu.service
