#!/usr/bin/python3
"""usage: python_clients.py LEADER_PORT FOLLOWER_PORT PORT...

redis-py's plain client at the node that leads first and at a follower, and its cluster client. The lines are those of
ledger.mjs. RedisCluster sends a command again after a lost connection, and no setting ends that: it writes only what
may be repeated.
"""
import sys
import threading
import time

import redis
from redis.cluster import ClusterNode, RedisCluster

PAUSE_S = 0.005
PAUSE_AFTER_ERROR_S = 0.1
NOT_EXECUTED = ("CLUSTERDOWN", "TRYAGAIN", "MISCONF")
HOST = "127.0.0.1"
say_lock = threading.Lock()


def say(line):
    with say_lock:
        print(line, flush=True)


def attempt(name, kind, label, call):
    say(f"{name} > {kind} {label}")
    try:
        result = call()
        say(f"{name} + {kind} {result if kind == 'i' else label}")
        time.sleep(PAUSE_S)
    except Exception as error:  # whatever a client raises is an outcome
        text = f"{type(error).__name__} {error}".replace("\n", " ")
        refused = isinstance(error, (redis.exceptions.ClusterDownError, redis.exceptions.TryAgainError)) or any(
            word in text for word in NOT_EXECUTED)
        say(f"{name} {'-' if refused else '?'} {kind} {label} {text}")
        time.sleep(PAUSE_AFTER_ERROR_S)


def load(name, make, counts):
    client = None
    while client is None:
        try:
            client = make()
        except Exception as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            time.sleep(PAUSE_AFTER_ERROR_S)
    n = 0
    while True:
        n += 1
        attempt(name, "s", n, lambda: client.set(f"{name}:{n}", n))
        if counts:
            attempt(name, "i", n, lambda: client.incr(name))
        else:
            attempt(name, "overwrite", n, lambda: client.set(name, n))


def main():
    leader_port, follower_port, *ports = map(int, sys.argv[1:])
    nodes = [ClusterNode(HOST, port) for port in ports]
    objects = [
        ("redis-py.leader", lambda: redis.Redis(HOST, leader_port), True),
        ("redis-py.follower", lambda: redis.Redis(HOST, follower_port), True),
        ("redis-py.cluster", lambda: RedisCluster(startup_nodes=nodes), False),
    ]
    threads = [threading.Thread(target=load, args=an_object, daemon=True) for an_object in objects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
