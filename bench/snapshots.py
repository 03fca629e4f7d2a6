#!/usr/bin/env python3
"""What a snapshot costs while it is taken, and what a start from one takes beside Redis loading its RDB of the same keys.

    ./dev bench --snapshots [--keys N] [--rounds N]

One node and one redis-server (no persistence but SAVE) get the same keys of 16 bytes with values of 32. Each round, in turns: writes at half of what the node can take, once alone and once while a
snapshot is written, by an open loop that counts from when each was due; then both are stopped and started again, and asked for a key until they answer.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import harness
import micro_compare

KEY_BYTES, VALUE_BYTES = 16, 32
FIRST_KEY = 10 ** (KEY_BYTES - 2)  # so that all have as many digits
KEYS_AT_ONCE = 1000
LOOP_S = 6
START_TIMEOUT_S = 300


def key_of(number):
    return b"k%d" % (FIRST_KEY + number)


def set_command(number):
    return b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (KEY_BYTES, key_of(number), VALUE_BYTES, b"%0*d" % (VALUE_BYTES, number))


def fill(port, keys):
    with socket.create_connection(("127.0.0.1", port)) as client:
        replies = client.makefile("rb")
        for first in range(0, keys, KEYS_AT_ONCE):
            count = min(KEYS_AT_ONCE, keys - first)
            client.sendall(b"".join(set_command(number) for number in range(first, first + count)))
            if any(replies.readline() != b"+OK\r\n" for _ in range(count)):
                sys.exit("bench: a SET was not answered with OK")


def ask(port, *words):
    with socket.create_connection(("127.0.0.1", port), timeout=START_TIMEOUT_S) as client:
        client.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return client.recv(1 << 20)


def info(port, name):
    text = ask(port, b"INFO", b"persistence").decode()
    return next(line.split(":", 1)[1] for line in text.splitlines() if line.startswith(name + ":"))


def wait_until_saved(port):
    while info(port, "rdb_bgsave_in_progress") != "0":
        time.sleep(0.05)


def load(kvorum, port, keys, *flags):
    """What `kvorum load` says of SETs on these keys: its JSON."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        harness.check_output(kvorum, "load", "-p", str(port), "--ratio", "1:0", "-d", str(VALUE_BYTES), "--key-prefix", "k", "--key-minimum", str(FIRST_KEY),
                             "--key-maximum", str(FIRST_KEY + keys - 1), "-t", "1", "-c", "50", "--hide-histogram", "--json-out-file", report.name, *flags)
        return json.load(report)["ALL STATS"]["Sets"]


def write_p99_ms(kvorum, port, keys, rate):
    return load(kvorum, port, keys, "--rate", str(rate), "--test-time", str(LOOP_S))["Percentile Latencies"]["p99.00"]


def writes_beside_snapshots(kvorum, port, keys, rounds):
    """[(p99 alone, p99 beside snapshots, snapshots taken)], at half of what it takes."""
    rate = int(load(kvorum, port, keys, "--pipeline", "1", "--test-time", "4")["Ops/sec"] / 2)
    taken = []
    for _ in range(rounds):
        alone = write_p99_ms(kvorum, port, keys, rate)
        before = int(info(port, "rdb_saves"))
        stop = threading.Event()
        saver = threading.Thread(target=keep_saving, args=(port, stop))
        saver.start()
        beside = write_p99_ms(kvorum, port, keys, rate)
        stop.set()
        saver.join()
        taken.append((alone, beside, int(info(port, "rdb_saves")) - before))
    return rate, taken


def keep_saving(port, stop):
    while not stop.is_set():
        ask(port, b"BGSAVE")
        wait_until_saved(port)


def time_to_answer(start, port):
    """From the start of a program to the first right answer."""
    began = time.monotonic()
    process = start()
    while time.monotonic() - began < START_TIMEOUT_S:
        try:
            if ask(port, b"GET", key_of(1)).startswith(b"$%d" % VALUE_BYTES):
                return process, time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.01)
    sys.exit("bench: a server does not start again")


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def measure(programs, options):
    directory = tempfile.mkdtemp(prefix="snapshots-", dir=os.path.join(harness.ROOT, "build"))
    port = harness.free_base_port(2)
    redis_port = port + 1
    log = open(os.path.join(directory, "log"), "wb")

    def start_kvorum():
        command = [os.path.join(programs, "kvorumd"), "--id", "1", "--data-dir", os.path.join(directory, "node"), "--member",
                   f"1=127.0.0.1:{port + harness.PEER_PORT_OFFSET}/127.0.0.1:{port}"]
        return subprocess.Popen(command, stdout=log, stderr=log)

    def start_redis():
        command = ["redis-server", "--port", str(redis_port), "--dir", directory, "--save", "", "--appendonly", "no"]
        return subprocess.Popen(command, stdout=log, stderr=log)

    try:
        kvorum, redis = start_kvorum(), start_redis()
        for server in (port, redis_port):
            while True:
                try:
                    if ask(server, b"SET", b"first", b"1").startswith(b"+OK"):
                        break
                except OSError:
                    pass
                time.sleep(0.05)
            print(f"  filling {options.keys:,} keys ...", file=sys.stderr)
            fill(server, options.keys)
        rate, writes = writes_beside_snapshots(os.path.join(programs, "kvorum"), port, options.keys, options.rounds)
        ratios = sorted(beside / alone for alone, beside, _ in writes)
        print(f"{rate:,} SETs a second: p99 {statistics.median(a for a, _, _ in writes):.2f} ms alone, {statistics.median(b for _, b, _ in writes):.2f} ms while {sum(n for _, _, n in writes)} snapshots "
              f"were written: {statistics.median(ratios):.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        rounds = []
        for number in range(options.rounds):
            ask(port, b"SET", b"round", b"%d" % number)
            ask(port, b"BGSAVE")
            time.sleep(0.1)
            wait_until_saved(port)
            save_s = info(port, "rdb_last_bgsave_time_sec")
            ask(redis_port, b"SAVE")
            end(kvorum)
            end(redis)
            kvorum, kvorum_s = time_to_answer(start_kvorum, port)
            redis, redis_s = time_to_answer(start_redis, redis_port)
            rounds.append((kvorum_s, redis_s))
            print(f"  round {number + 1}: kvorum {kvorum_s:.2f} s, redis {redis_s:.2f} s, snapshot taken in {save_s} s, {int(info(port, 'snapshot_last_bytes')) / 2**20:.0f} MiB", file=sys.stderr)
        ratios = sorted(kvorum_s / redis_s for kvorum_s, redis_s in rounds)
        print(f"start with {options.keys:,} keys: {statistics.median(k for k, _ in rounds):.2f} s from a snapshot, {statistics.median(r for _, r in rounds):.2f} s Redis from its RDB: "
              f"{statistics.median(ratios):.2f} of its time ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        end(kvorum)
        end(redis)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --snapshots", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    measure(micro_compare.build(harness.ROOT, "kvorumd", "kvorum"), parser.parse_args())


if __name__ == "__main__":
    main()
