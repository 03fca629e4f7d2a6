#!/usr/bin/env bash
# ioredis 6.0.0: a command that ended with "Command timed out" is still sent again when its connection breaks.
source "$(dirname "$0")/lib.sh"
debian redis-server=$REDIS redis-tools=$REDIS
npm_packages ioredis@6.0.0
port=21330
redis_server $port

cat >"$folder/client.mjs" <<'JS'
import { once } from 'node:events';
import net from 'node:net';
import { Redis } from 'ioredis';

const port = Number(process.argv[2]);

// Passes everything on, but the first reply to INCR; that connection is closed later.
let unanswered = null;
const proxy = net.createServer((client) => {
  const server = net.connect(port, '127.0.0.1');
  let swallow = false;
  client.on('data', (bytes) => {
    if (unanswered === null && /incr/i.test(bytes)) {
      unanswered = client;
      swallow = true;
    }
    server.write(bytes);
  });
  server.on('data', (bytes) => swallow || client.write(bytes));
  for (const [end, other] of [[client, server], [server, client]]) end.on('error', () => {}).on('close', () => other.destroy());
}).listen(0, '127.0.0.1');
await once(proxy, 'listening');

for (const options of [{ commandTimeout: 300 }, { commandTimeout: 300, maxRetriesPerRequest: 0 }]) {
  unanswered = null;
  const key = JSON.stringify(options);
  const client = new Redis({ port: proxy.address().port, ...options });
  client.on('error', () => {});
  await client.ping();
  const told = await client.incr(key).catch((error) => error.message);
  unanswered.destroy();
  // Whatever is sent again comes before this.
  await once(client, 'ready');
  console.log(`${key}: the caller was told "${told}", the counter is ${await client.get(key)}`);
  client.disconnect();
}
process.exit(0);
JS
seen=$(node "$folder/client.mjs" $port 2>"$folder/errors")

echo "ioredis 6.0.0, Node.js $(node --version), Redis 7.0.15. INCR is carried out, its reply is lost, its time runs out, and then its connection breaks."
echo "expected: the call has failed, so that the client is done with it, and the counter is 1"
echo "seen:"
echo "$seen"
verdict "$seen" '{"commandTimeout":300}: the caller was told "Command timed out", the counter is 2
{"commandTimeout":300,"maxRetriesPerRequest":0}: the caller was told "Command timed out", the counter is 1'
