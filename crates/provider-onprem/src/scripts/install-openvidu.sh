# Run by a job, in its folder, with URL, SHA256, INSTALLED and FLAGS set before. What is secret is in the file that
# OPENVIDU_OPERATOR_SECRET names, a flag a line.
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
stop_with() { # CODE MESSAGE
  echo "$2"
  exit "$1"
}

# An installation that is complete is never begun again, whatever asks for it: people's recordings are in it.
if [ -e completed ]; then
  [ "$(<completed)" = "$INSTALLED" ] || stop_with 93 "$(<completed) is installed here by us; it is not replaced"
  echo 'installed already'
  exit 0
fi
if [ -e /opt/openvidu ]; then
  [ -e began ] || stop_with 92 'there is an OpenVidu in /opt/openvidu that is not ours'
  if systemctl is-active --quiet openvidu.service; then stop_with 94 'a half-done installation runs: somebody started it'; fi
  echo 'a half-done installation of ours is undone'
  systemctl disable --quiet openvidu.service 2>/dev/null || true
  rm -rf /opt/openvidu /etc/systemd/system/openvidu.service
  systemctl daemon-reload
fi
: >began
sync began .

echo "fetching $URL"
rm -f installer
curl -fsSL --retry 2 --max-time 120 -o installer -- "$URL" || stop_with 90 "$URL could not be fetched"
has=$(sha256sum <installer | cut -d ' ' -f 1)
if [ -n "$SHA256" ] && [ "$has" != "$SHA256" ]; then
  stop_with 91 "$URL has SHA-256 $has and not the one that the manifest names; it was not run"
fi
mapfile -t secret <"$OPENVIDU_OPERATOR_SECRET"
echo 'installing'
# OpenVidu's installer takes secrets as flags and in no other way.
/bin/sh ./installer "${FLAGS[@]}" "${secret[@]}"
[ -e /opt/openvidu ] || stop_with 95 'the installer ended well and left no /opt/openvidu'
# It starts when it is told to, not with the next boot.
systemctl disable --quiet openvidu.service
systemctl stop openvidu.service
rm -f installer
echo "$INSTALLED" >.completed
sync .completed
mv -fT .completed completed
sync .
echo 'installed'
