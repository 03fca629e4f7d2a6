#!/usr/bin/env python3
"""What bench/compare makes of the output of other programs, of rounds, and of the whole: no server is started."""

import os
import sys
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import harness
from compare.__main__ import of_whole_rounds
from compare import charts, counters, load, map_bench, plan, report, systems, targets
from compare.rounds import Rounds, Sample, sample_of
from compare.summary import Samples, Spread, spread

REDIS_BENCHMARK = """\rSET: rps=0.0 (overall: 0.0) avg_msec=-nan\r====== SET ======
  200000 requests completed in 0.54 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.343 milliseconds (cumulative count 16)
50.000% <= 1.759 milliseconds (cumulative count 100400)
99.805% <= 6.423 milliseconds (cumulative count 199616)
99.902% <= 6.623 milliseconds (cumulative count 199808)
100.000% <= 6.759 milliseconds (cumulative count 200000)

Cumulative distribution of latencies:
99.950% <= 0.103 milliseconds (cumulative count 0)

Summary:
  throughput summary: 400000.00 requests per second
  latency summary (msec):
          avg       min       p50       p95       p99       max
        1.894     0.336     1.759     3.151     4.375     6.759
"""


def sample(system="kvorum-3", number=1, cell="c", steal=0.0, **figures):
    return Sample(group="g", system=system, cell=cell, round=number, steal=steal, **figures)


class RedisBenchmark(unittest.TestCase):
    def test_the_long_report_is_read(self):
        result = harness.parse_redis_benchmark(REDIS_BENCHMARK)
        self.assertEqual(result["ops"], 200000)
        self.assertAlmostEqual(result["seconds"], 0.5)
        for name, value in (("p50_us", 1759), ("p99_us", 4375), ("p999_us", 6623)):
            self.assertAlmostEqual(result[name], value, msg=name)

    def test_an_error_of_the_server_is_no_result(self):
        with self.assertRaisesRegex(ValueError, "NOLEADER"):
            harness.parse_redis_benchmark("Error from server: NOLEADER there is none\n" + REDIS_BENCHMARK)

    def test_a_report_without_its_summary_is_refused(self):
        with self.assertRaises(ValueError):
            harness.parse_redis_benchmark(REDIS_BENCHMARK[: REDIS_BENCHMARK.index("Summary:")])


class Counters(unittest.TestCase):
    def test_processor_time_is_found_behind_any_process_name(self):
        stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 100 0 0 0 250 70 0 0 20 0 4 0 100 0 0"
        self.assertEqual(counters.cpu_ticks(stat), 320)

    def test_both_kinds_of_context_switch_count(self):
        self.assertEqual(counters.context_switches("Name:\tx\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n"), 42)

    def test_cancelled_writes_are_not_written_bytes(self):
        self.assertEqual(counters.written_bytes("wchar: 9\nwrite_bytes: 4096\ncancelled_write_bytes: 512\n"), 4096)

    def test_steal_is_a_part_of_all_time_and_guests_are_not_counted_twice(self):
        earlier = counters.Counts(0, 0, 0, 0, *counters.stolen_and_all_ticks("cpu  100 0 50 800 10 0 0 0 30 0\ncpu0 1\n"))
        later = counters.Counts(0, 0, 0, 0, *counters.stolen_and_all_ticks("cpu  150 0 80 815 10 0 0 5 60 0\ncpu0 1\n"))
        self.assertAlmostEqual(later.since(earlier).steal, 0.05)

    def test_a_thread_that_ended_does_not_make_a_count_negative(self):
        self.assertEqual(counters.Counts(0, 10, 0, 0, 0, 1).since(counters.Counts(0, 12, 0, 0, 0, 0)).switches, 0)

    def test_system_calls_are_added_up_by_process(self):
        text = "# started on today\n\nredis-server-11,5,,raw_syscalls:sys_enter,1,100.00,,\nbio-3-12,7,,raw_syscalls:sys_enter,1,100.00,,\n" \
               "kvorumd-20,<not counted>,,raw_syscalls:sys_enter,0,100.00,,\nkvorumd-21,9,,raw_syscalls:sys_enter,1,100.00,,\n"
        self.assertEqual(counters.parse_perf(text, {11: 11, 12: 11, 20: 20, 21: 20}), {11: 12, 20: 9})

    def test_a_sample_is_counts_for_each_operation(self):
        counts = counters.Counts(cpu_s=2, switches=500, written_bytes=64000, flushes=10, stolen_ticks=1, all_ticks=50)
        taken = sample_of("g", "s", "c", 1, {"ops": 1000, "seconds": 4, "p50_us": 1, "p99_us": 2, "p999_us": 3}, counts, {})
        self.assertEqual((taken.ops_per_s, taken.cpu_us_per_op, taken.switches_per_op, taken.flushes_per_op, taken.written_bytes_per_op, taken.steal),
                         (250, 2000, 0.5, 0.01, 64, 0.02))
        self.assertIsNone(taken.syscalls_per_op)


class Medians(unittest.TestCase):
    def test_the_middle_round_counts_and_the_others_are_its_spread(self):
        self.assertEqual(spread([3, 1, 10]), Spread(3, 1, 10, 3))
        self.assertEqual(spread([1, 2]).median, 1.5)
        self.assertEqual(spread([90, 100, 110]).part, 0.1)

    def test_what_was_not_measured_has_no_median(self):
        self.assertIsNone(spread([]))
        self.assertIsNone(spread([None, None]))

    def test_a_ratio_is_taken_round_by_round(self):
        # The second round was slow for both: the ratio of the medians would be 1.
        samples = Samples([sample(number=1, p50_us=200), sample(number=2, p50_us=40), sample(number=3, p50_us=100),
                           sample("redis", 1, p50_us=100), sample("redis", 2, p50_us=20), sample("redis", 3, p50_us=100)])
        self.assertEqual(samples.ratio("p50_us", ("c", "kvorum-3"), ("c", "redis")), Spread(2, 1, 2, 3))

    def test_rounds_that_only_one_of_them_has_do_not_count(self):
        samples = Samples([sample(number=1, p50_us=200), sample(number=2, p50_us=40), sample("redis", 2, p50_us=20)])
        self.assertEqual(samples.ratio("p50_us", ("c", "kvorum-3"), ("c", "redis")).count, 1)
        self.assertIsNone(samples.ratio("p50_us", ("c", "kvorum-3"), ("c", "etcd")))

    def test_rounds_with_stolen_time_are_counted(self):
        samples = Samples([sample(number=1, steal=0.011), sample(number=2, steal=0.01), sample(number=3)])
        self.assertEqual(samples.stolen_rounds("c", "kvorum-3"), 1)


class Plan(unittest.TestCase):
    def setUp(self):
        self.systems = systems.all_systems("programs")

    def turns(self, groups, rounds, chosen):
        taker = Rounds.__new__(Rounds)
        taker.systems = {system.name: system for system in self.systems if system.name in chosen}
        return [(group.name, number, system.name) for group, number, system in taker.turns(groups, rounds)]

    def test_systems_take_turns_and_every_other_round_goes_backwards(self):
        group = plan.Group("g", (plan.SET_PLAIN,), ("redis", "etcd", "kvorum-3"))
        self.assertEqual(self.turns([group], 2, ("redis", "kvorum-3")),
                         [("g", 1, "redis"), ("g", 1, "kvorum-3"), ("g", 2, "kvorum-3"), ("g", 2, "redis")])

    def test_a_system_that_can_take_no_cell_has_no_turn(self):
        group = plan.Group("g", (plan.SET_PIPELINED,), ("memcached", "etcd", "redis"))
        self.assertEqual(self.turns([group], 1, ("memcached", "etcd", "redis")), [("g", 1, "redis")])

    def test_a_round_that_was_interrupted_is_taken_again(self):
        turns = [(plan.MEMORY, number, system) for number in (1, 2) for system in self.systems[:2]]
        samples = [Sample(group="memory", system=system.name, cell="memory", round=number, steal=0.0) for _, number, system in turns]
        self.assertEqual(of_whole_rounds(samples, turns), samples)
        self.assertEqual(of_whole_rounds(samples[:3], turns), samples[:2])

    def test_the_whole_matrix_has_every_combination_once(self):
        cells = [cell for group in plan.full(()) for cell in group.cells]
        self.assertEqual(len(cells), 3 * 3 * 3 * 2)
        self.assertEqual(len(set(cells)), len(cells))

    def test_every_target_is_measured_by_the_quick_run_and_by_the_whole_one(self):
        names = tuple(system.name for system in self.systems)
        for groups in (plan.QUICK, plan.full(names)):
            taken = {(cell.name, name) for group in groups for cell in group.cells for name in group.systems}
            taken |= {("memory", name) for group in groups if group.memory for name in group.systems}
            for target in targets.TARGETS:
                self.assertIn((target.cell, targets.KVORUM), taken, target.what)
                if target.other:
                    self.assertIn((target.other_cell or target.cell, target.other), taken, target.what)

    def test_redis_benchmark_is_asked_for_a_cell(self):
        command = harness.redis_benchmark_command(7001, "set", 1000, 50, 16, 64, load.KEYS)
        self.assertEqual(" ".join(command), "redis-benchmark -p 7001 -t set -n 1000 -c 50 -P 16 -d 64 -r 100000 --precision 3")


class Reports(unittest.TestCase):
    TITLES = {system.name: system.title for system in systems.all_systems("programs")}
    CELL = plan.SET_PIPELINED.name

    def row(self, kvorum, redis, sense=targets.AT_LEAST, bound=1.0, steal=0.0):
        target = targets.Target("SET", "ops_per_s", self.CELL, "redis", sense, bound)
        samples = Samples([sample(cell=self.CELL, ops_per_s=kvorum), sample("redis", cell=self.CELL, ops_per_s=redis, steal=steal)])
        return report.target_row(target, samples, self.TITLES)

    def test_a_ratio_on_the_bound_passes(self):
        self.assertEqual(self.row(100, 100)[3], "pass")
        self.assertEqual(self.row(100, 100, targets.AT_MOST)[3], "pass")

    def test_beyond_the_bound_is_a_miss_on_either_side(self):
        self.assertEqual(self.row(99, 100)[3], "miss")
        self.assertEqual(self.row(101, 100, targets.AT_MOST)[3], "miss")

    def test_a_row_shows_ratio_figures_rounds_and_stolen_time(self):
        self.assertEqual(self.row(300, 200, steal=0.5),
                         ["SET", "Redis, no persistence: at least 1 times", "**1.5** (1.5 to 1.5)", "pass", "300 / 200", "1", "yes"])

    def test_a_figure_without_another_server_is_bounded_itself(self):
        target = targets.Target("calls", "leader_syscalls_per_op", "c", "", targets.AT_MOST, 0.05)
        self.assertEqual(report.target_row(target, Samples([sample(leader_syscalls_per_op=0.06)]), self.TITLES)[1:5],
                         ["at most 0.05", "**0.06** (0.06 to 0.06)", "miss", "0.06"])

    def test_what_was_not_measured_neither_passes_nor_misses(self):
        row = report.target_row(targets.TARGETS[0], Samples([]), self.TITLES)
        self.assertEqual(row[2:4], ["not measured", ""])

    def test_every_table_has_as_many_fields_in_each_row(self):
        samples = Samples([sample(cell=self.CELL, ops=10, ops_per_s=5, p50_us=1000), sample(cell="memory", memory_bytes_per_key=80)])
        text = report.markdown(samples, self.TITLES, "a machine", None)
        for block in text.split("\n\n"):
            fields = {line.count(" | ") for line in block.splitlines() if line.startswith("| ")}
            self.assertLessEqual(len(fields), 1, block)
        for part in ("SET, 50 clients, pipeline 16, 64-byte values", "1,000", "not built", "| 80 |"):
            self.assertIn(part, text)

    def test_only_what_stands_between_the_marks_is_replaced(self):
        document = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        self.assertEqual(report.put_between_marks(document, "new\n"), f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n")
        with self.assertRaises(ValueError):
            report.put_between_marks("no marks\n", "new\n")

    def test_counters_of_the_map_bench_are_kept(self):
        rows = list(map_bench.rows([{"name": "lookup", "iterations": 3, "cpu_time": 41.26, "time_unit": "ns", "of_absl": 0.65}]))
        self.assertEqual(rows, [("lookup", "41.3 ns", "of_absl 0.65")])

    def test_the_map_passes_only_with_both_figures(self):
        def row(name, time, **counters):
            return {"name": map_bench.TARGET_ROWS[name], "cpu_time": time, "time_unit": "ns", **counters}
        rows = [row("batched", 60), row("absl", 100), row("longest", 1, longest_us=99)]
        self.assertEqual(map_bench.target(rows), (0.6, 99, True))
        self.assertEqual(report.map_row(rows)[2:4], ["**0.6**; 99 us", "pass"])
        rows[2]["longest_us"] = 100
        self.assertEqual(report.map_row(rows)[3], "miss")
        rows[2]["longest_us"], rows[0]["cpu_time"] = 99, 71
        self.assertEqual(report.map_row(rows)[3], "miss")
        self.assertEqual(report.map_row(rows[:2])[2], "not measured")

    def test_bars_are_as_long_as_their_medians_say(self):
        root = xml.fromstring(charts.bars("<rates>", [("a & b", Spread(100, 90, 110, 3), False), ("Kvorum", Spread(50, 50, 50, 3), True)]))
        background, one, other = [float(rect.get("width")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
        self.assertAlmostEqual(one / other, 2, places=2)
        self.assertLess(one, background)


if __name__ == "__main__":
    unittest.main()
