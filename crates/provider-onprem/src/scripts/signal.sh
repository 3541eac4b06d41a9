# Run by a job, in its folder, with CONTAINERS (name, id and start of each, one after the other) set before. Sends the drain
# signal once to each of these starts: its marker is made just before, and a start that has its marker is left alone,
# whoever made it. So this may be cut off anywhere and run again.
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
stop_with() { # CODE MESSAGE
  echo "$2"
  exit "$1"
}
# An engine that hangs shall not hold this up for ever. What it complains of is in the file `complaint`.
engine() { timeout 10 docker "$@" 2>complaint; }
complaint() { tail -n 1 complaint | grep . || echo 'no word from Docker within 10 seconds'; }
# look ID: sets $start, $runs, $policy and $stop; false when the container is gone.
look() {
  local said format='{{.State.StartedAt}} {{.State.Running}} {{or .HostConfig.RestartPolicy.Name "no"}} {{or .Config.StopSignal "none"}}'
  if ! said=$(engine inspect --type container --format "$format" "$1"); then
    if grep -qi 'no such' complaint; then return 1; fi
    stop_with 97 "$(complaint)"
  fi
  read -r start runs policy stop <<<"$said"
}

# Beside the resources of this deployment.
markers=../../../signals
[ -d "$markers" ] || mkdir "$markers"
sync "$markers/.."
count=${#CONTAINERS[@]}
# Before anything is sent: half a drain leaves a node that takes recordings and no rooms.
revived=
for ((at = 0; at < count; at += 3)); do
  look "${CONTAINERS[at + 1]}" || continue
  case $policy/$stop in
    on-failure/none | on-failure/SIGQUIT | on-failure/QUIT | on-failure/3) ;;
    # Told by another signal than its own to stop, a container that then fails is taken for one that crashed.
    always/* | on-failure/*) revived="$revived ${CONTAINERS[at]}" ;;
  esac
done
[ -z "$revived" ] || stop_with 96 "Docker would start$revived again; nothing was sent"

for ((at = 0; at < count; at += 3)); do
  name=${CONTAINERS[at]} id=${CONTAINERS[at + 1]} started=${CONTAINERS[at + 2]}
  marker=$markers/$id@$started
  if [ -e "$marker" ]; then
    echo "$name has its marker: left alone"
    continue
  fi
  if ! look "$id" || [ "$start" != "$started" ] || [ "$runs" != true ]; then
    echo "$name: that start of it is over: left alone"
    continue
  fi
  # O_EXCL: of two who come here one goes on.
  if ! (set -o noclobber && : >"$marker") 2>/dev/null; then
    [ -e "$marker" ] || stop_with 98 "no marker can be made for it; nothing was sent to $name"
    echo "$name has its marker: left alone"
    continue
  fi
  sync "$marker" "$markers"
  if engine container kill --signal=SIGQUIT "$id" >/dev/null; then
    echo "$name was sent SIGQUIT"
  else
    # It may have been sent all the same. What the container does tells, and else a person.
    echo "$name: $(complaint)"
  fi
  # Started anew in between, that start may be the one that was told.
  if look "$id" && [ "$start" != "$started" ] && [ "$runs" = true ]; then
    (set -o noclobber && : >"$markers/$id@$start") 2>/dev/null || true
    sync "$markers"
    echo "$name was started anew meanwhile: that start is marked too"
  fi
done
