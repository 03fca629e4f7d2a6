"""Takes the measurements: in every round each system of a group has its turn, and a sample is what one turn found out about one cell."""

import os
import shutil
import tempfile
from dataclasses import dataclass

import harness
from compare import counters, plan
from compare.load import KEYS, LoadFailed
from compare.systems import PORTS, StartFailed

# Counting system calls slows each of them a little, so it has a load of its own.
SYSCALL_LOAD_PART = 0.4
# Buffers, and the log's cache of what was last written, are full before the memory of keys is measured.
MEMORY_WARM_UP_KEYS = 1000
MEMORY_WARM_UP_VALUE_BYTES = 512
MEMORY_WARM_UP_S = 3


class TurnFailed(Exception):
    pass


@dataclass(frozen=True)
class Sample:
    group: str
    system: str
    cell: str  # "memory" for memory
    round: int
    steal: float
    ops: int = 0
    ops_per_s: float = None
    p50_us: float = None
    p99_us: float = None
    p999_us: float = None
    cpu_us_per_op: float = None
    switches_per_op: float = None
    flushes_per_op: float = None
    written_bytes_per_op: float = None
    syscalls_per_op: float = None
    leader_syscalls_per_op: float = None
    memory_bytes_per_key: float = None


def sample_of(group, system, cell, number, load, counts, syscalls):
    ops = load["ops"]
    return Sample(group=group, system=system, cell=cell, round=number, steal=counts.steal, ops=ops, ops_per_s=ops / load["seconds"],
                  p50_us=load["p50_us"], p99_us=load["p99_us"], p999_us=load["p999_us"], cpu_us_per_op=counts.cpu_s * 1e6 / ops,
                  switches_per_op=counts.switches / ops, flushes_per_op=counts.flushes / ops, written_bytes_per_op=counts.written_bytes / ops, **syscalls)


class Rounds:
    def __init__(self, client, systems, options):
        self.client = client
        self.systems = {system.name: system for system in systems}
        self.seconds = options.seconds
        self.directory = options.directory
        self.ports = options.ports
        self.disk = counters.disk_of(options.directory)
        self.count_syscalls = options.why_no_syscalls is None

    def turns(self, groups, rounds):
        """(group, round, system) in the order of measurement; every other round goes backwards, so that none always follows the same one."""
        for group in groups:
            able = [self.systems[name] for name in group.systems if name in self.systems and (group.memory or group.cells_for(self.systems[name]))]
            for number in range(1, rounds + 1):
                for system in able if number % 2 else reversed(able):
                    yield group, number, system

    def take(self, group, number, system):
        """The samples of one turn."""
        directory = tempfile.mkdtemp(prefix=f"{system.name}-", dir=self.directory)
        os.chmod(directory, 0o755)  # memcached gives up root
        try:
            # Ports of its own for each turn: the last turn's connections, and the sockets of an io_uring, outlive their processes for a while.
            system.start(directory, harness.free_base_port(PORTS, self.ports, system.port_offsets))
            samples = [self._memory(group, number, system)] if group.memory else self._cells(group, number, system)
        except (StartFailed, LoadFailed) as error:
            raise TurnFailed(f"{system.title}, {group.name}: {error}\nits logs are in {directory}") from error
        finally:
            system.stop()
        shutil.rmtree(directory, ignore_errors=True)
        return samples

    def _cells(self, group, number, system):
        cells = group.cells_for(system)
        self.client.fill(system, KEYS, cells[0].value_bytes)
        samples = []
        for cell in cells:
            self.client.warm_up(system, cell)
            before = counters.read_counts(system.pids, self.disk)
            load = self.client.measure(system, cell, self.seconds)
            counts = counters.read_counts(system.pids, self.disk).since(before)
            samples.append(sample_of(group.name, system.name, cell.name, number, load, counts, self._syscalls(system, cell)))
        return samples

    def _syscalls(self, system, cell):
        if not self.count_syscalls:
            return {}
        output = os.path.join(self.directory, "perf.txt")
        process_of_thread = counters.threads(system.pids)
        load = self.client.measure(system, cell, self.seconds * SYSCALL_LOAD_PART, lambda command: counters.perf_command(system.pids, output, command))
        counts = counters.parse_perf(counters.read(output), process_of_thread)
        return {"syscalls_per_op": sum(counts.values()) / load["ops"], "leader_syscalls_per_op": counts.get(system.leader_pid, 0) / load["ops"]}

    def _memory(self, group, number, system):
        self.client.overwrite(system, MEMORY_WARM_UP_KEYS, MEMORY_WARM_UP_VALUE_BYTES, MEMORY_WARM_UP_S)
        before = harness.memory_kib(system.leader_pid)
        earlier = counters.read_counts(system.pids, self.disk)
        self.client.fill(system, plan.MEMORY_KEYS, plan.MEMORY_VALUE_BYTES)
        grown_kib = harness.memory_kib(system.leader_pid) - before
        steal = counters.read_counts(system.pids, self.disk).since(earlier).steal
        return Sample(group=group.name, system=system.name, cell="memory", round=number, steal=steal, ops=plan.MEMORY_KEYS,
                      memory_bytes_per_key=grown_kib * 1024 / plan.MEMORY_KEYS)
