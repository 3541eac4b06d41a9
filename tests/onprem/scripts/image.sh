# image.sh MODEL OUT: the tar of a root file system with the model, Redis and Caddy of this host, and the libraries that they need.
set -euo pipefail
model=$1 out=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{usr/bin,data,config,tmp,root,etc}
install -m 755 "$model" "$root/usr/bin/ovo-livekit-model"
strip "$root/usr/bin/ovo-livekit-model"
for program in redis-server caddy; do cp -L "$(command -v $program)" "$root/usr/bin/"; done
for program in "$root"/usr/bin/*; do ldd "$program" || true; done | grep -o '/[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
tar -C "$root" -cf "$out.part" .
mv "$out.part" "$out"
