"""What is measured: groups of cells. In a turn one system is started and takes the cells of one group that it can; the systems of a group take turns."""

from dataclasses import dataclass

from compare.load import Cell

MEMORY_KEYS = 1_000_000
MEMORY_VALUE_BYTES = 32

QUICK_VALUE_BYTES = 64
CLIENTS = (1, 50, 200)
PIPELINES = (1, 16, 64)


@dataclass(frozen=True)
class Group:
    name: str
    cells: tuple
    systems: tuple  # names; those that can take none of the cells are passed over
    memory: bool = False  # instead of cells: memory of a million keys

    def cells_for(self, system):
        return [cell for cell in self.cells if cell.fits(system)]


SET_PIPELINED = Cell("set", 50, 16, QUICK_VALUE_BYTES)
GET_PIPELINED = Cell("get", 50, 16, QUICK_VALUE_BYTES)
SET_PLAIN = Cell("set", 50, 1, QUICK_VALUE_BYTES)
SET_ALONE = Cell("set", 1, 1, QUICK_VALUE_BYTES)
SET_MANY = Cell("set", 200, 1, QUICK_VALUE_BYTES)

MEMORY = Group("memory", (), ("redis", "memcached", "kvorum-1", "kvorum-3"), memory=True)

# Just what the targets need, and Kvorum alone on its node beside it.
QUICK = (
    Group("set-pipelined", (SET_PIPELINED,), ("null", "redis", "redis-always", "kvorum-1", "kvorum-3")),
    Group("get-pipelined", (GET_PIPELINED,), ("null", "redis", "memcached", "kvorum-1", "kvorum-3")),
    Group("set-plain", (SET_PLAIN,), ("null", "etcd", "kvorum-3")),
    Group("set-alone", (SET_ALONE,), ("redis-always", "etcd", "kvorum-3")),
    Group("set-many", (SET_MANY,), ("etcd",)),
    MEMORY,
)


def full(system_names):
    groups = [Group(f"{operation}-{value_bytes}b", tuple(Cell(operation, clients, pipeline, value_bytes) for clients in CLIENTS for pipeline in PIPELINES),
                    system_names)
              for operation in ("set", "get", "mix") for value_bytes in (64, 1024)]
    return (*groups, MEMORY)
