"""The servers that are compared. Each is started on a fresh directory for one turn, and nothing else runs meanwhile.

A system has a `name` (of rows and files), a `title` (for readers), a `protocol` that chooses the load client, and between start() and stop() the
pids of its server processes, the port that takes the load, and the pid that answers there.
"""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

import harness

START_TIMEOUT_S = 30
PORTS = 6  # that a system may use, from its base port on; a cluster of kvorumd also uses those PEER_PORT_OFFSET above


class StartFailed(Exception):
    pass


def wait_until(is_ready, what):
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_ready():
        if time.monotonic() > deadline:
            raise StartFailed(f"{what} is not ready after {START_TIMEOUT_S} s")
        time.sleep(0.02)


class System:
    """One process, or several, that this program starts itself."""

    name = title = protocol = ""
    operations = ("set", "get", "mix")
    pipelines = (1, 16, 64)
    port_offsets = (0,)
    # The null responder does not, so nothing is written to it beforehand.
    stores = True

    def __init__(self, programs):
        self.programs = programs
        self._processes = []

    @property
    def pids(self):
        return [process.pid for process in self._processes]

    @property
    def leader_pid(self):
        return self.pids[0]

    def start(self, directory, base_port):
        self.port = base_port
        self._start(directory, base_port)

    def stop(self):
        # Without a farewell, which takes etcd seconds: the data of a turn is thrown away.
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        self._processes = []

    def _spawn(self, directory, *command):
        with open(os.path.join(directory, f"{self.name}-{len(self._processes)}.log"), "wb") as log:
            # A session of its own: Ctrl-C reaches this program alone, which then stops the servers in order.
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, cwd=directory))

    def _is_up(self, ask):
        for process in self._processes:
            if process.poll() is not None:
                raise StartFailed(f"{self.title} ended at its start with {process.returncode}")
        try:
            return ask()
        except (OSError, ValueError, urllib.error.URLError):
            return False

    def _wait(self, ask):
        wait_until(lambda: self._is_up(ask), self.title)


def answers(port, question, answer):
    """A server that speaks a text protocol replies to `question` with something that begins with `answer`."""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(question)
        return connection.recv(64).startswith(answer)


class NullResponder(System):
    name, title, protocol = "null", "null responder", "resp"
    stores = False

    def _start(self, directory, base_port):
        self._spawn(directory, os.path.join(self.programs, "null_responder"), str(base_port))
        self._wait(lambda: answers(base_port, b"*1\r\n$4\r\nPING\r\n", b"+OK"))


class Redis(System):
    name, title, protocol = "redis", "Redis, no persistence", "resp"
    append_only = "no"

    def _start(self, directory, base_port):
        self._spawn(directory, "redis-server", "--port", str(base_port), "--bind", "127.0.0.1", "--dir", directory, "--save", "",
                    "--appendonly", self.append_only, "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
        self._wait(lambda: answers(base_port, b"PING\r\n", b"+PONG"))


class DurableRedis(Redis):
    name, title = "redis-always", "Redis, appendfsync always"
    append_only = "yes"


class Memcached(System):
    name, title, protocol = "memcached", "memcached", "memcached"
    operations = ("get",)

    def _start(self, directory, base_port):
        # One worker, as every other server here answers from one thread.
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        self._spawn(directory, "memcached", "-l", "127.0.0.1", "-p", str(base_port), "-U", "0", "-t", "1", "-m", "4096", "-c", "2048", *user)
        self._wait(lambda: answers(base_port, b"version\r\n", b"VERSION"))


class Etcd(System):
    name, title, protocol = "etcd", "etcd, 3 nodes", "etcd"
    pipelines = (1,)  # its API has none
    NODES = 3

    def _start(self, directory, base_port):
        clients = [f"http://127.0.0.1:{base_port + node}" for node in range(self.NODES)]
        peers = [f"http://127.0.0.1:{base_port + self.NODES + node}" for node in range(self.NODES)]
        cluster = ",".join(f"n{node}={peer}" for node, peer in enumerate(peers))
        for node in range(self.NODES):
            self._spawn(directory, "etcd", "--name", f"n{node}", "--data-dir", os.path.join(directory, f"n{node}"), "--listen-client-urls", clients[node],
                        "--advertise-client-urls", clients[node], "--listen-peer-urls", peers[node], "--initial-advertise-peer-urls", peers[node],
                        "--initial-cluster", cluster, "--log-level", "error")
        self._wait(lambda: self._find_leader(base_port))

    def _find_leader(self, base_port):
        for node in range(self.NODES):
            request = urllib.request.Request(f"http://127.0.0.1:{base_port + node}/v3/maintenance/status", data=b"{}")
            with urllib.request.urlopen(request, timeout=1) as reply:
                status = json.load(reply)
            if status.get("leader", "0") not in ("0", 0) and status["leader"] == status["header"]["member_id"]:
                self.port = base_port + node
                return True
        return False

    @property
    def leader_pid(self):
        return self.pids[self.port - self._base_port]

    def start(self, directory, base_port):
        self._base_port = base_port
        super().start(directory, base_port)


class Kvorum(System):
    protocol = "resp"
    port_offsets = (0, harness.PEER_PORT_OFFSET)

    def __init__(self, programs, nodes):
        super().__init__(programs)
        self.nodes = nodes
        self.name = f"kvorum-{nodes}"
        self.title = f"Kvorum, {nodes} node" + ("s" if nodes > 1 else "")
        self._directory = None

    def _start(self, directory, base_port):
        self._directory = os.path.join(directory, "cluster")
        self._cluster = harness.Cluster(self.programs, self._directory, base_port, self.nodes)
        leader = self._cluster.leader()
        self.port = leader.port
        self._leader_pid = leader.pid

    @property
    def pids(self):
        return [node.pid for node in self._cluster.nodes]

    @property
    def leader_pid(self):
        return self._leader_pid

    def stop(self):
        if self._directory:
            harness.stop_cluster(os.path.join(self.programs, "kvorum"), self._directory)


def all_systems(programs):
    return [NullResponder(programs), Redis(programs), DurableRedis(programs), Etcd(programs), Memcached(programs), Kvorum(programs, 1), Kvorum(programs, 3)]
