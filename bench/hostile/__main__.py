"""./dev hostile: what a hostile load at one node does to everybody else.

Each load is done to the leader, and to a follower where that makes sense, of a fresh cluster of three nodes on this machine. Meanwhile a bystander does 200
commands a second at the leader and as many at a follower. Printed are the longest turn of a reactor, the bystander's waits, elections, the nodes' memory and
what the clients of the load saw.

Exit code 0: all within the bounds; 1: a bound was broken, and it is said which; 8: none was, but the machine was too busy to tell for some.
"""

import argparse
import os
import resource
import shutil
import signal
import sys
import time

import harness
from hostile import priority, verdict
from hostile.loads import LOADS, QUICK, LoadFailed, Sizes
from hostile.trial import Trial

FAILED, INVALID = 1, 8
BUFFER_MEMORY_MIB = 384


def parse_options():
    parser = argparse.ArgumentParser(prog="./dev hostile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small loads, about a minute and a half; the whole takes about seven")
    parser.add_argument("--only", metavar="NAME,...", default="", help="these loads (see --list)")
    parser.add_argument("--at", choices=("leader", "follower"), help="only where it is named")
    parser.add_argument("--list", action="store_true", help="name the loads, and end")
    parser.add_argument("--programs", default=os.path.join(harness.ROOT, "build/release/bin"), help="directory of the release programs")
    parser.add_argument("--buffer-memory-mib", type=int, default=BUFFER_MEMORY_MIB, metavar="N",
                        help=f"the nodes' --max-buffer-memory ({BUFFER_MEMORY_MIB}); 0: what they take by themselves, judged by {BUFFER_MEMORY_MIB}")
    options = parser.parse_args()
    options.allowed_buffers_mib = (options.buffer_memory_mib or BUFFER_MEMORY_MIB) + verdict.MEMORY_SLACK_MIB
    names = {name for name in options.only.split(",") if name}
    unknown = names - {load.name for load in LOADS}
    if unknown:
        parser.error(f"--list knows no {', '.join(sorted(unknown))}")
    options.loads = [load for load in LOADS if not names or load.name in names]
    return options


def print_list():
    width = max(len(load.name) for load in LOADS)
    for load in LOADS:
        print(f"{load.name:<{width}}  {load.what} (at the {' and at a '.join(load.places)})")


def run_all(options, trial):
    """[(Figures or None, load, place, why it failed)]."""
    results = []
    for load in options.loads:
        for place in load.places:
            if options.at not in (None, place):
                continue
            started = time.monotonic()
            try:
                figures = trial.run(load, place)
            except LoadFailed as error:
                print(f"hostile: {error}", file=sys.stderr)
                results.append((load.name, place, None))
                continue
            results.append((load.name, place, figures))
            print(f"{time.monotonic() - started:5.1f} s  " + " | ".join(verdict.row(figures)), file=sys.stderr, flush=True)
    return results


def report(results):
    """Prints the table and returns the exit code."""
    print("\n".join(verdict.table([verdict.row(figures) for _, _, figures in results if figures])))
    print(verdict.LEGEND)
    worst = 0
    for name, place, figures in results:
        if figures is None:
            print(f"{name} at the {place}: FAIL: the load could not be made")
            worst = FAILED
            continue
        word, sentences = verdict.verdict(figures)
        for sentence in sentences:
            print(f"{name} at the {place}: {word}: {sentence}")
        if word == "FAIL":
            worst = FAILED
        elif word == "invalid" and not worst:
            worst = INVALID
    return worst


def main():
    # The cluster is stopped on the way out, whoever ends this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("hostile: ended by SIGTERM"))
    options = parse_options()
    if options.list:
        print_list()
        return 0
    if not priority.raise_for_me(priority.LOADS):
        print("hostile: may not raise its priority, so other programs are measured too", file=sys.stderr)
    _, files_max = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))
    directory = os.path.join(harness.ROOT, "build", f"hostile-{os.getpid()}")
    os.makedirs(directory)
    try:
        return report(run_all(options, Trial(options, QUICK if options.quick else Sizes(), directory)))
    except KeyboardInterrupt:
        sys.exit("hostile: interrupted; the cluster is stopped")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
