# Run by the job that installs, in its folder, with NAMES set before: takes OpenVidu away. Cut off, it is run again.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
stop_with() { # CODE MESSAGE
  echo "$2"
  exit "$1"
}
case $(systemctl show --property ActiveState --value openvidu.service) in
  inactive | failed) ;;
  *) stop_with 94 'openvidu.service runs: it is not taken away' ;;
esac
running_drained "${NAMES[@]}"
[ -z "$running" ] || stop_with 94 "it is not taken away:$running still runs"

# From here on it is no installation any more: nobody starts it, and one that is wanted is made anew.
if [ -e completed ]; then
  : >began
  sync began
  rm -f completed
  sync .
fi
if [ -e began ]; then
  systemctl disable --quiet openvidu.service 2>/dev/null || true
  if command -v docker >/dev/null 2>&1; then
    # Without force: one that runs is refused.
    docker ps --all --quiet --filter label=com.docker.compose.project.working_dir=/opt/openvidu | xargs --no-run-if-empty docker rm >/dev/null
  fi
  rm -rf /etc/systemd/system/openvidu.service /opt/openvidu
  systemctl daemon-reload
  systemctl reset-failed openvidu.service 2>/dev/null || true
  rm -f began
  sync .
fi
echo 'taken away'
