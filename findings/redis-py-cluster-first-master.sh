#!/usr/bin/env bash
# RedisCluster of redis-py 4.3.4 (python3-redis of Debian 12) survives the death of a master unless that is the first of the map.
source "$(dirname "$0")/lib.sh"
debian redis-server=$REDIS redis-tools=$REDIS python3-redis=4.3.4-3 python3-async-timeout=4.0.2-1 \
  python3-deprecated=1.2.13-3 python3-wrapt=1.14.1-2+b2 python3-packaging=23.0-1
port=21300
redis_cluster $port

cat >"$folder/client.py" <<'PYTHON'
import logging
import sys

import redis
from redis.cluster import ClusterNode, RedisCluster

logging.disable(logging.CRITICAL)
sys.unraisablehook = lambda _: None
port = int(sys.argv[1])
client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", port + i) for i in range(3)])
keys = {client.get_node_from_key(f"k{i}").port - port: f"k{i}" for i in range(100)}
print(redis.__version__, flush=True)
for line in sys.stdin:
    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(str(client.set(keys[int(line)], "x")))
        except Exception as error:
            outcomes.append(type(error).__name__)
    print(*outcomes, flush=True)
PYTHON
coproc client { PYTHONPATH="$folder/debian/usr/lib/python3/dist-packages" /usr/bin/python3 "$folder/client.py" $port; }
ask() { echo "$1" >&"${client[1]}" && read -r answer <&"${client[0]}"; }
read -r version <&"${client[0]}"

ask 1
seen="all three masters live:         $answer"
kill_master $port $((port + 1))
ask 1
seen+=$'\n'"the master of the middle died:  $answer"
kill_master $port $port
ask 0
seen+=$'\n'"the master of the first slots:  $answer"

echo "redis-py $version, Redis 7.0.15, Python $(/usr/bin/python3 -V | cut -d' ' -f2). One client object with all masters as start nodes; replicas take the place of the dead."
echo "It sets a key of the slots in question three times."
echo "expected: it asks another start node for the new map, whichever died"
echo "seen:"
echo "$seen"
verdict "$seen" "all three masters live:         True True True
the master of the middle died:  True True True
the master of the first slots:  RedisClusterException RedisClusterException RedisClusterException"
