#!/usr/bin/env bash
# The standalone client of valkey-glide 2.5.2 keeps to the node that was primary when it was made, though it was given the next one's address too.
source "$(dirname "$0")/lib.sh"
debian redis-server=$REDIS redis-tools=$REDIS
npm_packages @valkey/valkey-glide@2.5.2
port=21320
redis_server $port
redis_server $((port + 1)) --replicaof 127.0.0.1 $port
until redis_cli -p $((port + 1)) INFO replication | grep -q 'master_link_status:up'; do sleep 0.1; done

cat >"$folder/client.mjs" <<'JS'
import { createInterface } from 'node:readline';
import { GlideClient, Logger } from '@valkey/valkey-glide';

Logger.setLoggerConfig('off'); // it logs to standard output
const port = Number(process.argv[2]);
const make = () => GlideClient.createClient({
  addresses: [0, 1].map((i) => ({ host: '127.0.0.1', port: port + i })),
  requestTimeout: 1000,
});

async function outcome(client) {
  for (const began = Date.now(); Date.now() - began < 10000;) {
    try {
      await client.set('k', 'after');
      return 'goes on';
    } catch {
      // until it succeeds
    }
  }
  return 'fails for 10 s';
}

const client = await make();
await client.set('k', 'before');
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(`the client from before: ${await outcome(client)}`);
  console.log(`a new client with the same addresses: ${await outcome(await make())}`);
  process.exit(0);
}
JS
coproc client { node "$folder/client.mjs" $port 2>"$folder/errors"; }
read -r _ <&"${client[0]}"
exec {from}<&"${client[0]}"
kill_server $port
redis_cli -p $((port + 1)) REPLICAOF NO ONE >/dev/null
echo go >&"${client[1]}"
seen=$(cat <&"$from")

echo "@valkey/valkey-glide 2.5.2, Node.js $(node --version), Redis 7.0.15. Both addresses were given; the primary died and the replica was made primary. Each client object sets a key until that succeeds."
echo "expected: the object asks the other address who is primary, as it did when it was made"
echo "seen:"
echo "$seen"
verdict "$seen" "the client from before: fails for 10 s
a new client with the same addresses: goes on"
