"""Just enough RESP2 and RESP3 to send commands and to tell replies apart. Replies become Python values that compare and print well."""

import dataclasses
import shlex


@dataclasses.dataclass(frozen=True)
class Simple:
    """A status (+), an error (-), a double (,), a big number (() or a verbatim string (=), by its first byte."""

    kind: str
    text: str

    def __repr__(self):
        return self.kind + self.text


NULL = Simple("_", "")
INCOMPLETE = object()


def encode(words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def parse_words(text):
    """The words of a command as a shell would cut them; \\xNN, \\r and \\n mean bytes."""
    return [word.encode("latin-1").decode("unicode_escape").encode("latin-1") for word in shlex.split(text)]


class Decoder:
    """Feed it bytes; next() gives one value or INCOMPLETE."""

    def __init__(self):
        self._data = b""
        self._at = 0

    def feed(self, data):
        self._data = self._data[self._at:] + data
        self._at = 0

    def next(self):
        start = self._at
        value = self._value()
        if value is INCOMPLETE:
            self._at = start
        return value

    def rest(self):
        return self._data[self._at:]

    def _line(self):
        end = self._data.find(b"\r\n", self._at)
        if end < 0:
            return None
        line = self._data[self._at:end].decode("latin-1")
        self._at = end + 2
        return line

    def _value(self):
        line = self._line()
        if line is None:
            return INCOMPLETE
        kind, text = line[:1], line[1:]
        if kind == ":":
            return int(text)
        if kind == "$" or kind == "=":
            return self._bulk(kind, int(text))
        if kind in ("*", "~", ">", "%"):
            return self._aggregate(kind, int(text))
        if kind == "_":
            return NULL
        if kind == "#":
            return text == "t"
        return Simple(kind, text)

    def _bulk(self, kind, size):
        if size < 0:
            return NULL
        if len(self._data) < self._at + size + 2:
            return INCOMPLETE
        data = self._data[self._at:self._at + size].decode("latin-1")
        self._at += size + 2
        return data if kind == "$" else Simple("=", data)

    def _aggregate(self, kind, count):
        if count < 0:
            return NULL
        items = []
        for _ in range(count * 2 if kind == "%" else count):
            item = self._value()
            if item is INCOMPLETE:
                return INCOMPLETE
            items.append(item)
        return (kind, *items)
