"""One connection that remembers every reply. All waits end."""

import socket
import time

import resp


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


class Connection:
    def __init__(self, port, patience_s):
        self._socket = connect(port)
        self._patience_s = patience_s
        self._decoder = resp.Decoder()
        self.replies = []
        self.ended = False

    def send(self, data):
        try:
            self._socket.settimeout(self._patience_s + 5)
            self._socket.sendall(data)
        except OSError:
            self.ended = True

    def receive(self, count):
        """So many more replies, unless the other side ends or falls silent."""
        wanted = len(self.replies) + count
        self._receive_while(lambda: len(self.replies) < wanted)

    def receive_until(self, text):
        self._receive_while(lambda: not self.replies or text not in str(self.replies[-1]))

    def _receive_while(self, goes_on):
        silent_at = time.monotonic() + self._patience_s
        while goes_on():
            value = self._decoder.next()
            if value is not resp.INCOMPLETE:
                self.replies.append(value)
                continue
            left_s = silent_at - time.monotonic()
            if self.ended or left_s <= 0:
                return
            self._socket.settimeout(left_s)
            try:
                data = self._socket.recv(1 << 20)
            except ConnectionError:
                data = b""
            except TimeoutError:
                return
            self.ended = not data
            self._decoder.feed(data)
            silent_at = time.monotonic() + self._patience_s

    def close(self):
        self._socket.close()
