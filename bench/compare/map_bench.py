"""The map's own benchmark, a program of Google Benchmark's, when it was built: its rows as they are."""

import json
import os
import subprocess


LOOKUPS_AT = "10000000/real_time/threads:1"
TARGET_ROWS = {"batched": f"kvorum/batched/{LOOKUPS_AT}", "absl": f"absl/lookup/{LOOKUPS_AT}", "longest": "kvorum/longest_insert/10000000/iterations:1"}
LOOKUP_BOUND, LONGEST_BOUND_US = 0.7, 100


def run(programs, quick=False):
    """Its benchmarks as dictionaries, of a quick run those that the target needs; None when there is no such program."""
    program = os.path.join(programs, "map_bench")
    if not os.access(program, os.X_OK):
        return None
    chosen = [f"--benchmark_filter=^({'|'.join(TARGET_ROWS.values())})$"] if quick else []
    done = subprocess.run([program, "--benchmark_format=json", *chosen], capture_output=True, text=True, start_new_session=True)
    if done.returncode != 0:
        return [{"name": f"map_bench failed ({done.returncode})"}]
    return json.loads(done.stdout)["benchmarks"]


def rows(benchmarks):
    """(name, time with its unit, its counters) of each."""
    known = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "repetition_index", "threads", "iterations",
             "real_time", "cpu_time", "time_unit", "aggregate_name", "aggregate_unit", "label"}
    for benchmark in benchmarks:
        counters = {name: value for name, value in benchmark.items() if name not in known and isinstance(value, (int, float))}
        time = f"{benchmark['cpu_time']:,.1f} {benchmark['time_unit']}" if "cpu_time" in benchmark else ""
        yield benchmark["name"], time, ", ".join(f"{name} {value:,.4g}" for name, value in counters.items())


def target(benchmarks):
    """(lookup time as a part of absl's, longest insert in microseconds, whether both are as asked for); None when a row is missing."""
    by_name = {benchmark["name"]: benchmark for benchmark in benchmarks}
    if any(name not in by_name for name in TARGET_ROWS.values()):
        return None
    batched, absl, longest = (by_name[TARGET_ROWS[row]] for row in ("batched", "absl", "longest"))
    ratio = batched["cpu_time"] / absl["cpu_time"]
    return ratio, longest["longest_us"], ratio <= LOOKUP_BOUND and longest["longest_us"] < LONGEST_BOUND_US
