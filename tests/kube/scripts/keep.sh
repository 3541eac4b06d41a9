# keep STATE PROGRAM ARGUMENTS...: becomes PROGRAM, with a guard beside it. When standard input ends without a word, as it does
# when the process that holds its other end is killed, the guard kills PROGRAM and removes the folder STATE.
set -euo pipefail

state=$1
shift
program=$$
exec 3<&0 </dev/null

(
  # A line means that PROGRAM was ended in good order, and STATE is somebody else's to remove.
  if read -r _ <&3; then exit; fi
  # A process id comes back, a parent does not: whoever died has no children left, and we have another parent then.
  while read -r _ _ _ parent _ </proc/self/stat && [ "$parent" = "$program" ]; do
    kill -KILL "$program" || true
    sleep 0.02
  done
  # Every program of a server has a guard, and each removes what there is once its own program is gone: the last one, all.
  rm -rf -- "$state"
) &

exec "$@" 3<&-
