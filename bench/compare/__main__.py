"""./dev compare: Kvorum beside other servers, in one run and in turns.

In every round each system has its turn: it is started alone on a fresh directory, takes its cells of the matrix, and is stopped. What is printed are
medians of the rounds; ratios are taken round by round.

  ./dev compare --quick    what the targets need: about 7 minutes
  ./dev compare            the whole matrix, into docs/benchmarks.md: about an hour and a half

Every finished round is kept in the file of samples, so a run that was interrupted goes on with --resume. --slice ends a run after so many seconds, for
machines that can be had for a while only.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict

import harness
from compare import charts, counters, environment, map_bench, plan, report, systems
from compare.load import Client
from compare.rounds import Rounds, Sample, TurnFailed
from compare.summary import Samples

DOCUMENT = os.path.join(harness.ROOT, "docs", "benchmarks.md")
CHART_CELLS = (plan.SET_PIPELINED, plan.GET_PIPELINED, plan.SET_PLAIN, plan.SET_ALONE)
UNFINISHED = 75  # the exit code of a slice that leaves something to do


def parse_options():
    parser = argparse.ArgumentParser(prog="./dev compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what the targets need")
    parser.add_argument("--only", metavar="NAME,...", default="", help="groups of cells, and systems: those named (see --list)")
    parser.add_argument("--list", action="store_true", help="name the groups and the systems, and end")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns of each system in each group (3)")
    parser.add_argument("--seconds", type=float, metavar="S", help="of load per measurement (3 with --quick, 2 otherwise)")
    parser.add_argument("--resume", action="store_true", help="go on with the samples of an interrupted run")
    parser.add_argument("--slice", type=float, metavar="S", help=f"begin no round after so many seconds; exit code {UNFINISHED} when rounds are left")
    parser.add_argument("--samples", metavar="FILE", help="where they are kept (build/compare-quick.jsonl or build/compare.jsonl)")
    parser.add_argument("--document", action="store_true", help="write docs/benchmarks.md and its charts; a run of the whole matrix does")
    parser.add_argument("--ports", metavar="FIRST-LAST", default="21000-31000", help="where the servers may listen (21000-31000), and 10000 above")
    parser.add_argument("--programs", default=os.path.join(harness.ROOT, "build/release/bin"), help="directory of the release programs")
    options = parser.parse_args()
    options.seconds = options.seconds or (3 if options.quick else 2)
    options.samples = options.samples or os.path.join(harness.ROOT, "build", "compare-quick.jsonl" if options.quick else "compare.jsonl")
    options.why_no_syscalls = counters.perf_is_able()
    first, last = (int(port) for port in options.ports.split("-"))
    options.ports = range(first, last - systems.PORTS + 2)
    return options


def chosen(options, groups, all_systems):
    """What --only leaves. A name of a group narrows the groups, a name of a system the systems."""
    names = {name for name in options.only.split(",") if name}
    unknown = names - {group.name for group in groups} - {system.name for system in all_systems}
    if unknown:
        sys.exit(f"compare: --list knows no {', '.join(sorted(unknown))}")
    return ([group for group in groups if group.name in names] or groups, [system for system in all_systems if system.name in names] or all_systems)


def read_samples(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [Sample(**json.loads(line)) for line in file]


def of_whole_rounds(samples, turns):
    """Without the rounds that were interrupted: what is compared in a round must have been measured close together."""
    taken = {(sample.group, sample.round, sample.system) for sample in samples}
    missing = {(group.name, number) for group, number, system in turns if (group.name, number, system.name) not in taken}
    return [sample for sample in samples if (sample.group, sample.round) not in missing]


def write_samples(path, samples):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(sample)) + "\n" for sample in samples)


def take_turns(rounds, groups, options):
    """All samples, those of an earlier slice included; whether turns are left."""
    turns = list(rounds.turns(groups, options.rounds))
    samples = of_whole_rounds(read_samples(options.samples), turns) if options.resume else []
    done = {(sample.group, sample.round) for sample in samples}
    left = [turn for turn in turns if (turn[0].name, turn[1]) not in done]
    started = time.monotonic()
    last_round = None
    for index, (group, number, system) in enumerate(left):
        elapsed = time.monotonic() - started
        if options.slice and elapsed > options.slice and (group, number) != last_round:
            return samples, True
        last_round = group, number
        print(f"{elapsed:5.0f} s  turn {len(turns) - len(left) + index + 1} of {len(turns)}: {group.name}, round {number}, {system.title}", file=sys.stderr, flush=True)
        samples += rounds.take(group, number, system)
        write_samples(options.samples, samples)
    return samples, False


def write_charts(samples, titles):
    """[(title, path from the document)] of the charts that could be drawn."""
    directory = os.path.join(os.path.dirname(DOCUMENT), "charts")
    os.makedirs(directory, exist_ok=True)
    written = []
    for cell in CHART_CELLS:
        figure, unit = ("p50_us", "p50, microseconds") if cell == plan.SET_ALONE else ("ops_per_s", "operations a second")
        rows = [(title, samples.spread(cell.name, name, figure), name.startswith("kvorum")) for name, title in titles.items()]
        rows = [row for row in rows if row[1]]
        if rows:
            title = f"{report.describe(cell.name)}: {unit}"
            with open(os.path.join(directory, cell.name + ".svg"), "w", encoding="utf-8") as file:
                file.write(charts.bars(title, rows))
            written.append((title, f"charts/{cell.name}.svg"))
    return written


def write_document(samples, titles, where, map_rows):
    with open(DOCUMENT, encoding="utf-8") as file:
        document = file.read()
    text = report.markdown(samples, titles, where, map_rows, write_charts(samples, titles))
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(report.put_between_marks(document, text))
    print(f"written: {DOCUMENT}", file=sys.stderr)


def main():
    # The servers are stopped on the way out, whoever ends this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: ended by SIGTERM"))
    options = parse_options()
    all_systems = systems.all_systems(options.programs)
    groups, chosen_systems = chosen(options, plan.QUICK if options.quick else plan.full(tuple(system.name for system in all_systems)), all_systems)
    if options.list:
        print("groups: " + ", ".join(group.name for group in groups) + "\nsystems: " + ", ".join(system.name for system in all_systems))
        return 0
    options.directory = os.path.join(harness.ROOT, "build", f"compare-{os.getpid()}")
    os.makedirs(options.directory)
    try:
        samples, unfinished = take_turns(Rounds(Client(options.programs), chosen_systems, options), groups, options)
        if unfinished:
            return UNFINISHED
        map_rows = map_bench.run(options.programs, options.quick)
        titles = {system.name: system.title for system in all_systems}
        where = environment.describe(options.directory, options)
        print(report.markdown(Samples(samples), titles, where, map_rows))
        if options.document or not (options.quick or options.only):
            write_document(Samples(samples), titles, where, map_rows)
    except TurnFailed as error:
        options.directory = None  # the logs of the server stay
        sys.exit(f"compare: {error}")
    except KeyboardInterrupt:
        sys.exit("compare: interrupted; the servers are stopped, --resume goes on")
    finally:
        if options.directory:
            shutil.rmtree(options.directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
