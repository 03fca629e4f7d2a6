"""What ./dev bench --restart makes of the times that it took, and how it reads a log."""

import contextlib
import io
import os
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import restart
from restart import Restart


def printed(taken, log_mib):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        restart.report(taken, log_mib)
    return out.getvalue()


def answered(reply):
    """What ask() says of a server that answers so, and how often it says that there is a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(reply)
        thread = threading.Thread(target=serve)
        thread.start()
        connected = []
        answer = restart.ask(server.getsockname()[1], lambda: connected.append(True))
        thread.join()
        return answer, len(connected)


class RestartTest(unittest.TestCase):
    def test_the_ratio_is_that_of_the_rounds(self):
        text = printed([{"disk": 1000, "before": Restart(2, 8), "after": Restart(1, 2)},
                        {"disk": 3000, "before": Restart(2, 9), "after": Restart(1, 3)}], 500)
        self.assertIn("the disk reads 2,000 MiB/s", text)
        self.assertIn("first OK comes 3.50 times as fast as before (3.00 to 4.00)", text)

    def test_without_a_revision_only_the_working_tree_is_reported(self):
        text = printed([{"disk": 1000, "after": Restart(1, 2)}], 500)
        self.assertIn("250", text)
        self.assertNotIn("before", text)

    def test_a_node_answers_ok_or_something_else_or_nobody_listens(self):
        self.assertEqual(answered(b"+OK\r\n"), (True, 1))
        self.assertEqual(answered(b"-CLUSTERDOWN no leader\r\n"), (False, 1))
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.assertFalse(restart.ask(unused.getsockname()[1], self.fail))

    def test_two_readers_share_a_file(self):
        with tempfile.TemporaryDirectory(dir=".") as directory:
            path = os.path.join(directory, "wal-1.seg")
            with open(path, "wb") as file:
                file.truncate(3 * restart.PIECE_BYTES)
            step = 2 * restart.PIECE_BYTES
            self.assertEqual(restart.read_direct(path, 0, step), 2 * restart.PIECE_BYTES)
            self.assertEqual(restart.read_direct(path, restart.PIECE_BYTES, step), restart.PIECE_BYTES)


if __name__ == "__main__":
    unittest.main()
