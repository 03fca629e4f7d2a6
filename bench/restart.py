#!/usr/bin/env python3
"""How long a cluster takes from its start to its first OK, with a log behind it, and what the disk could do meanwhile.

    ./dev bench --restart [--log-mib N] [--nodes N] [--value-bytes N] [--rounds N] [--before REV]

A cluster of one node (or --nodes) is filled with SETs of 512 bytes on 100,000 keys until each log has so many MiB, and stopped. Then, each round, the segments of one
node are read with O_DIRECT, 4 MiB at a time in two threads, and the cluster is started and asked with a SET every few milliseconds until it says OK. With --before the
same log is started by the programs of that revision too, in turns, every other round the other way round. A log must not be older than the revision can read.
"""

import argparse
import concurrent.futures
import glob
import mmap
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import harness
import micro_compare

TARGETS = ("kvorumd", "kvorum")
MIB = 2**20
PIECE_BYTES = 4 * MIB
READERS = 2
KEYS = 100_000
REQUESTS_AT_ONCE = 100_000
ASK_EVERY_S = 0.005
ANSWER_TIMEOUT_S = 60
START_TIMEOUT_S = 600
SET = b"*3\r\n$3\r\nSET\r\n$13\r\nfirst command\r\n$1\r\n1\r\n"


@dataclass(frozen=True)
class Restart:
    connected_s: float  # a node accepts a connection
    first_ok_s: float


def fill(cluster, log_mib, value_bytes):
    while (written := cluster.bytes_written() / len(cluster.nodes) / MIB) < log_mib:
        print(f"  filling: {written:,.0f} of {log_mib:,} MiB ...", file=sys.stderr)
        command = harness.redis_benchmark_command(cluster.leader().port, "set", REQUESTS_AT_ONCE, 50, 16, value_bytes, KEYS)
        harness.parse_redis_benchmark(harness.check_output(*command))


def read_direct(path, first_bytes, step_bytes):
    """Every so many bytes one piece; how much it was."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        with mmap.mmap(-1, PIECE_BYTES) as memory:  # aligned, as O_DIRECT wants it
            return sum(os.preadv(handle, [memory], offset) for offset in range(first_bytes, os.fstat(handle).st_size, step_bytes))
    finally:
        os.close(handle)


def disk_mib_per_s(node_directory):
    """Of the log's own files, read as fast as the disk gives them."""
    started = time.monotonic()
    total_bytes = 0
    with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
        for path in sorted(glob.glob(os.path.join(node_directory, "wal-*.seg"))):
            parts = [readers.submit(read_direct, path, reader * PIECE_BYTES, READERS * PIECE_BYTES) for reader in range(READERS)]
            total_bytes += sum(part.result() for part in parts)
    return total_bytes / MIB / (time.monotonic() - started)


def ask(port, on_connected):
    """Whether a SET was answered with OK. It may wait for that long in the node; that there is a connection is told at once."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S) as client:
            on_connected()
            client.sendall(SET)
            return client.recv(64).startswith(b"+OK")
    except OSError:
        return False


def restart(programs, directory, port):
    """Starts the cluster in `directory`, and leaves it running."""
    began = time.monotonic()
    command = [os.path.join(programs, "kvorum"), "local", "start", "--dir", directory, "--timeout-s", str(START_TIMEOUT_S)]
    starting = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    connected_s = []
    while not ask(port, lambda: connected_s.append(time.monotonic() - began)):
        if starting.poll() not in (None, 0) or time.monotonic() - began > START_TIMEOUT_S:
            sys.exit("bench: the cluster does not start again")
        time.sleep(ASK_EVERY_S)
    first_ok_s = time.monotonic() - began
    starting.wait()
    return Restart(connected_s[0], first_ok_s)


def in_turns(programs, directory, port, rounds):
    """[{name: Restart, "disk": MiB/s}], a round each."""
    taken = []
    for number in range(rounds):
        print(f"  round {number + 1} of {rounds} ...", file=sys.stderr)
        each = {"disk": disk_mib_per_s(os.path.join(directory, "node-1"))}
        for name in list(programs) if number % 2 == 0 else reversed(list(programs)):
            each[name] = restart(programs[name], directory, port)
            harness.stop_cluster(os.path.join(programs[name], "kvorum"), directory)
        taken.append(each)
    return taken


def report(taken, log_mib):
    disk = statistics.median(each["disk"] for each in taken)
    print(f"the log: {log_mib:,.0f} MiB a node; the disk reads {disk:,.0f} MiB/s (O_DIRECT, {READERS} threads)")
    print(f"{'':10}{'connects':>12}{'first OK':>12}{'of the rounds':>20}{'log, MiB/s':>14}")
    for name in (name for name in ("before", "after") if name in taken[0]):
        firsts = sorted(each[name].first_ok_s for each in taken)
        connected_s = statistics.median(each[name].connected_s for each in taken)
        median_s = statistics.median(firsts)
        print(f"{name:10}{connected_s:10.2f} s{median_s:10.2f} s{f'{firsts[0]:.2f} to {firsts[-1]:.2f}':>20}{log_mib / median_s:14,.0f}")
    if "before" in taken[0]:
        ratios = sorted(each["before"].first_ok_s / each["after"].first_ok_s for each in taken)
        print(f"first OK comes {statistics.median(ratios):.2f} times as fast as before ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def measure(programs, options):
    directory = os.path.join(harness.ROOT, "build", f"restart-{os.getpid()}")
    port = harness.free_base_port()
    try:
        cluster = harness.Cluster(programs["after"], directory, port, options.nodes)
        fill(cluster, options.log_mib, options.value_bytes)
        log_mib = cluster.bytes_written() / options.nodes / MIB
        cluster.stop()
        report(in_turns(programs, directory, port, options.rounds), log_mib)
    finally:
        harness.stop_cluster(os.path.join(programs["after"], "kvorum"), directory)
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --restart", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log-mib", type=int, default=2048, help="of each node's log (2048)")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--value-bytes", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", metavar="REV", help="measured beside the working tree, such as HEAD~1 or a tag")
    options = parser.parse_args()
    programs = {}
    if options.before:
        earlier = micro_compare.checkout_of(micro_compare.resolve(options.before, "CMakePresets.json"))
        programs["before"] = micro_compare.build(earlier, *TARGETS)
    programs["after"] = micro_compare.build(harness.ROOT, *TARGETS)
    measure(programs, options)


if __name__ == "__main__":
    main()
