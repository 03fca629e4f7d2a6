"""What bench/run and bench/compare share: running programs, free ports, clusters of kvorumd, redis-benchmark."""

import json
import os
import re
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEER_PORT_OFFSET = 10000
PORTS_TIMEOUT_S = 60  # as long as the kernel remembers connections


def check_output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: `{' '.join(command)}` failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def are_free(base_port, count, offsets):
    try:
        for port in [base_port + i + offset for i in range(count) for offset in offsets]:
            with socket.socket() as probe:
                # As servers do, so that connections which linger after their end are in nobody's way.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False


def free_base_port(count=3, among=range(21000, 31000), offsets=(0, PEER_PORT_OFFSET)):
    """The first of so many ports in a row, and as many at the other offsets, none of them taken. By default client ports of a cluster with their peer ports."""
    deadline = time.monotonic() + PORTS_TIMEOUT_S
    while time.monotonic() < deadline:
        base_port = next((base for base in among[::count] if are_free(base, count, offsets)), None)
        if base_port:
            return base_port
        time.sleep(0.1)
    sys.exit(f"bench: no free ports among {among}")


def memory_kib(pid, which="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(which + ":"))


class Node:
    def __init__(self, description):
        self.id = description["id"]
        self.port = description["client_port"]
        self.pid = description["pid"]

    def memory_kib(self):
        return memory_kib(self.pid)

    def peak_memory_kib(self):
        return memory_kib(self.pid, "VmHWM")

    def is_running(self):
        return os.path.exists(f"/proc/{self.pid}")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Cluster:
    def __init__(self, programs, directory, base_port, nodes=3, node_flags=()):
        self.kvorum = os.path.join(programs, "kvorum")
        self.directory = directory
        check_output(self.kvorum, "local", "start", "--nodes", str(nodes), "--dir", directory, "--base-port", str(base_port), "--", *node_flags)
        with open(os.path.join(directory, "cluster.json"), encoding="utf-8") as file:
            self.nodes = [Node(node) for node in json.load(file)["nodes"]]

    def status(self, node):
        return json.loads(check_output(self.kvorum, "status", "--json", f"127.0.0.1:{node.port}"))

    def leader(self):
        return next(node for node in self.nodes if self.status(node)["role"] == "leader")

    def follower(self):
        return next(node for node in self.nodes if self.status(node)["role"] == "follower")

    def bytes_written(self):
        return sum(int(self.status(node)["info"]["wal_bytes_written"]) for node in self.nodes)

    def stop(self):
        stop_cluster(self.kvorum, self.directory)


def stop_cluster(kvorum, directory):
    """Also one that did not finish starting."""
    subprocess.run([kvorum, "local", "stop", "--dir", directory], capture_output=True)


def redis_benchmark_command(port, test, requests, clients, pipeline, value_bytes, keys):
    return ["redis-benchmark", "-p", str(port), "-t", test, "-n", str(requests), "-c", str(clients), "-P", str(pipeline),
            "-d", str(value_bytes), "-r", str(keys), "--precision", "3"]


def parse_redis_benchmark(text):
    """Its long report, because only that has percentiles beyond 99: operations, seconds, microseconds."""
    if re.search(r"^(Error|ERR|.*error from server)", text, re.MULTILINE | re.IGNORECASE):
        raise ValueError(f"redis-benchmark reports:\n{text}")
    requests = re.search(r"(\d+) requests completed in ([\d.]+) seconds", text)
    rate = re.search(r"throughput summary: ([\d.]+) requests per second", text)
    summary = re.search(r"latency summary \(msec\):\s+avg\s+min\s+p50\s+p95\s+p99\s+max\s+([\d. ]+)", text)
    if not (requests and rate and summary):
        raise ValueError(f"redis-benchmark printed something else:\n{text}")
    # Steps of 50, 75, 87.5 ... %: the first at or beyond 99.9 % is 99.902 %.
    tail = [float(value) for percent, value in re.findall(r"^([\d.]+)% <= ([\d.]+) milliseconds", text.split("Cumulative distribution")[0], re.MULTILINE)
            if float(percent) >= 99.9]
    p50, p99 = (float(summary.group(1).split()[i]) for i in (2, 4))
    ops = int(requests.group(1))
    return {"ops": ops, "seconds": ops / float(rate.group(1)), "p50_us": p50 * 1000, "p99_us": p99 * 1000, "p999_us": tail[0] * 1000}


def redis_benchmark(port, test, requests, clients=50, pipeline=1, value_bytes=64):
    """100,000 keys."""
    try:
        return parse_redis_benchmark(check_output(*redis_benchmark_command(port, test, requests, clients, pipeline, value_bytes, 100_000)))
    except ValueError as error:
        sys.exit(f"bench: {error}")
