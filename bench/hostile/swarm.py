"""Many clients of one node in one thread: they send what they were given, read or do not, and each tells in the end what it saw.

Frugal on purpose, as the nodes have the same processors: bytes are made beforehand, shared by all clients, and handed to the kernel in large pieces.
"""

import select
import socket
import struct
import time
from dataclasses import dataclass, field

READ_BYTES = 1 << 20
SLOW_READ_BYTES = 64 << 10
IDLE_S = 0.05
HANG_UP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


def reset_on_close(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass
class Seen:
    """What the clients of a load saw."""
    right: int = 0
    missing: int = 0  # clients that read, and did not get everything
    closed: int = 0   # by the node
    wrong: list = field(default_factory=list)
    slowest_s: float = 0.0  # the longest that one client waited for all its replies

    def add(self, other):
        self.right += other.right
        self.missing += other.missing
        self.closed += other.closed
        self.wrong += other.wrong
        self.slowest_s = max(self.slowest_s, other.slowest_s)

    def __str__(self):
        parts = [f"{self.right:,} right"] if self.right else []
        parts += [f"{len(self.wrong):,} wrong"] if self.wrong else []
        parts += [f"{self.missing:,} without all replies"] if self.missing else []
        parts += [f"{self.closed:,} closed"] if self.closed else []
        return ", ".join(parts) or "nothing"


class Client:
    """`outgoing`: the buffers to send. `checker`: of wire.py; None reads nothing. `bytes_per_s`: reads no faster."""

    def __init__(self, port, outgoing, checker=None, bytes_per_s=None):
        self.socket = socket.socket()
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._outgoing = outgoing
        self._next = 0     # of the buffers
        self._sent = 0     # of the buffer that goes now
        self.checker = checker
        self._bytes_per_s = bytes_per_s
        self.read_again_s = 0.0  # monotonic; before it nothing is read
        self.closed = False
        self._began_s = time.monotonic()
        self._ended_s = None

    @property
    def sending(self):
        return self._next < len(self._outgoing)

    @property
    def over(self):
        return self.closed or (self.checker is not None and (self.checker.done or self.checker.wrong is not None))

    def events(self, now_s):
        wanted = select.EPOLLRDHUP
        if self.sending:
            wanted |= select.EPOLLOUT
        if self.checker and now_s >= self.read_again_s:
            wanted |= select.EPOLLIN
        return wanted

    def handle(self, events):
        try:
            if events & select.EPOLLIN and self.checker:
                self._read()
            elif events & HANG_UP:
                self._end(closed=True)
            if events & select.EPOLLOUT and not self.over:
                self._send()
        except BlockingIOError:
            pass
        except OSError:
            self._end(closed=True)

    def _send(self):
        while self.sending:
            buffer = memoryview(self._outgoing[self._next])[self._sent:]
            self._sent += self.socket.send(buffer)
            if self._sent < len(self._outgoing[self._next]):
                return
            self._next, self._sent = self._next + 1, 0

    def _read(self):
        data = self.socket.recv(SLOW_READ_BYTES if self._bytes_per_s else READ_BYTES)
        if not data:
            self._end(closed=True)
            return
        self.checker.feed(data)
        if self._bytes_per_s:
            self.read_again_s = time.monotonic() + len(data) / self._bytes_per_s
        if self.checker.done or self.checker.wrong:
            self._end(closed=False)

    def _end(self, closed):
        self.closed = closed
        self._ended_s = time.monotonic()

    def seen(self):
        if self.checker is None:
            return Seen(closed=int(self.closed))
        waited_s = (self._ended_s or time.monotonic()) - self._began_s
        return Seen(right=self.checker.right, missing=int(not self.checker.done), closed=int(self.closed),
                    wrong=[self.checker.wrong] if self.checker.wrong else [], slowest_s=waited_s)


def drive(clients, seconds):
    """Until all of them are over, or so many seconds have passed: what they saw together. Their connections are closed then."""
    epoll = select.epoll()
    by_handle = {client.socket.fileno(): client for client in clients}
    registered = {}
    deadline_s = time.monotonic() + seconds

    def register(handle, client, now_s):
        wanted = client.events(now_s)
        if handle not in registered:
            epoll.register(handle, wanted)
        elif registered[handle] != wanted:
            epoll.modify(handle, wanted)
        registered[handle] = wanted

    now_s = time.monotonic()
    for handle, client in by_handle.items():
        register(handle, client, now_s)
    left = set(by_handle)
    paused = set()  # those that must not read yet
    while left and now_s < deadline_s:
        wake_s = min([deadline_s, *(by_handle[handle].read_again_s for handle in paused)])
        events = epoll.poll(max(0.0, min(IDLE_S, wake_s - now_s)))
        now_s = time.monotonic()
        for handle, event in events:
            client = by_handle[handle]
            client.handle(event)
            if client.over:
                epoll.unregister(handle)
                left.discard(handle)
        for handle in {handle for handle, _ in events} | paused:
            if handle in left:
                register(handle, by_handle[handle], now_s)
                (paused.add if by_handle[handle].read_again_s > now_s else paused.discard)(handle)
            else:
                paused.discard(handle)
    epoll.close()
    together = Seen()
    for client in clients:
        together.add(client.seen())
        client.socket.close()
    return together
