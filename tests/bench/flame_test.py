#!/usr/bin/env python3
"""What bench/flame.py makes of perf's output; nothing is sampled."""

import os
import sys
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import flame

SAMPLES = """kvorumd
\t    7f00 kvorum::server::RaftDriver::run_turn()+0x1f (/usr/bin/kvorumd)
\t    7e00 main+0x3 (/usr/bin/kvorumd)

kvorumd
\tffffffff81 tcp_sendmsg ([kernel.kallsyms])
\t    7f00 kvorum::reactor::(anonymous namespace)::enter(int)+0x9 (/usr/bin/kvorumd)
\t    7e00 main+0x3 (/usr/bin/kvorumd)
"""


class Flame(unittest.TestCase):
    def setUp(self):
        self.stacks = list(flame.parse_samples(SAMPLES.splitlines(keepends=True)))
        self.root = flame.Frame("all", False)
        for stack in self.stacks:
            self.root.add(stack)

    def test_stacks_begin_with_the_outermost_caller(self):
        self.assertEqual(self.stacks[0], [("main", False), ("server::RaftDriver::run_turn", False)])

    def test_kernel_frames_are_told_apart(self):
        self.assertEqual(self.stacks[1][-1], ("tcp_sendmsg", True))

    def test_a_caller_counts_the_samples_of_all_that_it_called(self):
        self.assertEqual((self.root.count, self.root.callees["main"].count), (2, 2))
        self.assertEqual({name: frame.count for name, frame in self.root.callees["main"].callees.items()},
                         {"server::RaftDriver::run_turn": 1, "reactor::{anonymous}::enter": 1})

    def test_the_picture_is_xml_with_a_box_for_each_frame(self):
        picture = xml.fromstring(flame.draw(self.root, "a < b"))
        tips = [tip.text for tip in picture.iter("{http://www.w3.org/2000/svg}title")]
        self.assertEqual(len(tips), 5)
        self.assertIn("tcp_sendmsg: 50.0 % (1 samples)", tips)


if __name__ == "__main__":
    unittest.main()
