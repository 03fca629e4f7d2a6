# usage: ruby_clients.rb LEADER_PORT FOLLOWER_PORT PORT...
# redis-rb's plain client at the node that leads first and at a follower, and its cluster client, which send nothing
# twice with reconnect_attempts: 0. The lines are those of ledger.mjs.
require 'redis'

PAUSE_S = 0.005
PAUSE_AFTER_ERROR_S = 0.1
TIMEOUT_S = 12
SAY = Mutex.new

def say(line)
  SAY.synchronize { $stdout.write(line + "\n"); $stdout.flush }
end

def attempt(name, kind, label)
  say("#{name} > #{kind} #{label}")
  result = yield
  say("#{name} + #{kind} #{kind == 'i' ? result : label}")
  sleep PAUSE_S
rescue StandardError => e
  refused = e.message.match?(/CLUSTERDOWN|TRYAGAIN|MISCONF/)
  say("#{name} #{refused ? '-' : '?'} #{kind} #{label} #{e.class} #{e.message.tr("\n", ' ')}")
  sleep PAUSE_AFTER_ERROR_S
end

def load_client(name, client)
  (1..).each do |n|
    attempt(name, 's', n) { client.set("#{name}:#{n}", n) }
    attempt(name, 'i', n) { client.incr(name) }
  end
end

leader_port, follower_port, *ports = ARGV
settings = { reconnect_attempts: 0, timeout: TIMEOUT_S }
clients = {
  'redis-rb.leader' => Redis.new(host: '127.0.0.1', port: leader_port.to_i, **settings),
  'redis-rb.follower' => Redis.new(host: '127.0.0.1', port: follower_port.to_i, **settings),
  'redis-rb.cluster' => Redis.new(cluster: ports.map { |port| "redis://127.0.0.1:#{port}" }, **settings)
}
clients.map { |name, client| Thread.new { load_client(name, client) } }.each(&:join)
