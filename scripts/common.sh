# Shared by the scripts; sourced, never run.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Everything that is installed or built outside the clone lives here; removing the folder costs only time.
OVO_CACHE=${OVO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/openvidu-operator}
export OVO_CACHE

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# digest FILE...: a short name for the contents, so that a changed pin gets a folder of its own.
digest() { cat -- "$@" | sha256sum | cut -c1-12; }

# The folder of the pinned cargo tools (scripts/tools.txt).
tools_dir() { printf '%s/tools-%s\n' "$OVO_CACHE" "$(digest "$root/scripts/tools.txt")"; }

# once NAME: holds a lock until this process ends, so that two runs on one machine do not install over each other.
once() {
  mkdir -p "$OVO_CACHE"
  exec 9>"$OVO_CACHE/$1.lock"
  flock 9
}

# as_root COMMAND...: through sudo where we are not root already.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}
