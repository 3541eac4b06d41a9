# observe LIMIT, input: lines "KEY KIND TARGET" of what should be ours. Prints everything that is, and of those lines what
# is there and is not: "resource KEY", then "fact NAME VALUE" with values in base64; last "end".
# Reads only, but for the sweep; takes no lock.
limit=$1
encode() { base64 -w 0; echo; }
fact() { # NAME, value on standard input
  printf 'fact %s ' "$1"
  encode
}
show() { # UNIT: its properties as systemd names them
  local line
  systemctl show --property LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,NeedDaemonReload "$1" |
    while IFS= read -r line; do printf '%s' "${line#*=}" | fact "unit.${line%%=*}"; done
}
content() { # NAME FILE
  if [ -f "$2" ] && [ "$(stat -c %s "$2")" -le "$limit" ]; then fact "$1" <"$2"; fi
}

sweep
fact boot </proc/sys/kernel/random/boot_id
[ ! -e "$state/format" ] || fact format <"$state/format"
[ ! -e "$state/epoch" ] || fact epoch <"$state/epoch"
for mine in "$state"/resources/*/; do
  mine=${mine%/}
  # Removed while we looked.
  [ -e "$mine/target" ] || continue
  echo "resource $(basename "$mine")"
  kind=$(<"$mine/kind")
  target=$(<"$mine/target")
  printf '%s' "$kind" | fact kind
  printf '%s' "$target" | fact target
  content record "$mine/record"
  case $kind in
    File | Unit)
      if [ -L "$target" ] || [ -f "$target" ]; then
        stat -c '%a' "$target" | tr -d '\n' | fact mode
        stat -c '%U:%G' "$target" | tr -d '\n' | fact owner
        content content "$target"
        content settled "$mine/sha256"
        if [ -f "$target" ]; then sha256sum <"$target" | cut -d ' ' -f 1 | tr -d '\n' | fact sha256; fi
      fi
      [ "$kind" = File ] || show "$(basename "$target")"
      ;;
    Job)
      content digest "$mine/job/digest"
      content result "$mine/job/result"
      content failed "$mine/job/failed"
      if [ -e "$mine/job/output" ]; then tail -n 1 "$mine/job/output" | tail -c 300 | fact last; fi
      [ ! -e "$mine/job/digest" ] || show "openvidu-operator-$id-$(<"$mine/job/digest").service"
      ;;
  esac
done
while IFS=' ' read -r key kind target; do
  [ ! -d "$state/resources/$key" ] || continue
  owner=
  for other in "$top"/*/resources/"$key"; do
    if [ -d "$other" ]; then
      other=${other#"$top"/}
      owner=${other%%/*}
    fi
  done
  if [ -z "$owner" ] && { [ "$kind" = Job ] || { [ ! -e "$target" ] && [ ! -L "$target" ]; }; }; then continue; fi
  echo "resource $key"
  printf '%s' "$kind" | fact kind
  printf '%s' "$target" | fact target
  printf '%s' "$owner" | fact not-ours
done
echo end
