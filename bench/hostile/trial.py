"""One load, done to one node of a fresh cluster: before, while and after it runs a bystander works, and the nodes are asked how they fared."""

import json
import os
import shutil
import subprocess
import sys
import time

import harness
from hostile import loads, priority
from hostile.verdict import Figures, Turn, Waits
from hostile.wire import Asker, Refused

MIB = 1 << 20
SETTLE_S = 30
BEFORE_S = 2.0
PORTS = range(21000, 31000)
AFTER_S = 0.5


class Bystander:
    def __init__(self, leader_port, follower_port):
        self._process = subprocess.Popen([sys.executable, "-m", "hostile.bystander", str(leader_port), str(follower_port)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self._process.stdout.readline() != "ready\n":
            raise loads.LoadFailed("the bystander did not start")

    def begin(self, phase):
        self._process.stdin.write(phase + "\n")
        self._process.stdin.flush()

    def end(self):
        """{phase: what it saw}."""
        output, _ = self._process.communicate()
        return json.loads(output)

    def kill(self):
        self._process.kill()
        self._process.wait()


def info(port):
    asker = Asker(port, timeout_s=10)
    try:
        return asker.info()
    finally:
        asker.close()


def settled(target):
    """Waits until all nodes have applied the same: what the fill left to do is not the load's."""
    deadline_s = time.monotonic() + SETTLE_S
    while len({info(port)["raft_last_applied"] for port in target.ports}) > 1 and time.monotonic() < deadline_s:
        time.sleep(0.05)


def longest_turn(infos):
    return max((Turn(int(each["longest_turn_us"]) / 1000, each["longest_turn_doing"]) for each in infos), key=lambda turn: turn.ms, default=Turn(0.0, "nobody answers"))


class Trial:
    def __init__(self, options, sizes, directory):
        self.options = options
        self.sizes = sizes
        self.directory = directory

    def run(self, load, place):
        """Figures. LoadFailed when the load could not be made."""
        directory = os.path.join(self.directory, f"{load.name}-{place}")
        flags = (f"--max-buffer-memory={self.options.buffer_memory_mib}MiB",) if self.options.buffer_memory_mib else ()
        # Not where others that look for free ports begin.
        base_port = harness.free_base_port(among=range(PORTS.start + os.getpid() % 1000 * 9, PORTS.stop))
        cluster = harness.Cluster(self.options.programs, directory, base_port, node_flags=flags)
        try:
            return self._measure(cluster, load, place)
        except Refused as error:
            raise loads.LoadFailed(f"{load.name} at the {place}: {error}") from error
        finally:
            cluster.stop()
            shutil.rmtree(directory, ignore_errors=True)

    def _measure(self, cluster, load, place):
        leader = cluster.leader()
        for node in cluster.nodes:
            priority.raise_session(node.pid, priority.LOADS)
        nodes = [leader, *(node for node in cluster.nodes if node is not leader)]
        ports, pids = tuple(node.port for node in nodes), tuple(node.pid for node in nodes)
        at_leader = loads.Target(ports[0], ports, pids)
        loads.fill_bystander(at_leader)
        load.fill(at_leader, self.sizes)
        settled(at_leader)
        term = max(int(info(port)["raft_term"]) for port in ports)
        data_kib = max(node.memory_kib() for node in nodes)
        target = loads.Target(ports[0] if place == "leader" else ports[1], ports, pids)
        waits, seen = self._load(target, load)
        alive = [node for node in nodes if node.is_running()]
        infos = [info(node.port) for node in alive]
        return Figures(
            load=load.name, place=place, turn=longest_turn(infos), before=Waits.of(waits["before"]), during=Waits.of(waits["load"]),
            elections=max((int(each["raft_term"]) for each in infos), default=term) - term, peak_mib=max((node.peak_memory_kib() for node in alive), default=0) // 1024,
            allowed_mib=data_kib // 1024 + load.grows_bytes(self.sizes) // MIB + self.options.allowed_buffers_mib,
            dead=tuple(node.id for node in nodes if node not in alive), seen=seen, all_replies=load.all_replies, one_command=load.one_command)

    def _load(self, target, load):
        """What the bystander saw, by phase, and what the clients saw."""
        bystander = Bystander(*target.ports[:2])
        try:
            bystander.begin("before")
            time.sleep(BEFORE_S * (0.5 if self.options.quick else 1))
            bystander.begin("load")
            try:
                seen = load.run(target, self.sizes)
            except OSError as error:
                seen = loads.Seen(wrong=[str(error)])
            time.sleep(AFTER_S)
            return bystander.end(), seen
        except BaseException:
            bystander.kill()
            raise
