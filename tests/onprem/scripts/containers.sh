# Containers of the names that OpenVidu's have, in the machine's network, restarted unless stopped, without a stop signal or
# a time to stop of their own, labelled as `docker compose` labels what it starts. Redis, its sentinels and Caddy are the real programs, all else is a model.
docker version >/dev/null || die "there is no Docker engine"
curl -fsS --retry 5 --retry-connrefused "$base/stand-in/image.tar" | docker import - "openvidu/stand-in:$version" >/dev/null
sentinels=$(for each in $masters; do printf ',%s:7001' "$each"; done | cut -c2-)
first=${masters%% *}
password=$(get redis-password)
model=/usr/bin/ovo-livekit-model

put stand-in/redis.env <<ENV
REDIS_SENTINELS=$sentinels
REDIS_PASSWORD=$password
ENV
if [ "$role" = master-node ]; then
  put stand-in/operator.env <<ENV
REDIS_SENTINELS=$sentinels
REDIS_PASSWORD=$password
LIVEKIT_API_KEY=$(get livekit-api-key)
LIVEKIT_API_SECRET=$(get livekit-api-secret)
ENV
  # Redis and Sentinel write what they learn into these. What a primary has acknowledged must not be lost by its restart.
  put data/redis/redis.conf <<CONF
port 7000
bind 0.0.0.0
requirepass $password
masterauth $password
dir /data
appendonly yes
replica-announce-ip $own
CONF
  if [ "$own" != "$first" ]; then echo "replicaof $first 7000" >>$home/data/redis/redis.conf; fi
  put data/sentinel/sentinel.conf <<CONF
port 7001
bind 0.0.0.0
requirepass $password
dir /data
sentinel announce-ip $own
sentinel monitor openvidu $first 7000 2
sentinel auth-pass openvidu $password
sentinel sentinel-pass $password
sentinel down-after-milliseconds openvidu 5000
sentinel failover-timeout openvidu 10000
CONF
  put stand-in/caddy/Caddyfile <<CADDY
{
  admin off
  auto_https off
}
:7880 {
  respond /health/caddy 200
  reverse_proxy 127.0.0.1:17880 {
    transport http {
      keepalive off
    }
  }
}
CADDY
fi

# Name, what `docker run` takes, image and command: one line each, in the order of their start.
if [ "$role" = master-node ]; then
  put stand-in/containers <<LINES
redis-server --volume $home/data/redis:/data openvidu/stand-in:$version /usr/bin/redis-server /data/redis.conf
redis-sentinel --volume $home/data/sentinel:/data openvidu/stand-in:$version /usr/bin/redis-server /data/sentinel.conf --sentinel
mongo openvidu/stand-in:$version $model port --listen=0.0.0.0:20000
minio openvidu/stand-in:$version $model port --listen=0.0.0.0:9100
operator --env-file $home/stand-in/operator.env openvidu/stand-in:$version $model operator --listen=127.0.0.1:17880
caddy --volume $home/stand-in/caddy:/config openvidu/stand-in:$version /usr/bin/caddy run --config /config/Caddyfile --adapter caddyfile
LINES
else
  put stand-in/containers <<LINES
openvidu --env-file $home/stand-in/redis.env openvidu/stand-in:$version $model livekit --ip=$own --bind=0.0.0.0 --keys-from-redis
ingress --env-file $home/stand-in/redis.env openvidu/stand-in:$version $model ingress --listen=0.0.0.0:9092
egress --init openvidu/stand-in:$version $model egress --listen=0.0.0.0:9091
LINES
fi

put stand-in/up <<'UP'
# Started by openvidu.service: what `docker compose up` does. Containers that exited are started again.
cd /opt/openvidu/stand-in
date +%s%N >>/var/lib/openvidu-stand-in/started
while read -r name rest; do
  if docker inspect "$name" >/dev/null 2>&1; then
    docker start "$name" >/dev/null
  else
    # shellcheck disable=SC2086 # the line is words
    docker run --detach --network host --restart unless-stopped --name "$name" --label com.docker.compose.project.working_dir=/opt/openvidu $rest >/dev/null
  fi
done <containers
exec sleep infinity
UP
put stand-in/down <<'DOWN'
# What `docker compose stop` does: SIGTERM, and SIGKILL ten seconds later.
date +%s%N >>/var/lib/openvidu-stand-in/stopped
cut -d ' ' -f 1 /opt/openvidu/stand-in/containers | xargs docker stop >/dev/null
DOWN
