"""What ./dev bench --compare makes of the times that it took."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import micro_compare


class MicroCompareTest(unittest.TestCase):
    def test_medians_of_the_rounds_are_compared(self):
        rows, alone = micro_compare.compare([{"a": 100}, {"a": 300}, {"a": 110}], [{"a": 55}, {"a": 50}, {"a": 400}])
        self.assertEqual(rows, [("a", 110, 55, 0.5, "")])
        self.assertEqual(alone, [])

    def test_a_difference_is_marked_only_when_no_round_contradicts_it(self):
        def mark(before, after):
            return micro_compare.compare([{"a": time} for time in before], [{"a": time} for time in after])[0][0][4]
        self.assertEqual(mark([100, 105], [90, 95]), "faster")
        self.assertEqual(mark([100, 105], [110, 120]), "SLOWER")
        self.assertEqual(mark([100, 120], [110, 130]), "")

    def test_benchmarks_of_one_side_are_listed(self):
        rows, alone = micro_compare.compare([{"gone": 1}], [{"new": 1}])
        self.assertEqual(rows, [])
        self.assertEqual(alone, [("gone", "only before"), ("new", "only now")])
        self.assertIn("only before", micro_compare.table(rows, alone, "HEAD~1"))

    def test_times_come_in_one_unit(self):
        report = {"benchmarks": [{"name": "a", "cpu_time": 2, "time_unit": "us"}, {"name": "b", "cpu_time": 3, "time_unit": "ns"},
                                 {"name": "b_median", "cpu_time": 3, "time_unit": "ns", "run_type": "aggregate"}]}
        self.assertEqual(micro_compare.times_ns(report), {"a": 2000, "b": 3})

    def test_a_table_names_both_sides(self):
        text = micro_compare.table([("parse_set/32", 100.0, 50.0, 0.5, "faster")], [], "abc1234")
        self.assertIn("abc1234", text.splitlines()[0])
        self.assertRegex(text.splitlines()[1], r"parse_set/32 +100.0 ns +50.0 ns +0.50  faster")


if __name__ == "__main__":
    unittest.main()
