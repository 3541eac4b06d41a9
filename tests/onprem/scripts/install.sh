#!/bin/sh
# A STAND-IN for OpenVidu's installer (version @VERSION@), for tests. It takes the flags of the real one and refuses wrong
# ones, lays out files of the same names, a unit of the same name and containers that are models. Nothing in it is OpenVidu.
# Its server fills in @BASE@ and @VERSION@. Both roles get the same bytes: which one it is, a flag says.
set -eu
umask 077
base=@BASE@ version=@VERSION@
kept=/var/lib/openvidu-stand-in
home=/opt/openvidu

say() { echo "[stand-in installer] $*"; }
die() {
  echo "[stand-in installer] error: $*" >&2
  exit 1
}

### Flags: one file each, so that no value is ever looked at as code.
flags=$(mktemp -d)
trap 'rm -rf "$flags"' EXIT
wrong=
complain() {
  echo "[stand-in installer] error: $*" >&2
  wrong=yes
}
minor=${version#*.}
minor=${minor%%.*}

secrets="livekit-api-key livekit-api-secret dashboard-admin-user dashboard-admin-password redis-password
  minio-access-key minio-secret-key mongo-admin-user mongo-admin-password mongo-replica-set-key
  grafana-admin-user grafana-admin-password"
optional=
switches="no-tty install external-load-balancer force-media-node-public-ip force-utc-timezone"
# OpenVidu Call up to 3.3, OpenVidu Meet from 3.4.
if [ "$minor" -le 3 ]; then
  app=app
  secrets="$secrets default-app-user default-app-password default-app-admin-user default-app-admin-password"
else
  app=openviduMeet
  secrets="$secrets meet-initial-admin-password"
  optional="meet-initial-api-key"
fi
# An experiment of 3.3 to 3.5, how it is from 3.6 on.
if [ "$minor" -ge 3 ] && [ "$minor" -le 5 ]; then switches="$switches experimental-turn-tls-with-main-domain"; fi
common="environment deployment-type node-role master-node-private-ip-list"
master="openvidu-pro-license domain-name enabled-modules rtc-engine $secrets"
optional="$optional certificate-type owncert-private-key owncert-public-key turn-domain-name turn-owncert-private-key turn-owncert-public-key private-ip public-ip"

one_of() {
  word=$1
  shift
  for choice in "$@"; do [ "$word" != "$choice" ] || return 0; done
  return 1
}
# shellcheck disable=SC2086 # the lists are words
for argument in "$@"; do
  name=${argument%%=*}
  name=${name#--}
  case $argument in
    --*=*)
      if ! one_of "$name" $common $master $optional; then
        complain "unknown flag --$name"
      elif [ -e "$flags/$name" ]; then
        complain "--$name is given twice"
      else
        printf %s "${argument#*=}" >"$flags/$name"
      fi
      ;;
    --*) if one_of "$name" $switches; then : >"$flags/$name"; else complain "unknown flag --$name, or it lacks a value"; fi ;;
    *) complain "an argument that is no flag" ;;
  esac
done

has() { [ -e "$flags/$1" ]; }
# No line break at its end is needed, nor is one there.
get() { if has "$1"; then cat "$flags/$1"; fi; }
must_be() {
  want=$1
  shift
  one_of "$(get "$want")" "$@" || complain "--$want must be one of: $*"
}
lacks() { for each in "$@"; do [ -s "$flags/$each" ] || complain "--$each is missing or empty"; done; }
address() { echo "$1" | grep -Eqx '([0-9]{1,3}\.){3}[0-9]{1,3}'; }

for each in no-tty install; do has "$each" || complain "--$each is missing"; done
must_be environment on_premise
must_be deployment-type ha
must_be node-role master-node media-node
lacks master-node-private-ip-list redis-password
masters=$(get master-node-private-ip-list | tr , ' ')
count=0
for each in $masters; do
  count=$((count + 1))
  address "$each" || complain "--master-node-private-ip-list: $each is no IPv4 address"
done
[ "$count" -eq 4 ] || complain "--master-node-private-ip-list: 4 addresses are needed, there are $count"
[ "$(printf '%s\n' $masters | sort -u | wc -l)" -eq "$count" ] || complain "--master-node-private-ip-list: an address is there twice"

own=$(get private-ip)
here=$(ip -4 -o address show scope global | awk '{sub("/.*", "", $4); print $4}')
if [ -z "$own" ]; then own=$(echo "$here" | head -n 1); fi
# shellcheck disable=SC2086
one_of "$own" $here || complain "--private-ip: this machine has no address $own"

role=$(get node-role)
# shellcheck disable=SC2086
if [ "$role" = master-node ]; then
  lacks $master
  for each in $secrets; do
    get "$each" | grep -Eqx '[A-Za-z0-9]+' || complain "--$each: letters and digits only"
  done
  must_be rtc-engine pion mediasoup
  get domain-name | grep -Eqx '[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+' || complain "--domain-name is no domain name"
  for each in $(get enabled-modules | tr , ' '); do
    one_of "$each" observability v2compatibility "$app" || complain "--enabled-modules: $version has no module $each"
  done
  if has external-load-balancer; then
    if has certificate-type; then complain "--external-load-balancer and --certificate-type exclude each other"; fi
  else
    must_be certificate-type selfsigned letsencrypt owncert
  fi
  if [ "$(get certificate-type)" = owncert ]; then lacks owncert-private-key owncert-public-key; fi
  if has public-ip; then complain "--public-ip is for media nodes"; fi
  one_of "$own" $masters || complain "$own is not in --master-node-private-ip-list"
elif [ "$role" = media-node ]; then
  for each in $master external-load-balancer certificate-type turn-domain-name; do
    if [ "$each" != redis-password ] && has "$each"; then complain "--$each is for master nodes"; fi
  done
  if one_of "$own" $masters; then complain "$own is a master node"; fi
fi
[ -z "$wrong" ] || exit 2
[ "$(id -u)" -eq 0 ] || die "run this as root"

### What it is told: go, wait, or fail in one of the ways in which the real one fails.
mkdir -p "$kept"
note() {
  date +%s%N >>"$kept/$1"
  sync "$kept/$1"
}
told() {
  while :; do
    order=$(curl -fsS --retry 5 --retry-connrefused --max-time 10 "$base/stand-in/orders?at=$1") || die "cannot reach $base"
    case $order in
      go) return 0 ;;
      wait) sleep 0.1 ;;
      'fail license') die "the license was refused by the license server" ;;
      'fail disk') die "write error: No space left on device" ;;
      *) die "the server of this stand-in says $order" ;;
    esac
  done
}

note begun
# Names alone: most of the values are secrets.
ls "$flags" | sort >"$kept/flags"
if [ -e $home/deployment-info.yaml ]; then die "OpenVidu is installed already: $home/deployment-info.yaml"; fi
if [ -e $home ]; then say "going on with what an earlier run left in $home"; fi
say "installing OpenVidu $version as $role of ${own}"
told begin

### Files, under the names of the real ones. Written again from the start by a run that follows one which was cut off.
mkdir -p $home/config/node $home/data $home/backups $home/owncert
put() {
  mkdir -p "$(dirname "$home/$1")"
  cat >"$home/$1"
}
numbered() {
  number=0
  for each in $masters; do
    number=$((number + 1))
    echo "MASTER_NODE_${number}_PRIVATE_IP=$each"
  done
  echo "REDIS_PASSWORD=$(get redis-password)"
}
if [ "$role" = master-node ]; then
  numbered | put config/node/master_node.env
  put config/cluster/openvidu.env <<ENV
ENABLED_MODULES=$(get enabled-modules)
DOMAIN_NAME=$(get domain-name)
LIVEKIT_API_KEY=$(get livekit-api-key)
LIVEKIT_API_SECRET=$(get livekit-api-secret)
OPENVIDU_PRO_LICENSE=$(get openvidu-pro-license)
OPENVIDU_RTC_ENGINE=$(get rtc-engine)
MONGO_ADMIN_USERNAME=$(get mongo-admin-user)
MONGO_ADMIN_PASSWORD=$(get mongo-admin-password)
MONGO_REPLICA_SET_KEY=$(get mongo-replica-set-key)
MINIO_ACCESS_KEY=$(get minio-access-key)
MINIO_SECRET_KEY=$(get minio-secret-key)
DASHBOARD_ADMIN_USERNAME=$(get dashboard-admin-user)
DASHBOARD_ADMIN_PASSWORD=$(get dashboard-admin-password)
GRAFANA_ADMIN_USERNAME=$(get grafana-admin-user)
GRAFANA_ADMIN_PASSWORD=$(get grafana-admin-password)
ENV
  if [ "$app" = app ]; then own_app=app.env; else own_app=meet.env; fi
  for each in $own_app caddy.yaml dashboard.env loki.yaml mimir.yaml minio.env mongo.env operator.env promtail.yaml redis.env v2compatibility.env; do
    echo "# stand-in" | put "config/cluster/master_node/$each"
  done
  for each in caddy.yaml egress.yaml ingress.yaml livekit.yaml prometheus.yaml promtail.yaml; do
    echo "# stand-in" | put "config/cluster/media_node/$each"
  done
else
  { echo "MEDIA_NODE_PRIVATE_IP=$own" && numbered; } | put config/node/media_node.env
fi
if has owncert-private-key; then
  get owncert-private-key | put owncert/private.key
  get owncert-public-key | put owncert/public.crt
fi

told middle

{ echo "OPENVIDU_VERSION=$version" && echo "NODE_ROLE=$role" && echo "NODE_ADDRESS=$own"; } | put .env
printf '# stand-in: what runs is in stand-in/up\nservices: {}\n' | put docker-compose.yml
printf 'services: {}\n' | put docker-compose.override.yml
@CONTAINERS@
cat >/etc/systemd/system/openvidu.service <<UNIT
# Laid down by a stand-in for OpenVidu's installer.
[Unit]
Description=OpenVidu (stand-in)
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart=/bin/bash $home/stand-in/up
ExecStop=/bin/bash $home/stand-in/down
Restart=always

[Install]
WantedBy=multi-user.target
UNIT
chmod 644 /etc/systemd/system/openvidu.service
systemctl daemon-reload
systemctl --quiet enable openvidu.service

# What says that it is installed comes last and whole.
printf 'version: %s\nenvironment: on_premise\ndeployment_type: ha\nnode_role: %s\n' "$version" "$role" | put .deployment-info.yaml
sync -f $home
mv $home/.deployment-info.yaml $home/deployment-info.yaml
sync -f $home
note ended
say "done: start it with systemctl start openvidu"
