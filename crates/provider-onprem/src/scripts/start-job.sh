# start-job KEY NAME DIGEST plain|secret, input: record, script, and what is secret if there is something: lines "NAME=VALUE".
# Those are in a file in memory while the job runs, which OPENVIDU_OPERATOR_SECRET names; no VALUE gets into its output.
# Prints what the job is now:
#   done | failed CODE | running | started | busy DIGEST (the same job with an older script still runs)
key=$1 name=$2 digest=$3 kind=$4
inbox
receive "$received/record"
receive "$received/script"
[ "$kind" = plain ] || receive "$received/secret"
enter
claim "$key" Job "$name"
job=$mine/job
unit() { echo "openvidu-operator-$id-$1.service"; }
runs() {
  case $(systemctl show --property ActiveState --value "$(unit "$1")") in
    active | activating | deactivating | reloading) return 0 ;;
  esac
  return 1
}

# Whether it runs is asked before its record is read. The record is a job's last act, so one that ends in between has left
# it; the other way round it would be taken for one that never ran, and run again.
running=
if runs "$digest"; then running=yes; fi
# The record decides: the unit may be long unloaded.
if [ -e "$job/result" ] && [ "$(cut -d ' ' -f 1 "$job/result")" = "$digest" ]; then
  code=$(cut -d ' ' -f 2 "$job/result")
  if [ "$code" = 0 ]; then
    echo done
  else
    # Told once; whoever asks again wants it tried again.
    mv -fT "$job/result" "$job/failed"
    echo "failed $code"
    tail -c 2000 "$job/output" >&2
  fi
  exit 0
fi
if [ -n "$running" ]; then
  echo running
  exit 0
fi
if [ -e "$job/digest" ]; then
  old=$(<"$job/digest")
  if [ "$old" != "$digest" ] && runs "$old"; then
    echo "busy $old"
    exit 0
  fi
fi

mkdir -p "$job"
rm -f "$job/result" "$job/failed"
cp "$received/script" "$job/script"
echo "$digest" >"$job/digest"
cat >"$job/run" <<'RUN'
# Runs the script beside it; the result is its last act.
cd "$(dirname "$0")"
code=0
if [ -z "$2" ]; then
  /bin/bash ./script </dev/null >output 2>&1 || code=$?
else
  values=()
  # The longest first: one that begins like another would leave its end behind.
  while IFS= read -r line; do
    value=${line#*=} at=0
    while [ "$at" -lt "${#values[@]}" ] && [ "${#values[at]}" -ge "${#value}" ]; do at=$((at + 1)); done
    values=("${values[@]:0:at}" "$value" "${values[@]:at}")
  done <"$2"
  mask() {
    local line value
    while IFS= read -r line || [ -n "$line" ]; do
      for value in "${values[@]}"; do [ -z "$value" ] || line=${line//"$value"/***}; done
      printf '%s\n' "$line"
    done
  }
  set -o pipefail
  OPENVIDU_OPERATOR_SECRET=$2 /bin/bash ./script </dev/null 2>&1 | mask >output || code=$?
  rm -f "$2"
fi
echo "$1 $code" >.result
sync output .result
mv -fT .result result
sync .
RUN
: >"$job/output"
sync "$job/script" "$job/digest" "$job/run" "$job"
cp "$received/record" "$mine/.record"
settle "$mine/.record" "$mine/record"
systemctl reset-failed "$(unit "$digest")" 2>/dev/null || true
secret=
if [ "$kind" = secret ]; then
  secret=$fences/secret.$id.$key
  mv -fT "$received/secret" "$secret"
fi
systemd-run --quiet --collect -p Type=exec --unit="$(unit "$digest")" -- /bin/bash "$job/run" "$digest" "$secret"
echo started
