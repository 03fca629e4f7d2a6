#!/usr/bin/env bash
# Redis 7.0.15 with maxmemory and noeviction refuses what may use more memory, but not RENAME, which may: the new name can be
# as long as a value. Kvorum refuses it (kv/memory_limit.h).
set -euo pipefail

redis-server --version | grep -q 'v=7.0.15' || { echo "needs redis-server 7.0.15 (Debian 12: apt-get install redis-server)"; exit 2; }
redis-server --version
directory=$(mktemp -d)
redis-server --port 0 --unixsocket "$directory/socket" --save '' --appendonly no --dir "$directory" --daemonize yes --logfile "$directory/log" >/dev/null
trap 'redis-cli -s "$directory/socket" shutdown nosave 2>/dev/null || true; rm -rf "$directory"' EXIT
cli() { redis-cli -s "$directory/socket" "$@"; }
until cli ping >/dev/null 2>&1; do :; done

keys=2000
for ((i = 0; i < keys; i++)); do echo "SET small:$i v"; done | cli >/dev/null
cli config set maxmemory 1mb >/dev/null
cli config set maxmemory-policy noeviction >/dev/null
name=$(head -c 10000 /dev/zero | tr '\0' n)

echo "expected: with used memory above maxmemory nothing adds to it"
echo "SET:    $(cli set more v 2>&1)"
before=$(cli info memory | tr -d '\r' | awk -F: '$1 == "used_memory" { print $2 }')
for ((i = 0; i < keys; i++)); do echo "RENAME small:$i $name:$i"; done | cli | sort | uniq -c | sed 's/^ */RENAME: /'
after=$(cli info memory | tr -d '\r' | awk -F: '$1 == "used_memory" { print $2 }')
echo "seen:     used_memory went from $before to $after bytes, maxmemory is 1048576"
((after > 10 * before))
