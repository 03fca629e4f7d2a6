#!/usr/bin/env python3
"""The direct path of a command: the working tree beside an earlier revision.

    ./dev bench --direct REV [--rounds N]

Both are built as for --compare. In turns, every other round backwards, a cluster of three of each is started on a fresh directory and loaded through its leader:
SET and GET, with 50 clients of 16 commands in flight, and with one client. A row's ratio is the median of the rounds' ratios, working tree to revision.
"""

import argparse
import os
import shutil
import statistics
import sys

import harness
import micro_compare

TARGETS = ("kvorumd", "kvorum")
# (clients, pipeline, requests)
LOADS = ((50, 16, 400_000), (1, 1, 5_000))
COMMANDS = ("SET", "GET")


def rate(taken):
    return taken["ops"] / taken["seconds"]


def measure(programs):
    """{(command, clients, pipeline): commands a second} of a fresh cluster."""
    directory = os.path.join(harness.ROOT, "build", f"direct-{os.getpid()}")
    cluster = harness.Cluster(programs, directory, harness.free_base_port())
    try:
        port = cluster.leader().port
        harness.redis_benchmark(port, "set", 100_000, clients=50, pipeline=16)
        return {(command, clients, pipeline): rate(harness.redis_benchmark(port, command.lower(), requests, clients=clients, pipeline=pipeline))
                for clients, pipeline, requests in LOADS for command in COMMANDS}
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


def in_turns(programs, rounds):
    """[{name: what measure() returns}], a round each."""
    taken = []
    for number in range(rounds):
        order = list(programs) if number % 2 == 0 else list(reversed(programs))
        print(f"  round {number + 1} of {rounds} ...", file=sys.stderr)
        taken.append({name: measure(programs[name]) for name in order})
    return taken


def report(taken):
    print(f"{'':28}{'before/s':>12}{'after/s':>12}{'ratio':>8}   of the rounds")
    for cell in next(iter(taken[0].values())):
        ratios = sorted(each["after"][cell] / each["before"][cell] for each in taken)
        command, clients, pipeline = cell
        before, after = (statistics.median(each[name][cell] for each in taken) for name in ("before", "after"))
        label = f"{command}, {clients} client{'s' if clients > 1 else ''}, pipeline {pipeline}"
        print(f"{label:28}{before:12,.0f}{after:12,.0f}{statistics.median(ratios):8.2f}   {ratios[0]:.2f} to {ratios[-1]:.2f}")


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
