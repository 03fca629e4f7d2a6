"""The map's own benchmark, a program of Google Benchmark's, when it was built: its rows as they are."""

import json
import os
import subprocess


def run(programs):
    """Its benchmarks as dictionaries; None when there is no such program."""
    program = os.path.join(programs, "map_bench")
    if not os.access(program, os.X_OK):
        return None
    done = subprocess.run([program, "--benchmark_format=json"], capture_output=True, text=True, start_new_session=True)
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
