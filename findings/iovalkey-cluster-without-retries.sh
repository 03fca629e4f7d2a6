#!/usr/bin/env bash
# Cluster of iovalkey 0.4.0, told not to repeat commands (retryDelayOnFailover: 0), keeps its map of slots when a master has died.
source "$(dirname "$0")/lib.sh"
debian redis-server=$REDIS redis-tools=$REDIS
npm_packages iovalkey@0.4.0 ioredis@6.0.0
port=21310
redis_cluster $port

cat >"$folder/clients.mjs" <<'JS'
import { createInterface } from 'node:readline';
import { Cluster as IoredisCluster } from 'ioredis';
import { Cluster as IovalkeyCluster } from 'iovalkey';

const port = Number(process.argv[2]);
const nodes = [0, 1, 2].map((i) => ({ host: '127.0.0.1', port: port + i }));
const key = 'k4'; // in the slots of the second master
const trialMs = 10000;
const objects = [
  ['iovalkey, defaults', IovalkeyCluster, {}],
  ['iovalkey, retryDelayOnFailover: 0', IovalkeyCluster, { retryDelayOnFailover: 0 }],
  ['iovalkey, retryDelayOnFailover: 0, slotsRefreshInterval: 1000', IovalkeyCluster, { retryDelayOnFailover: 0, slotsRefreshInterval: 1000 }],
  ['ioredis, retryDelayOnFailover: 0', IoredisCluster, { retryDelayOnFailover: 0 }],
].map(([name, Cluster, options]) => ({ name, client: new Cluster(nodes, options) }));

async function outcome(client) {
  for (const began = Date.now(); Date.now() - began < trialMs;) {
    try {
      await client.set(key, 'after');
      return 'goes on';
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return `fails for ${trialMs / 1000} s`;
}

for (const { client } of objects) {
  client.on('error', () => {});
  await client.set(key, 'before');
}
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  for (const { name, client } of objects) console.log(`${name}: ${await outcome(client)}`);
  process.exit(0);
}
JS
coproc clients { node "$folder/clients.mjs" $port 2>"$folder/errors"; }
read -r _ <&"${clients[0]}"
exec {from}<&"${clients[0]}"
kill_master $port $((port + 1))
echo go >&"${clients[1]}"
seen=$(cat <&"$from")

echo "iovalkey 0.4.0, ioredis 6.0.0, Node.js $(node --version), Redis 7.0.15. A master died, and its replica has taken its place. Each client object sets a key of its slots until that succeeds."
echo "expected: the option says only whether a command is repeated; a connection that is lost makes the client ask for the new map"
echo "seen:"
echo "$seen"
verdict "$seen" "iovalkey, defaults: goes on
iovalkey, retryDelayOnFailover: 0: fails for 10 s
iovalkey, retryDelayOnFailover: 0, slotsRefreshInterval: 1000: goes on
ioredis, retryDelayOnFailover: 0: goes on"
