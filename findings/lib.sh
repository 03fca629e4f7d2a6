# What the findings share: a temporary folder that goes at the end, pinned packages in it, and Redis servers from one of them.
# Sourced by the scripts beside it.
set -euo pipefail

readonly REDIS=5:7.0.15-1~deb12u10
folder=$(mktemp -d)
export TMPDIR=$folder  # glide leaves a socket there
trap 'end_servers; rm -rf "$folder"' EXIT

# debian PACKAGE=VERSION...: unpacked in the folder; the machine's own packages stay as they are.
debian() {
  mkdir -p "$folder/debian"
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$@" && for package in *.deb; do dpkg -x "$package" debian; rm "$package"; done)
}

# npm_packages NAME@VERSION...
npm_packages() { npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --silent "$@"; }

redis_cli() { "$folder/debian/usr/bin/redis-cli" "$@"; }

# redis_server PORT OPTION...: returns when it answers.
redis_server() {
  local port=$1
  mkdir -p "$folder/$port"
  "$folder/debian/usr/bin/redis-server" --port "$port" --dir "$folder/$port" --save '' "${@:2}" >"$folder/$port/log" 2>&1 &
  echo $! >"$folder/$port/pid"
  disown
  until redis_cli -p "$port" PING >/dev/null 2>&1; do sleep 0.1; done
}

kill_server() { kill -9 "$(cat "$folder/$1/pid")"; }

end_servers() {
  local pid
  for pid in "$folder"/*/pid; do [ ! -f "$pid" ] || kill -9 "$(cat "$pid")" 2>/dev/null || true; done
}

# redis_cluster PORT: masters at PORT, PORT + 1 and PORT + 2 in the order of their slots; each has a replica 3 ports on.
redis_cluster() {
  local port
  for port in $(seq "$1" $(($1 + 5))); do redis_server "$port" --cluster-enabled yes --cluster-node-timeout 1000; done
  redis_cli --cluster create 127.0.0.1:{"$1",$(($1 + 1)),$(($1 + 2))} --cluster-yes >/dev/null
  for port in $(seq "$1" $(($1 + 2))); do
    redis_cli --cluster add-node "127.0.0.1:$((port + 3))" "127.0.0.1:$port" --cluster-slave \
      --cluster-master-id "$(redis_cli -p "$port" CLUSTER MYID)" >/dev/null
  done
  for port in $(seq "$1" $(($1 + 2))); do
    until redis_cli -p $((port + 3)) INFO replication | grep -q 'master_link_status:up'; do sleep 0.1; done
    until redis_cli -p "$port" CLUSTER INFO | grep -q 'cluster_state:ok' && [ "$(redis_cli -p "$port" CLUSTER NODES | wc -l)" -eq 6 ]; do sleep 0.1; done
  done
}

# kill_master FIRST_PORT PORT: returns when its replica has taken its place and every node that lives says so.
kill_master() {
  local port
  kill_server "$2"
  for port in $(seq "$1" $(($1 + 5))); do
    redis_cli -p "$port" PING >/dev/null 2>&1 || continue
    until ! redis_cli -p "$port" CLUSTER SLOTS | grep -q "^$2$" && redis_cli -p "$port" CLUSTER INFO | grep -q 'cluster_state:ok'; do sleep 0.1; done
  done
}

# verdict SEEN AS_DESCRIBED: ends the script.
verdict() {
  if [ "$1" = "$2" ]; then
    echo "as described"
    exit 0
  fi
  printf 'NOT as described, which was:\n%s\n' "$2"
  exit 1
}
