# Begins every script that runs on a machine, as root. First arguments of all: infrastructure id, epoch.
# Exit codes that mean something are those of machine/mod.rs.
set -euo pipefail
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 077
top=/var/lib/openvidu-operator
fences=/run/openvidu-operator
id=$1 epoch=$2
shift 2
state=$top/$id

refuse() { # CODE MESSAGE
  echo "$2" >&2
  exit "$1"
}

# receive FILE: the next part of standard input, "LENGTH\nBYTES". What was cut off on the way never counts.
receive() {
  local length
  read -r length || refuse 74 'the input was cut off'
  head -c "$length" >"$1"
  [ "$(stat -c %s "$1")" = "$length" ] || { rm -f "$1"; refuse 74 'the input was cut off'; }
}

# settle STAGED FILE: FILE becomes STAGED in one step, and stays so through a power cut.
settle() {
  sync "$1"
  mv -fT "$1" "$2"
  sync "$(dirname "$2")"
}

# inbox: a folder for what is received, in memory and for root only: it may be secret. Sets $received.
inbox() {
  mkdir -p "$fences"
  received=$(mktemp -d -p "$fences" "in.$$.XXXXXX")
  trap 'rm -rf "$received"' EXIT
}

# enter: from here on nobody else changes this machine, and nobody older than us has the right to. Input is received
# before: a sender that falls silent must not hold the lock.
enter() {
  mkdir -p "$top" "$fences"
  exec 9>"$top/lock"
  flock -w 3 9 || refuse 75 'somebody else is changing this machine'
  local format=1 seen=0 fence=0
  [ ! -e "$state/format" ] || format=$(<"$state/format")
  [ "$format" = 1 ] || refuse 80 "written in format $format by a newer version"
  [ ! -e "$state/epoch" ] || seen=$(<"$state/epoch")
  # Left by the removal of everything, until the next boot.
  [ ! -e "$fences/$id.epoch" ] || fence=$(<"$fences/$id.epoch")
  [ "$fence" -le "$seen" ] || seen=$fence
  [ "$seen" -le "$epoch" ] || refuse 76 "$seen"
  sweep
  # What scripts that were killed had received.
  local left pid
  for left in "$fences"/in.*; do
    pid=${left#"$fences"/in.}
    [ -e "/proc/${pid%%.*}" ] || rm -rf "$left"
  done
  [ ! -d "$state" ] || stamp
}

# stamp: from here on an older leader is refused.
stamp() {
  if [ -e "$state/epoch" ] && [ "$(<"$state/epoch")" = "$epoch" ]; then return 0; fi
  echo 1 >"$state/format"
  echo "$epoch" >"$state/.epoch"
  sync "$state/format"
  settle "$state/.epoch" "$state/epoch"
}

# listed KEY KIND TARGET: whether this resource is ours. Sets $mine, the folder of its record. Ends the script when it is
# somebody else's: another deployment's, or there without being listed at all.
listed() {
  mine=$state/resources/$1
  [ ! -d "$mine" ] || return 0
  local other
  for other in "$top"/*/resources/"$1"; do
    if [ -d "$other" ]; then
      other=${other#"$top"/}
      refuse 78 "${other%%/*}"
    fi
  done
  if [ "$2" != Job ] && { [ -e "$3" ] || [ -L "$3" ]; }; then refuse 77 "$3"; fi
  return 1
}

# claim KEY KIND TARGET: lists it as ours from here on, before there is anything of it.
claim() {
  local key=$1 kind=$2 target=$3
  if listed "$key" "$kind" "$target"; then return 0; fi
  mkdir -p "$state/resources"
  stamp
  # Complete or not there at all.
  rm -rf "$state/.claim"
  mkdir "$state/.claim"
  echo "$kind" >"$state/.claim/kind"
  echo "$target" >"$state/.claim/target"
  sync "$state/.claim/kind" "$state/.claim/target"
  settle "$state/.claim" "$mine"
}

# release KEY: the resource is gone, and now from the list too, in one step; with the last one all of ours goes, and the
# epoch waits in memory.
release() {
  local aside=$top/.gone.$id.$$ what=$state/resources/$1
  if [ "$(find "$state/resources" -mindepth 1 -maxdepth 1 | wc -l)" -le 1 ]; then
    cp "$state/epoch" "$fences/$id.epoch"
    what=$state
  fi
  mv -T "$what" "$aside"
  sync "$top"
  sweep
}

# sweep: what removals have put aside. Nobody uses it, so anybody may, at any time.
sweep() { rm -rf "$top"/.gone.* 2>/dev/null || true; }
