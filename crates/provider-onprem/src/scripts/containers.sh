# running_drained NAME...: sets $running to the containers that run and that take the drain signal: these names, and what has
# the label of an agent. Ends the script when nobody can say.
running_drained() {
  local said name agent
  running=
  if ! command -v docker >/dev/null 2>&1; then return 0; fi
  if ! said=$(timeout 5 docker ps --format '{{.Names}} {{.Label "openvidu-agent"}}' 2>/dev/null); then
    # With the engine down nothing holds a container up but its shim.
    if ! grep -qsx 'containerd-shim.*' /proc/[0-9]*/comm; then return 0; fi
    echo 'Docker does not answer: whether a container runs is not known' >&2
    exit 84
  fi
  while read -r name agent; do
    case " $* " in *" $name "*) agent=true ;; esac
    [ -z "$name" ] || [ "$agent" != true ] || running="$running $name"
  done <<<"$said"
}
