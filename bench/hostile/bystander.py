"""A client that has nothing to do with the load: 200 commands a second, SET and GET in turns, to each of two nodes, in a process of its own.

  python3 -m hostile.bystander LEADER_PORT FOLLOWER_PORT

It says "ready". Then each line on stdin names the phase that begins; its end ends the program, which then prints one JSON object: for every phase, the waits in milliseconds by
place and command, how late its own ticks were (the processor was not to be had: nobody's fault but the machine's), and what went wrong.

It never waits for a reply before it sends the next command, so a node that stands still makes every command of that time slow. SETs write a counter, and a
GET may not see less than what was acknowledged before it left. Before it starts, its keys hold VALUE of 0.
"""

import gc
import json
import os
import select
import socket
import sys
import time
from collections import deque

from hostile import priority
from hostile.wire import bulk, command

COMMANDS_PER_SECOND = 200
LAST_REPLIES_S = 15
VALUE = b"%012d"
KEYS = {"leader": b"bystander:01", "follower": b"bystander:02"}


class Phase:
    def __init__(self):
        self.waits_ms = {f"{place} {name}": [] for place in KEYS for name in ("GET", "SET")}
        self.late_ms = []
        self.wrong = []


class Connection:
    def __init__(self, port, place, name):
        self.port, self.key, self.kind = port, KEYS[place], f"{place} {name}"
        self.sent = deque()  # (when, phase, what is acknowledged at least) of each command without a reply
        self._received = b""
        self.socket = None

    def send(self, data, phase, at_least):
        self.sent.append((time.monotonic(), phase, at_least))
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=1)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.socket.setblocking(False)
            self.socket.send(data)
        except OSError as error:
            self.lose(str(error))

    def lose(self, why):
        """Nobody answers what was sent: it waited until now."""
        while self.sent:
            self._note(self.sent.popleft(), f"{self.kind}: {why}")
        self._received = b""
        if self.socket:
            self.socket.close()
        self.socket = None

    def receive(self):
        """Yields (reply, what is acknowledged at least when it was asked)."""
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            self.lose(str(error))
            return
        if not data:
            self.lose("the connection was closed")
            return
        self._received += data
        while (size := reply_bytes(self._received)) is not None:
            reply, self._received = self._received[:size], self._received[size:]
            asked = self.sent.popleft()
            self._note(asked, f"{self.kind}: {reply.decode(errors='replace').strip()}" if reply[:1] == b"-" else None)
            yield reply, asked

    def _note(self, asked, wrong):
        when, phase, _ = asked
        phase.waits_ms[self.kind].append((time.monotonic() - when) * 1000)
        if wrong:
            phase.wrong.append(wrong)


def reply_bytes(received):
    """Of the first reply; None while it is not whole."""
    end = received.find(b"\r\n")
    if end < 0:
        return None
    size = end + 2
    if received[:1] == b"$" and received[:2] != b"$-":
        size += int(received[1:end]) + 2
    return size if len(received) >= size else None


class Place:
    """The key of one node, and its two connections."""

    def __init__(self, port, place):
        self.key = KEYS[place]
        self.get, self.set = Connection(port, place, "GET"), Connection(port, place, "SET")
        self._last_sent = self._acknowledged = 0

    def tick(self, phase, writes):
        if writes:
            self._last_sent += 1
            self.set.send(command("SET", self.key, VALUE % self._last_sent), phase, self._last_sent)
        else:
            self.get.send(command("GET", self.key), phase, self._acknowledged)

    def receive(self, connection):
        for reply, (_, phase, number) in connection.receive():
            if reply[:1] == b"-":
                continue
            if connection is self.set:
                self._acknowledged = number
            elif not bulk(VALUE % number) <= reply <= bulk(VALUE % self._last_sent):
                phase.wrong.append(f"{connection.kind}: {reply!r}, but {number} was acknowledged and {self._last_sent} sent")


def wait_readable(places, until_s):
    """Hands out what came until then; whether stdin did."""
    connections = {connection.socket: (place, connection) for place in places for connection in (place.get, place.set) if connection.socket}
    readable, _, _ = select.select([*connections, sys.stdin], [], [], max(0.0, until_s - time.monotonic()))
    for ready in readable:
        if ready is not sys.stdin:
            place, connection = connections[ready]
            place.receive(connection)
    return sys.stdin in readable


def run(places):
    phases = {}
    phase = None
    number, due_s = 0, time.monotonic()
    while True:
        if wait_readable(places, due_s):
            name = os.read(sys.stdin.fileno(), 4096).decode().split("\n")[-2:-1]
            if not name:
                break
            phase = phases.setdefault(name[0], Phase())
        now_s = time.monotonic()
        if now_s < due_s:
            continue
        if phase:
            phase.late_ms.append((now_s - due_s) * 1000)
            for place in places:
                place.tick(phase, writes=number % 2 == 0)
            number += 1
        due_s = max(due_s + 1 / COMMANDS_PER_SECOND, now_s - 1)
    return phases


def collect_last_replies(places):
    deadline_s = time.monotonic() + LAST_REPLIES_S
    connections = [connection for place in places for connection in (place.get, place.set)]
    while any(connection.sent for connection in connections) and time.monotonic() < deadline_s:
        sockets = {connection.socket: (place, connection) for place in places for connection in (place.get, place.set) if connection.sent}
        for ready in select.select(list(sockets), [], [], 0.1)[0]:
            place, connection = sockets[ready]
            place.receive(connection)
    for connection in connections:
        if connection.sent:
            connection.lose("no reply")


def main():
    # On a machine of its own it would not wait for a processor either. Where it may not, its late ticks will tell.
    priority.raise_for_me(priority.BYSTANDER)
    gc.disable()
    places = [Place(int(port), place) for port, place in zip(sys.argv[1:], KEYS)]
    print("ready", flush=True)
    phases = run(places)
    collect_last_replies(places)
    json.dump({name: vars(phase) for name, phase in phases.items()}, sys.stdout)


if __name__ == "__main__":
    main()
