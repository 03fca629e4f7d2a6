"""What is asked of a server: cells of the matrix, and the clients that put such a load on it.

SET and GET go to RESP servers through redis-benchmark, which is one thread in C; the mix, memcached and the writing of all keys go through load_client,
which is one, too; etcd has its own client in Go, because it speaks nothing else.
"""

import json
import os
import subprocess
from dataclasses import dataclass

import harness

KEYS = 100_000
# Requests before anything is known of a server's speed, for each client and each place of its pipeline; never fewer than the least, which lasts longer
# than redis-benchmark's clock of one millisecond.
FIRST_REQUESTS_PER_SLOT = 40
FIRST_REQUESTS_MIN = 5000
REQUESTS_MIN = 200
WARM_UP_S = 0.4


class LoadFailed(Exception):
    pass


@dataclass(frozen=True)
class Cell:
    operation: str  # set, get or mix
    clients: int
    pipeline: int
    value_bytes: int

    @property
    def name(self):
        return f"{self.operation}-c{self.clients}-p{self.pipeline}-{self.value_bytes}b"

    def fits(self, system):
        return self.operation in system.operations and self.pipeline in system.pipelines


def run(command):
    """Without a terminal's Ctrl-C, which this program handles; it is killed with whoever waits here."""
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
    if done.returncode != 0:
        raise LoadFailed(f"`{' '.join(command)}` failed ({done.returncode}):\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Client:
    """Loads the port of a system that runs. Remembers how fast each system was, so that the next load of redis-benchmark, which takes a number of requests,
    lasts as long as it should."""

    def __init__(self, programs):
        self.programs = programs
        self._rates = {}

    def fill(self, system, keys, value_bytes):
        if not system.stores:
            return
        if system.protocol == "etcd":
            run([self._program("etcdload"), "-fill", "-endpoint", f"127.0.0.1:{system.port}", "-keys", str(keys), "-size", str(value_bytes)])
        else:
            run(self._load_client(system, "--fill", "--keys", str(keys), "--size", str(value_bytes)))

    def overwrite(self, system, keys, value_bytes, seconds):
        """SETs without a measurement, to RESP servers and memcached."""
        run(self._load_client(system, "--keys", str(keys), "--size", str(value_bytes), "--pipeline", "16", "--seconds", str(seconds)))

    def warm_up(self, system, cell):
        if self._needs_requests(system, cell) and (system.name, cell) not in self._rates:
            result = self._run(system, cell, requests=max(FIRST_REQUESTS_MIN, cell.clients * cell.pipeline * FIRST_REQUESTS_PER_SLOT))
            self._rates[system.name, cell] = result["ops"] / result["seconds"]
        self.measure(system, cell, WARM_UP_S)

    def measure(self, system, cell, seconds, wrap=None):
        """{ops, seconds, p50_us, p99_us, p999_us}. warm_up() of the same cell comes first. `wrap` makes another command of the client's."""
        if not self._needs_requests(system, cell):
            return self._run(system, cell, seconds=seconds, wrap=wrap)
        requests = max(REQUESTS_MIN, int(self._rates[system.name, cell] * seconds))
        result = self._run(system, cell, requests=requests, wrap=wrap)
        if wrap is None:
            self._rates[system.name, cell] = result["ops"] / result["seconds"]
        return result

    @staticmethod
    def _needs_requests(system, cell):
        return system.protocol == "resp" and cell.operation != "mix"

    def _run(self, system, cell, requests=None, seconds=None, wrap=None):
        if requests is None:
            command = self._timed_command(system, cell, seconds)
        else:
            command = harness.redis_benchmark_command(system.port, cell.operation, requests, cell.clients, cell.pipeline, cell.value_bytes, KEYS)
        text = run(wrap(command) if wrap else command)
        try:
            return json.loads(text) if requests is None else harness.parse_redis_benchmark(text)
        except ValueError as error:
            raise LoadFailed(str(error)) from error

    def _timed_command(self, system, cell, seconds):
        if system.protocol == "etcd":
            return [self._program("etcdload"), "-endpoint", f"127.0.0.1:{system.port}", "-op", cell.operation, "-clients", str(cell.clients),
                    "-size", str(cell.value_bytes), "-keys", str(KEYS), "-time", f"{seconds}s"]
        return self._load_client(system, "--op", cell.operation, "--clients", str(cell.clients), "--pipeline", str(cell.pipeline),
                                 "--size", str(cell.value_bytes), "--keys", str(KEYS), "--seconds", str(seconds))

    def _load_client(self, system, *options):
        return [self._program("load_client"), "--port", str(system.port), "--protocol", system.protocol, *options]

    def _program(self, name):
        return os.path.join(self.programs, name)
