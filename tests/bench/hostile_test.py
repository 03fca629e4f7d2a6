#!/usr/bin/env python3
"""What bench/hostile makes of bytes, waits and figures. No node is started; a socket of this program stands for one."""

import os
import socket
import sys
import threading
import unittest
from dataclasses import replace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

from hostile import bystander, loads, swarm, verdict
from hostile.verdict import Figures, Turn, Waits
from hostile.wire import Exactly, Listing, array, bulk, command

CALM = Waits({f"{place} {name}": 2.0 for place in verdict.PLACES for name in ("GET", "SET")}, 5.0, 0.3, [])
HARMLESS = Figures(load="l", place="leader", turn=Turn(4.0, "read"), before=CALM, during=CALM, elections=0, peak_mib=300, allowed_mib=300, dead=(),
                   seen=swarm.Seen(right=10), all_replies=True, one_command=False)


def slow(p99):
    return replace(CALM, p99={**CALM.p99, "follower SET": p99}, longest=p99)


class Checkers(unittest.TestCase):
    def feed_in_pieces(self, make_checker, stream):
        for size in range(1, len(stream) + 1):
            checker = make_checker()
            for at in range(0, len(stream), size):
                self.assertFalse(checker.done)
                checker.feed(stream[at:at + size])
            yield checker

    def test_replies_are_right_whatever_pieces_they_come_in(self):
        replies = [bulk(b"one"), b"+OK\r\n", array(b"a", b"bc")]
        for checker in self.feed_in_pieces(lambda: Exactly(replies), b"".join(replies)):
            self.assertTrue(checker.done)
            self.assertEqual((checker.right, checker.wrong), (3, None))

    def test_a_wrong_byte_is_shown_and_the_replies_before_it_count(self):
        checker = Exactly([b"+OK\r\n"] * 3)
        checker.feed(b"+OK\r\n-CLUSTERDOWN no\r\n")
        self.assertEqual(checker.right, 1)
        self.assertIn("CLUSTERDOWN", checker.wrong)

    def test_one_reply_too_many_is_wrong(self):
        checker = Exactly([b"+OK\r\n"])
        checker.feed(b"+OK\r\n+OK\r\n")
        self.assertIn("more than was asked for", checker.wrong)

    def test_a_listing_is_known_by_its_count_and_its_length(self):
        names = [b"k%011d" % number for number in range(3)]
        stream = array(*names)
        for checker in self.feed_in_pieces(lambda: Listing(b"*3\r\n", 3, 12), stream):
            self.assertTrue(checker.done)
            self.assertIsNone(checker.wrong)

    def test_a_listing_of_another_count_and_an_error_are_wrong(self):
        for stream in (array(*[b"k" * 12] * 4), b"-ERR no\r\n"):
            checker = Listing(b"*3\r\n", 3, 12)
            checker.feed(stream)
            self.assertFalse(checker.done)
            self.assertIsNotNone(checker.wrong)

    def test_a_listing_that_ends_early_is_not_done(self):
        checker = Listing(b"*3\r\n", 3, 12)
        checker.feed(array(*[b"k" * 12] * 3)[:-1])
        self.assertFalse(checker.done)


class Bytes(unittest.TestCase):
    def test_a_command_is_an_array_of_bulks(self):
        self.assertEqual(command("SET", b"k", 7), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n7\r\n")

    def test_all_names_of_keys_have_one_length(self):
        names = [loads.key(0), loads.key(4_999_999), *bystander.KEYS.values()]
        self.assertEqual({len(name) for name in names}, {loads.KEY_BYTES})

    def test_the_bystander_knows_where_a_reply_ends(self):
        for reply in (b"+OK\r\n", b"$-1\r\n", b"$3\r\nabc\r\n", b"-ERR x\r\n"):
            self.assertEqual(bystander.reply_bytes(reply + b"+OK"), len(reply))
            for cut in range(len(reply)):
                self.assertIsNone(bystander.reply_bytes(reply[:cut]), reply[:cut])


class ServerOfTheTest:
    """Accepts one connection and hands it to `serve` in a thread."""

    def __init__(self, serve):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(serve,))
        self._thread.start()

    def _run(self, serve):
        connection, _ = self._listener.accept()
        with connection:
            serve(connection)

    def join(self):
        self._thread.join()
        self._listener.close()


def receive(connection, size):
    while size > 0:
        size -= len(connection.recv(size))


class Clients(unittest.TestCase):
    def drive(self, serve, outgoing, checker, seconds=10.0, **options):
        server = ServerOfTheTest(serve)
        seen = swarm.drive([swarm.Client(server.port, outgoing, checker, **options)], seconds)
        server.join()
        return seen

    def test_what_is_larger_than_the_socket_takes_is_sent_and_read_whole(self):
        outgoing, reply = [b"x" * 9_000_000, b"y" * 1000], bulk(b"z" * 9_000_000)

        def serve(connection):
            receive(connection, sum(map(len, outgoing)))
            connection.sendall(reply)
            connection.recv(1)
        self.assertEqual((seen := self.drive(serve, outgoing, Exactly([reply]))).right, 1)
        self.assertEqual((seen.missing, seen.closed, seen.wrong), (0, 0, []))
        self.assertGreater(seen.slowest_s, 0)

    def test_a_connection_that_the_node_closes_is_counted_with_what_is_missing(self):
        seen = self.drive(lambda connection: connection.sendall(b"+OK\r\n"), [], Exactly([b"+OK\r\n"] * 2))
        self.assertEqual((seen.right, seen.missing, seen.closed), (1, 1, 1))

    def test_who_reads_nothing_notices_its_end(self):
        seen = self.drive(lambda connection: connection.sendall(b"+OK\r\n"), [], None)
        self.assertEqual((seen.right, seen.missing, seen.closed), (0, 0, 1))

    def test_a_slow_reader_takes_the_time_that_its_rate_says(self):
        reply = bulk(b"z" * 1_000_000)

        def serve(connection):
            connection.sendall(reply)
            connection.recv(1)
        seen = self.drive(serve, [], Exactly([reply]), bytes_per_s=5_000_000)
        self.assertEqual(seen.right, 1)
        self.assertGreater(seen.slowest_s, 0.15)

    def test_who_is_asked_for_nothing_more_is_let_go_at_the_deadline(self):
        seen = self.drive(lambda connection: connection.recv(1), [], Exactly([b"+OK\r\n"]), seconds=0.05)
        self.assertEqual((seen.right, seen.missing, seen.closed), (0, 1, 0))


class Bounds(unittest.TestCase):
    def assert_fails(self, figures, text):
        word, sentences = verdict.verdict(figures)
        self.assertEqual((word, len(sentences)), ("FAIL", 1), sentences)
        self.assertIn(text, sentences[0])

    def test_a_load_on_its_bounds_passes(self):
        on_bounds = replace(HARMLESS, turn=Turn(verdict.LONGEST_TURN_MAX_MS, "read"), during=slow(verdict.P99_MAX_MS))
        self.assertEqual(verdict.verdict(on_bounds), ("pass", []))

    def test_each_bound_fails_alone(self):
        self.assert_fails(replace(HARMLESS, turn=Turn(5.6, "walk")), "turn (walk) of 5.6 ms")
        self.assert_fails(replace(HARMLESS, during=slow(30.1)), "follower SET 30.1")
        self.assert_fails(replace(HARMLESS, elections=1), "1 elections")
        self.assert_fails(replace(HARMLESS, peak_mib=301), "301 MiB")
        self.assert_fails(replace(HARMLESS, dead=(2,)), "node 2 ended")
        self.assert_fails(replace(HARMLESS, during=replace(CALM, wrong=["leader GET: -ERR x"])), "-ERR x")
        self.assert_fails(replace(HARMLESS, seen=swarm.Seen(wrong=["b'-OOM'"])), "-OOM")
        self.assert_fails(replace(HARMLESS, seen=swarm.Seen(right=9, missing=1)), "1 clients")

    def test_clients_that_do_not_read_need_not_get_everything(self):
        self.assertEqual(verdict.violations(replace(HARMLESS, all_replies=False, seen=swarm.Seen(missing=1, closed=5))), [])

    def test_behind_one_command_waits_may_be_as_long_as_that_command(self):
        write = replace(HARMLESS, one_command=True, seen=swarm.Seen(right=2, slowest_s=0.5))
        self.assertEqual(verdict.violations(replace(write, during=slow(500 + verdict.BEHIND_ONE_COMMAND_MS))), [])
        self.assert_fails(replace(write, during=slow(501 + verdict.BEHIND_ONE_COMMAND_MS)), "behind a command of 500 ms")

    def test_a_busy_machine_excuses_slow_answers_and_nothing_else(self):
        for busy in ({"during": replace(slow(50.0), own_delay_p99=10.1)}, {"during": slow(50.0), "before": slow(15.1)}):
            self.assertEqual(verdict.verdict(replace(HARMLESS, **busy))[0], "invalid")
            self.assertEqual(verdict.verdict(replace(HARMLESS, elections=1, **busy))[0], "FAIL")

    def test_the_p99_is_the_nearest_rank(self):
        self.assertEqual(verdict.percentile(range(1, 101), 99), 99)
        self.assertEqual(verdict.percentile([7], 99), 7)
        self.assertEqual(verdict.percentile([], 99), 0)

    def test_waits_are_summed_up_by_place_and_command(self):
        waits = Waits.of({"waits_ms": {"leader GET": [1.0] * 99 + [9.0], "leader SET": []}, "late_ms": [0.5], "wrong": []})
        self.assertEqual((waits.p99, waits.longest, waits.own_delay_p99), ({"leader GET": 1.0, "leader SET": 0.0}, 9.0, 0.5))

    def test_the_table_has_a_column_for_each_word(self):
        row = verdict.row(HARMLESS)
        self.assertEqual(len(row), len(verdict.COLUMNS))
        self.assertEqual(row[-1], "pass")
        self.assertEqual(len({line.count(" | ") for line in verdict.table([row])}), 1)


class Loads(unittest.TestCase):
    def test_each_has_a_name_of_its_own(self):
        self.assertEqual(len({load.name for load in loads.LOADS}), len(loads.LOADS))

    def test_big_values_differ_everywhere(self):
        one, other = loads.big_value(1, 64), loads.big_value(2, 64)
        self.assertEqual(len(one), 64)
        self.assertTrue(all(one[at:at + 8] != other[at:at + 8] for at in range(64 - 8)))

    def test_a_load_is_repeated_until_its_time_is_over_and_ends_at_a_wrong_reply(self):
        sizes = loads.Sizes(load_s=0)
        self.assertEqual(loads.repeat(sizes, lambda: swarm.Seen(right=1)).right, 1)
        self.assertEqual(len(loads.repeat(loads.Sizes(load_s=60), lambda: swarm.Seen(wrong=["x"])).wrong), 1)


if __name__ == "__main__":
    unittest.main()
