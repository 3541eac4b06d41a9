# Programs that the tests build from pinned Go modules; sourced, never run.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# needs_go MODULE WAY_OUT: refuses a Go that is missing or older than the pinned module wants.
needs_go() {
  local wanted found
  wanted=$(sed -n 's/^go //p' "$1/go.mod")
  command -v go >/dev/null || die "no 'go' on the path, and the tests build programs from source: install Go $wanted or later$2"
  found=$(GOTOOLCHAIN=local go env GOVERSION)
  found=${found#go}
  [ "$(printf '%s\n' "$wanted" "${found%%[ -]*}" | sort -V | head -n 1)" = "$wanted" ] ||
    die "Go is $found ($(command -v go)), and $1 needs $wanted: install Go $wanted or later$2"
}

# go_build MODULE DIR LDFLAGS: its tools into DIR. What is here decides, not the surroundings: no other Go is fetched, no workspace
# joined, nothing but go.sum believed. What is fetched and compiled is kept beside DIR until the build has succeeded, so that one
# that was cut short goes on.
go_build() {
  export GOTOOLCHAIN=local GOWORK=off GOFLAGS='-mod=readonly -modcacherw' CGO_ENABLED=0
  export GOCACHE=$2.build/compiled GOMODCACHE=$2.build/modules
  mkdir -p "$2"
  (cd "$1" && go build -trimpath -buildvcs=false -o "$2/" -ldflags "-s -w $3" tool) >&2
}

# go_install NAME MODULE DIR COST WAY_OUT FUNCTION: DIR with what FUNCTION builds into it, once.
go_install() {
  local name=$1 module=$2 dir=$3 cost=$4 way_out=$5 build=$6
  [ ! -e "$dir/.complete" ] || [ -e "$dir.build" ] || return 0
  once "$name"
  if [ ! -e "$dir/.complete" ]; then
    needs_go "$module" "$way_out"
    say "building $name into $dir ($cost, once)"
    rm -rf "$dir"
    "$build" "$dir"
    touch "$dir/.complete"
  fi
  rm -rf "$dir.build"
}
