"""RESP as the hostile loads need it: commands as bytes, and checkers that know what must come back, whatever pieces it comes in."""

import socket

ANSWER_TIMEOUT_S = 60


class Refused(Exception):
    """A node answered with an error, or not at all."""


def command(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


def bulk(value):
    return b"$%d\r\n%b\r\n" % (len(value), value)


def array(*values):
    return b"*%d\r\n" % len(values) + b"".join(map(bulk, values))


class Exactly:
    """Checks that just these replies come, in this order."""

    def __init__(self, replies):
        self._replies = replies
        self._at = 0  # in the reply that comes now
        self.right = 0
        self.wrong = None  # what came instead

    @property
    def done(self):
        return self.right == len(self._replies)

    def feed(self, data):
        while data and not self.wrong:
            if self.done:
                self.wrong = f"more than was asked for: {data[:80]!r}"
                return
            reply = self._replies[self.right]
            piece = data[:len(reply) - self._at]
            if piece != reply[self._at:self._at + len(piece)]:
                self.wrong = f"{data[:80]!r}"
                return
            data = data[len(piece):]
            self._at += len(piece)
            if self._at == len(reply):
                self.right, self._at = self.right + 1, 0


class Listing:
    """Checks one reply that begins with `header` and lists `keys` names of `key_bytes` bytes each, in any order."""

    def __init__(self, header, keys, key_bytes):
        self._head = Exactly([header])
        self._header_bytes = len(header)
        self._left = keys * len(bulk(b"k" * key_bytes))
        self._opening = b"$%d\r\n" % key_bytes
        self.right = 0

    @property
    def wrong(self):
        return self._head.wrong

    @property
    def done(self):
        return self.right == 1

    def feed(self, data):
        received = data
        if not self._head.done:
            head, data = data[:self._header_bytes], data[self._header_bytes:]
            self._header_bytes -= len(head)
            self._head.feed(head)
            if self.wrong or not data.startswith(self._opening[:len(data)]):
                self._head.wrong = f"{received[:80]!r}"
        self._left -= len(data)
        if self._left < 0:
            self._head.wrong = "a longer list than there are keys"
        elif self._left == 0 and self._head.done and not self.wrong:
            self.right = 1


class Asker:
    """One connection that asks one thing at a time and waits: for fills and INFO, never while something is measured."""

    def __init__(self, port, timeout_s=ANSWER_TIMEOUT_S):
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        except OSError as error:
            raise Refused(f"port {port}: {error}") from error
        self._file = self._socket.makefile("rb")

    def close(self):
        self._file.close()
        self._socket.close()

    def send(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Refused(f"the connection broke: {error}") from error

    def reply(self):
        """An integer, bytes, or a list of them. Refused for an error."""
        try:
            line = self._file.readline()
            if not line.endswith(b"\r\n"):
                raise Refused("the connection ended")
            kind, rest = line[:1], line[1:-2]
            if kind == b"-":
                raise Refused(rest.decode(errors="replace"))
            if kind == b"$":
                return self._file.read(int(rest) + 2)[:-2] if rest != b"-1" else None
            if kind == b"*":
                return [self.reply() for _ in range(int(rest))]
            return int(rest) if kind == b":" else rest
        except OSError as error:
            raise Refused(f"no answer: {error}") from error

    def ask(self, *words):
        self.send(command(*words))
        return self.reply()

    def info(self):
        text = self.ask("INFO", "everything").decode()
        return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
