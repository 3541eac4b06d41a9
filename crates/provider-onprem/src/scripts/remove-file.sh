# remove-file KEY PATH
key=$1 path=$2
enter
listed "$key" File "$path" || exit 0
rm -f "$path" "$(dirname "$path")/.$(basename "$path").openvidu-operator"
[ ! -d "$(dirname "$path")" ] || sync "$(dirname "$path")"
release "$key"
