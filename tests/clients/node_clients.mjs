// usage: node_clients.mjs LIBRARY LEADER_PORT FOLLOWER_PORT PORT...
// (valkey-glide's plain client only talks to a leader, so it has none at a follower.)
// Two plain client objects, one at the node that leads first and one at a follower, and one cluster client; with the
// settings that docs/clients.md recommends, so that a write is never silently repeated.
import { load } from './ledger.mjs';

const [library, leaderPort, followerPort, ...ports] = process.argv.slice(2);
const host = '127.0.0.1';

// Errors of connections come as events too; unheard ones would end the program.
function quiet(client) {
  client.on('error', () => {});
  return client;
}

async function retried(make) {
  for (;;) {
    try {
      return await make();
    } catch (error) {
      console.error(`${library}: ${error.message}`);
    }
  }
}

function ioredisLike({ Redis, Cluster }) {
  const plain = (port) => quiet(new Redis({ host, port: Number(port), maxRetriesPerRequest: 0 }));
  return {
    plain,
    cluster: () => quiet(new Cluster(ports.map((port) => ({ host, port: Number(port) })),
      { retryDelayOnFailover: 0, slotsRefreshInterval: 1000 })),
  };
}

const libraries = {
  ioredis: async () => ioredisLike(await import('ioredis')),
  iovalkey: async () => ioredisLike(await import('iovalkey')),
  'node-redis': async () => {
    const { createClient, createCluster } = await import('redis');
    return {
      plain: (port) => quiet(createClient({ url: `redis://${host}:${port}` })).connect(),
      cluster: () => quiet(createCluster({ rootNodes: ports.map((port) => ({ url: `redis://${host}:${port}` })) })).connect(),
    };
  },
  glide: async () => {
    const { GlideClient, GlideClusterClient } = await import('@valkey/valkey-glide');
    const addresses = (list) => list.map((port) => ({ host, port: Number(port) }));
    return {
      plain: (port) => GlideClient.createClient({ addresses: addresses([port]), requestTimeout: 12000 }),
      cluster: () => GlideClusterClient.createClient({ addresses: addresses(ports), requestTimeout: 12000 }),
    };
  },
};

const { plain, cluster } = await libraries[library]();
const run = async (name, make) => load(`${library}.${name}`, await retried(make));
await Promise.all([
  run('leader', () => plain(leaderPort)),
  library === 'glide' ? null : run('follower', () => plain(followerPort)),
  run('cluster', cluster),
]);
