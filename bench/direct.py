#!/usr/bin/env python3
"""The direct path of a command: the working tree beside an earlier revision, and beside one Redis that syncs each write.

    ./dev bench --direct REV [--rounds N]

Both are built as for --compare. In turns, every other round backwards, a cluster of three of each is started on a fresh directory and loaded through its leader:
SET and GET of 64 bytes and SET of 1 KiB with 50 clients of 16 commands in flight, SET and GET with one client. A row's ratio is the median of the rounds' ratios,
working tree to revision; the second one is of the processor time of the three nodes for a command. Redis (--appendfsync always) takes the SETs of 1 KiB.
"""

import argparse
import os
import shutil
import statistics
import sys
from dataclasses import dataclass

import harness
import micro_compare
from compare import counters, systems

TARGETS = ("kvorumd", "kvorum")
REDIS = "redis"


@dataclass(frozen=True)
class Load:
    command: str
    value_bytes: int
    clients: int
    pipeline: int
    requests: int

    def title(self):
        clients = f"{self.clients} client{'s' if self.clients > 1 else ''}"
        return f"{self.command} of {self.value_bytes} bytes, {clients}, pipeline {self.pipeline}"


LARGE_SETS = Load("SET", 1024, 50, 16, 300_000)
LOADS = (Load("SET", 64, 50, 16, 400_000), Load("GET", 64, 50, 16, 400_000), LARGE_SETS, Load("SET", 64, 1, 1, 5_000), Load("GET", 64, 1, 1, 5_000))


@dataclass(frozen=True)
class Taken:
    per_second: float
    cpu_us: float  # of the servers, a command


def take(load, port, pids):
    before = counters.read_counts(pids, None)
    done = harness.redis_benchmark(port, load.command.lower(), load.requests, load.clients, load.pipeline, load.value_bytes)
    spent = counters.read_counts(pids, None).since(before)
    return Taken(done["ops"] / done["seconds"], spent.cpu_s / done["ops"] * 1e6)


def fresh_directory():
    return os.path.join(harness.ROOT, "build", f"direct-{os.getpid()}")


def warm_up(port):
    harness.redis_benchmark(port, "set", 100_000, clients=50, pipeline=16)


def measure_cluster(programs):
    """{load: Taken} of a fresh cluster."""
    directory = fresh_directory()
    cluster = harness.Cluster(programs, directory, harness.free_base_port())
    try:
        port, pids = cluster.leader().port, [node.pid for node in cluster.nodes]
        warm_up(port)
        return {load: take(load, port, pids) for load in LOADS}
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


def measure_redis():
    directory = fresh_directory()
    redis = systems.DurableRedis(programs=None)
    port = harness.free_base_port()
    try:
        os.makedirs(directory)
        redis.start(directory, port)
        warm_up(port)
        return {LARGE_SETS: take(LARGE_SETS, port, redis.pids)}
    finally:
        redis.stop()
        shutil.rmtree(directory, ignore_errors=True)


def in_turns(programs, rounds):
    """[{name: {load: Taken}}], a round each."""
    taken = []
    for number in range(rounds):
        order = [*programs, REDIS]
        print(f"  round {number + 1} of {rounds} ...", file=sys.stderr)
        taken.append({name: measure_redis() if name == REDIS else measure_cluster(programs[name])
                      for name in (order if number % 2 == 0 else reversed(order))})
    return taken


def ratios(taken, load, field, over="before"):
    """Least, median and largest of the rounds'."""
    values = sorted(getattr(each["after"][load], field) / getattr(each[over][load], field) for each in taken)
    return values[0], statistics.median(values), values[-1]


def report(taken):
    print(f"{'':42}{'before/s':>12}{'after/s':>12}{'ratio':>8}   of the rounds   processor time")
    for load in LOADS:
        before, after = (statistics.median(each[name][load].per_second for each in taken) for name in ("before", "after"))
        least, median, most = ratios(taken, load, "per_second")
        # One client's commands are too few for what the kernel's clock counts in.
        cpu = f"{ratios(taken, load, 'cpu_us')[1]:17.2f}" if load.requests >= 100_000 else ""
        print(f"{load.title():42}{before:12,.0f}{after:12,.0f}{median:8.2f}   {least:.2f} to {most:.2f}{cpu}")
    least, median, most = ratios(taken, LARGE_SETS, "per_second", REDIS)
    redis = statistics.median(each[REDIS][LARGE_SETS].per_second for each in taken)
    print(f"{LARGE_SETS.title():42}{redis:12,.0f}{'':12}{median:8.2f}   {least:.2f} to {most:.2f}   beside one Redis, appendfsync always")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --direct", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", metavar="REV", help="such as HEAD~1 or a tag")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    earlier = micro_compare.checkout_of(micro_compare.resolve(options.revision, "CMakePresets.json"))
    programs = {"before": micro_compare.build(earlier, *TARGETS), "after": micro_compare.build(harness.ROOT, *TARGETS)}
    report(in_turns(programs, options.rounds))


if __name__ == "__main__":
    main()
