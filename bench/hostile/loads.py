"""The hostile loads: what each fills the cluster with, what it does to it, and what its clients must see.

A load is done to one node, the leader or a follower, of a fresh cluster. `fill` is not measured; `run` lasts at least Sizes.load_s seconds and says what its
clients saw. Names of keys are all KEY_BYTES long, so that the length of a listing is known beforehand.
"""

import os
import random
import signal
import socket
import time
from dataclasses import dataclass
from typing import Callable

from hostile import bystander
from hostile.swarm import Client, Seen, drive, reset_on_close
from hostile.wire import Asker, Exactly, Listing, array, bulk, command

MIB = 1 << 20
KEY_BYTES = 12
KEYS_PER_FILL = 1000
PIPELINE = 20_000
VALUES = 16          # different big values
RECORD_BYTES = 128   # at most, of a small key with its value
LIMIT_S = 120        # for clients that read
OK = b"+OK\r\n"


class LoadFailed(Exception):
    """The load could not be made: nothing is known about the server."""


@dataclass(frozen=True)
class Sizes:
    due_keys: int = 1_000_000
    due_after_s: int = 15       # from the start of the fill
    listed_keys: int = 5_000_000
    pipelines: int = 60
    pipeline_gets: int = 60
    keys_per_command: int = 500_000
    two_get_clients: int = 2000
    half_values: int = 100
    slow_bytes: int = 537_000_000
    slow_bytes_per_s: int = 60_000_000
    vanishing: int = 20_000
    swaps: int = 30             # of 1 MiB, on each of 20 connections
    stop_s: float = 3
    load_s: float = 3


QUICK = Sizes(due_keys=100_000, due_after_s=5, listed_keys=300_000, pipelines=20, pipeline_gets=20, keys_per_command=100_000, two_get_clients=400, half_values=40,
              slow_bytes=100_000_000, vanishing=2000, swaps=20, stop_s=1, load_s=1)


@dataclass(frozen=True)
class Target:
    """Where a load goes. `ports` and `pids` of all nodes begin with the leader's."""
    port: int
    ports: tuple
    pids: tuple


@dataclass(frozen=True)
class Load:
    name: str
    what: str
    fill: Callable   # (target, sizes)
    run: Callable    # (target, sizes) -> Seen
    places: tuple = ("leader", "follower")
    grows_bytes: Callable = lambda sizes: 0  # what the data of a node grow by while it runs
    all_replies: bool = True     # its clients read, and must get everything right
    one_command: bool = False    # everything may have to wait for one command


def key(number):
    return b"k%011d" % number


def big_value(number, size=MIB):
    """Different for each number, at every place."""
    return (b"%08d" % number) * (size // 8)


def fill_keys(target, count):
    """MSETs of small keys."""
    asker = Asker(target.port)
    for first in range(0, count, KEYS_PER_FILL * 16):
        last = min(count, first + KEYS_PER_FILL * 16)
        batches = [command(b"MSET", *(word for number in range(begin, min(last, begin + KEYS_PER_FILL)) for word in (key(number), b"v")))
                   for begin in range(first, last, KEYS_PER_FILL)]
        asker.send(b"".join(batches))
        for _ in batches:
            asker.reply()
    asker.close()


def fill_big(target, count=VALUES, size=MIB):
    asker = Asker(target.port)
    for number in range(count):
        asker.ask("SET", key(number), big_value(number, size))
    asker.close()


def fill_bystander(target):
    asker = Asker(target.port)
    for name in bystander.KEYS.values():
        asker.ask("SET", name, bystander.VALUE % 0)
    asker.close()


def repeat(sizes, once):
    """Again until the time is over that a p99 needs."""
    seen = Seen()
    deadline_s = time.monotonic() + sizes.load_s
    while not (seen.wrong or seen.missing) and (time.monotonic() < deadline_s or seen == Seen()):
        seen.add(once())
    return seen


# Keys that expire within one second. They are due a fixed time after the fill began, and the load begins just before.


class Expire:
    @staticmethod
    def fill(target, sizes):
        first_due_ms = int((time.time() + sizes.due_after_s) * 1000)
        asker = Asker(target.port)
        for first in range(0, sizes.due_keys, PIPELINE):
            last = min(sizes.due_keys, first + PIPELINE)
            asker.send(b"".join(b"*5\r\n$3\r\nSET\r\n$12\r\nk%011d\r\n$1\r\nv\r\n$4\r\nPXAT\r\n$13\r\n%d\r\n" % (number, first_due_ms + number * 1000 // sizes.due_keys)
                                for number in range(first, last)))
            for _ in range(first, last):
                asker.reply()
        asker.close()
        if time.time() * 1000 > first_due_ms - 2500:
            raise LoadFailed(f"writing {sizes.due_keys} keys took so long that they are due")

    @staticmethod
    def run(target, sizes):
        seen = Seen(missing=1)
        askers = [Asker(port) for port in target.ports]
        deadline_s = time.monotonic() + LIMIT_S
        while seen.missing and time.monotonic() < deadline_s:
            time.sleep(0.25)
            # Removed, not only due: by INFO of each node.
            seen.missing = int(not all(int(asker.info()["expired_keys"]) >= sizes.due_keys for asker in askers))
        seen.right = askers[0].ask("DBSIZE") == len(bystander.KEYS)
        return seen


def listing(words, head):
    def run(target, sizes):
        keys = sizes.listed_keys + len(bystander.KEYS)
        return repeat(sizes, lambda: drive([Client(target.port, [command(*words)], Listing(head + b"*%d\r\n" % keys, keys, KEY_BYTES))], LIMIT_S))
    return run


def pipelines(target, sizes, reads):
    gets = [number % VALUES for number in range(sizes.pipeline_gets)]
    asked = b"".join(command(b"GET", key(number)) for number in gets)
    replies = [bulk(big_value(number)) for number in range(VALUES)]
    expected = [replies[number] for number in gets]
    if not reads:
        return drive([Client(target.port, [asked]) for _ in range(sizes.pipelines)], sizes.load_s + 2)
    return repeat(sizes, lambda: drive([Client(target.port, [asked], Exactly(expected)) for _ in range(sizes.pipelines)], LIMIT_S))


def many_keys(verb, sizes):
    words = [verb]
    for number in range(sizes.keys_per_command):
        words.append(key(number))
        if verb == b"MSET":
            words.append(b"value")
    return command(*words)


def writes_of_many_keys(target, sizes):
    mset, delete = many_keys(b"MSET", sizes), many_keys(b"DEL", sizes)
    deleted = b":%d\r\n" % sizes.keys_per_command

    def once():
        seen = drive([Client(target.port, [mset], Exactly([OK]))], LIMIT_S)
        seen.add(drive([Client(target.port, [delete], Exactly([deleted]))], LIMIT_S))
        return seen
    return repeat(sizes, once)


def reads_of_many_keys(target, sizes):
    asked = [many_keys(b"EXISTS", sizes), many_keys(b"MGET", sizes)]
    expected = [b":%d\r\n" % sizes.keys_per_command, array(*[b"v"] * sizes.keys_per_command)]
    return repeat(sizes, lambda: drive([Client(target.port, asked, Exactly(expected))], LIMIT_S))


def two_unread_gets(target, sizes):
    asked = command(b"GET", key(0)) + command(b"GET", key(1))
    return drive([Client(target.port, [asked]) for _ in range(sizes.two_get_clients)], sizes.load_s + 2)


def half_sent(target, sizes):
    size = 15 * MIB
    most = command(b"SET", key(0), big_value(0, size))[:-MIB // 2]
    return drive([Client(target.port, [most]) for _ in range(sizes.half_values)], sizes.load_s + 2)


def slow_reader(target, sizes):
    replies = [bulk(big_value(number)) for number in range(VALUES)]
    gets = [number % VALUES for number in range(sizes.slow_bytes // MIB)]
    asked = b"".join(command(b"GET", key(number)) for number in gets)
    return drive([Client(target.port, [asked], Exactly([replies[number] for number in gets]), sizes.slow_bytes_per_s)], LIMIT_S)


def vanish(target, sizes):
    """They connect, some ask for what they do not read or send half of a value, and they reset the connection."""
    says = [b"", command(b"GET", key(0)) * 10, command(b"SET", key(0), big_value(0, MIB // 4))[:-5], command(b"SET", key(1), b"v") * 3]
    draw = random.Random(1)
    for _ in range(sizes.vanishing):
        connection = socket.create_connection(("127.0.0.1", target.port))
        reset_on_close(connection)
        connection.setblocking(False)
        said = says[draw.randrange(len(says))]
        if said:
            connection.send(said)
        connection.close()
    return Seen()


def swaps_unread(target, sizes):
    asked = [command(b"GETSET", key(number % VALUES), big_value(number % VALUES)) + command(b"GETDEL", key((number + 1) % VALUES)) for number in range(sizes.swaps)]
    return drive([Client(target.port, asked) for _ in range(20)], sizes.load_s + 4)


def mget_of_big_values(target, sizes):
    size = 15 * MIB
    values = [big_value(number, size) for number in range(5)]
    expected = [array(*values)]
    asked = command(b"MGET", *(key(number) for number in range(5)))
    return repeat(sizes, lambda: drive([Client(target.port, [asked], Exactly(expected)) for _ in range(3)], LIMIT_S))


def stopped_reader(target, sizes):
    """The process of the clients is stopped in the middle of reading, and goes on: nothing may be lost."""
    replies = [bulk(big_value(number)) for number in range(VALUES)] * 16
    asked = b"".join(command(b"GET", key(number)) for number in range(VALUES)) * 16
    child = os.fork()
    if child == 0:
        seen = drive([Client(target.port, [asked], Exactly(replies), sizes.slow_bytes_per_s) for _ in range(4)], LIMIT_S)
        os._exit(0 if seen.right == 4 * len(replies) else 1)
    time.sleep(0.3)
    os.kill(child, signal.SIGSTOP)
    time.sleep(sizes.stop_s)
    os.kill(child, signal.SIGCONT)
    right = os.waitpid(child, 0)[1] == 0
    return Seen(right=4 * len(replies) if right else 0, missing=0 if right else 4)


def stopped_follower(target, sizes):
    """A follower stands still while values of 1 MiB are written, and comes back: its leader keeps neither them nor the frames with them."""
    os.kill(target.pids[-1], signal.SIGSTOP)
    try:
        writer = Asker(target.port)

        def once():
            return Seen(right=int(writer.ask("SET", key(0), big_value(0)) == b"OK"))
        seen = repeat(sizes, once)
        writer.close()
    finally:
        os.kill(target.pids[-1], signal.SIGCONT)
    time.sleep(sizes.load_s)
    return seen


def fill_nothing(target, sizes):
    pass


def fill_sixteen(target, sizes):
    fill_big(target)


LOADS = (
    Load("expire", "a million keys that expire within one second", Expire.fill, Expire.run, places=("leader",)),
    Load("keys", "KEYS * of 5 million keys", lambda target, sizes: fill_keys(target, sizes.listed_keys), listing((b"KEYS", b"*"), b"")),
    Load("scan", "SCAN 0 COUNT 5000010 of 5 million keys", lambda target, sizes: fill_keys(target, sizes.listed_keys),
         listing((b"SCAN", b"0", b"COUNT", b"5000010"), b"*2\r\n$1\r\n0\r\n")),
    Load("pipelines", "60 connections pipeline 60 GETs of 1 MiB, and read", fill_sixteen, lambda target, sizes: pipelines(target, sizes, reads=True)),
    Load("pipelines-unread", "the same, and do not read", fill_sixteen, lambda target, sizes: pipelines(target, sizes, reads=False), all_replies=False),
    Load("mset-del", "MSET, then DEL, of 500,000 keys in one command", fill_nothing, writes_of_many_keys, one_command=True,
         grows_bytes=lambda sizes: sizes.keys_per_command * RECORD_BYTES),
    Load("mget-exists", "EXISTS and MGET of 500,000 keys in one command", lambda target, sizes: fill_keys(target, sizes.keys_per_command), reads_of_many_keys,
         one_command=True),
    Load("two-gets-unread", "2,000 connections with two GETs of 1 MiB each that they do not read", fill_sixteen, two_unread_gets, all_replies=False),
    Load("half-sent", "100 values of 15 MiB of which the last half MiB does not come", fill_nothing, half_sent, all_replies=False),
    Load("slow-reader", "one connection asks for 537 MB and reads 60 MB a second", fill_sixteen, slow_reader),
    Load("vanish", "20,000 connections that ask, send half a value, or nothing, and are reset", fill_sixteen, vanish, all_replies=False),
    Load("swaps-unread", "20 connections pipeline GETSET and GETDEL of 1 MiB, and do not read", fill_sixteen, swaps_unread, all_replies=False),
    Load("mget-big", "three connections: MGET of 5 values of 15 MiB", lambda target, sizes: fill_big(target, 5, 15 * MIB), mget_of_big_values),
    Load("stopped-reader", "a process that reads 4 x 256 MiB is stopped for 3 s in between", fill_sixteen, stopped_reader),
    Load("stopped-follower", "a follower is stopped while one client writes values of 1 MiB, and goes on", fill_sixteen, stopped_follower, places=("leader",)),
)
