"""What Kvorum wants to reach, as ratios to other servers of the same run."""

from dataclasses import dataclass

from compare import plan

KVORUM = "kvorum-3"
AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True)
class Target:
    what: str
    figure: str  # a field of Sample
    cell: str
    other: str  # system, or "" when the figure itself is bounded
    sense: str
    bound: float
    other_cell: str = ""  # where it is not the same

    def measured(self, samples):
        """Spread of the ratio, or of the figure; None when it was not measured."""
        if not self.other:
            return samples.spread(self.cell, KVORUM, self.figure)
        return samples.ratio(self.figure, (self.cell, KVORUM), (self.other_cell or self.cell, self.other))

    def is_met(self, value):
        return value >= self.bound if self.sense == AT_LEAST else value <= self.bound


_SET_16 = "SET, 50 clients, pipeline 16, durable on a quorum"
_GET_16 = "GET, linearizable, 50 clients, pipeline 16"
_SET_1 = "SET, 50 clients, pipeline 1"
_ALONE = "SET p50, one client"
_CPU = "server CPU per SET, pipeline 16, three nodes summed"

TARGETS = (
    Target(_SET_16, "ops_per_s", plan.SET_PIPELINED.name, "redis", AT_LEAST, 1.0),
    Target(_SET_16, "ops_per_s", plan.SET_PIPELINED.name, "redis-always", AT_LEAST, 2.5),
    Target(_GET_16, "ops_per_s", plan.GET_PIPELINED.name, "null", AT_LEAST, 0.85),
    Target(_GET_16, "ops_per_s", plan.GET_PIPELINED.name, "redis", AT_LEAST, 1.6),
    Target(_SET_1, "ops_per_s", plan.SET_PLAIN.name, "null", AT_LEAST, 0.8),
    Target(_SET_1, "ops_per_s", plan.SET_PLAIN.name, "etcd", AT_LEAST, 10),
    Target(_ALONE, "p50_us", plan.SET_ALONE.name, "redis-always", AT_MOST, 1.0),
    Target(_ALONE, "p50_us", plan.SET_ALONE.name, "etcd", AT_MOST, 0.25),
    Target(_CPU, "cpu_us_per_op", plan.SET_PIPELINED.name, "redis-always", AT_MOST, 1.0),
    # etcd's API has no pipeline: its many clients stand in for one.
    Target(_CPU, "cpu_us_per_op", plan.SET_PIPELINED.name, "etcd", AT_MOST, 1 / 50, other_cell=plan.SET_MANY.name),
    Target("system calls per SET, 50 clients, pipeline 16, leader", "leader_syscalls_per_op", plan.SET_PIPELINED.name, "", AT_MOST, 0.05),
    Target("memory per key, 16-byte keys and 32-byte values, 1 million", "memory_bytes_per_key", "memory", "redis", AT_MOST, 0.7),
)
