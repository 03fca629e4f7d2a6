#!/usr/bin/env python3
"""Replays what real clients, suites and bug reports sent, beside a real redis-server, at a leader and at a follower.

    replay.py --programs DIR [--random N] [--seed N] [--only TEXT] [FILE...]

The files (tests/cases/*.txt say their form) hold cases; beside them N random pipelines mix all that changes the order and the life of a
connection. Redis answers first and is the judge: a case passes when each connection gets the same replies, and ends, or stays open, as
there. Exits 1 with one paragraph per difference, and prints how many cases ran.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import case_file
import harness
import resp
from connection import Connection, connect

# A reply that has not come by then never comes.
REPLY_TIMEOUT_S = 8
SENTINEL = "the-last-one"


def start_redis(directory):
    port = harness.free_base_port(count=1, among=range(31000, 32000), offsets=(0,))
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", directory],
                               stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + REPLY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            connect(port).close()
            return process, port
        except OSError:
            time.sleep(0.02)  # another process's start has no event
    sys.exit("replay: redis-server does not answer")


def run_steps(port, case, patience_s):
    """What each connection got: {name: (replies, ended)}. After its last step each is asked for a sentinel, unless the case ends it."""
    connections = {}
    try:
        for step in case.steps:
            connection = connections.setdefault(step.connection, Connection(port, patience_s))
            connection.send(step.bytes)
            # What another connection sees next depends on what this one was told.
            if step is not case.steps[-1]:
                connection.receive(step.reply_count)
        for connection in connections.values():
            connection.send(resp.encode([b"PING", SENTINEL.encode()]))
            connection.receive_until(SENTINEL)
        return {name: (connection.replies, connection.ended) for name, connection in connections.items()}
    finally:
        for connection in connections.values():
            connection.close()


def mask(value, patterns):
    if isinstance(value, tuple):
        return tuple(mask(item, patterns) for item in value)
    text = value.text if isinstance(value, resp.Simple) else value
    if isinstance(text, str):
        for pattern in patterns:
            text = pattern.sub("...", text)
        return resp.Simple(value.kind, text) if isinstance(value, resp.Simple) else text
    return value


def is_same(case, expected, actual):
    patterns = [re.compile(pattern) for pattern in case.masks]
    for name, (replies, ended) in expected.items():
        got_replies, got_ended = actual[name]
        if ended != got_ended or len(replies) != len(got_replies):
            return False
        for i, (want, got) in enumerate(zip(replies, got_replies)):
            if i in case.any_reply or case_file.is_hello(want) and case_file.is_hello(got):
                continue
            if case.waits and want == 0 and type(got) is int:
                continue
            if mask(want, patterns) != mask(got, patterns):
                return False
    return True


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def describe(outcome):
    return "\n".join(f"      {name}: {' '.join(map(short, replies))}{' (closed)' if ended else ''}" for name, (replies, ended) in outcome.items())


class Replay:
    def __init__(self, redis_port, nodes):
        self._redis_port = redis_port
        self._nodes = nodes
        self.run = 0
        self.failures = []

    def check(self, case):
        if case.expected is not None:
            expected = case.expected
        else:
            # Where a case leaves a connection without replies, the judge's silence is soon believed.
            expected = run_steps(self._redis_port, case, 0.3)
            flush(self._redis_port)
        for role, port in self._nodes.items():
            if case.role and case.role != role:
                continue
            self.run += 1
            silent = any(not replies or SENTINEL not in str(replies[-1]) for replies, ended in expected.values() if not ended)
            actual = run_steps(port, case, 0.3 if silent else REPLY_TIMEOUT_S)
            flush(port)
            if not is_same(case, expected, actual):
                self.failures.append(case)
                print(f"FAILED at the {role}: {case.name} ({case.place})\n    sent\n{case.text()}\n    expected\n{describe(expected)}\n    got\n{describe(actual)}")


def flush(port):
    connection = Connection(port, REPLY_TIMEOUT_S)
    connection.send(resp.encode([b"FLUSHALL"]))
    connection.receive(1)
    connection.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--programs", required=True)
    arguments.add_argument("--random", type=int, default=200, help="random pipelines (200)")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="", help="cases whose name holds this")
    arguments.add_argument("files", nargs="*")
    options = arguments.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    files = options.files or sorted(os.path.join(here, name) for name in os.listdir(here) if name.endswith(".txt"))
    cases = [case for file in files for case in case_file.read(file)]
    cases += case_file.random_cases(random.Random(options.seed), options.random)
    cases = [case for case in cases if options.only in case.name]

    directory = tempfile.mkdtemp(prefix="replay-", dir=options.programs)
    redis, redis_port = start_redis(directory)
    cluster = None
    try:
        cluster = harness.Cluster(options.programs, os.path.join(directory, "cluster"), harness.free_base_port())
        replay = Replay(redis_port, {"leader": cluster.leader().port, "follower": cluster.follower().port})
        for case in cases:
            replay.check(case)
    finally:
        redis.kill()
        redis.wait()
        if cluster:
            cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{replay.run - len(replay.failures)} passed, {len(replay.failures)} failed")
    sys.exit(1 if replay.failures or replay.run == 0 else 0)


if __name__ == "__main__":
    main()
