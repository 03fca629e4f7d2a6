#!/usr/bin/env python3
"""What a change did to the microbenchmarks: the working tree beside an earlier revision.

    ./dev bench --compare REV [--filter REGEX] [--rounds N] [--json FILE]

Both programs are built (the revision in a worktree under build/, kept for the next time) and run in turns, every other
round backwards, so that both see the same weather. A row is the median of the rounds; a ratio below 1 says that the
working tree is faster. It is marked when the slowest round of one is faster than the fastest of the other.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = "bench/micro/main.cc"
SECONDS_PER_BENCHMARK = 0.2


def git(*arguments, check=True):
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f"bench: git {' '.join(arguments)}: {done.stderr.strip()}")
    return done


def resolve(revision, source=SOURCE):
    found = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", check=False)
    if found.returncode != 0:
        sys.exit(f"bench: git knows no revision '{revision}'")
    commit = found.stdout.strip()
    if git("cat-file", "-e", f"{commit}:{source}", check=False).returncode != 0:
        first = git("log", "--diff-filter=A", "--format=%h", "--", source).stdout.split()
        since = f"; there is since {first[-1]}" if first else ""
        sys.exit(f"bench: {revision} has no {source} to compare with{since}")
    return commit


def build(checkout, *targets):
    """The directory of the programs, in a build directory inside the checkout."""
    directory = os.path.join(checkout, "build", "release")
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        run(["cmake", "--preset", "release"], checkout)
    run(["cmake", "--build", directory, "--target", *targets], checkout)
    return os.path.join(directory, "bin")


def run(command, directory):
    # Objects are shared between checkouts through the compiler cache.
    environment = {**os.environ, "CCACHE_BASEDIR": directory, "CCACHE_NOHASHDIR": "1"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: `{' '.join(command)}` failed in {directory}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def checkout_of(commit):
    path = os.path.join(ROOT, "build", "compared-revision")
    if os.path.exists(os.path.join(path, ".git")):
        done = subprocess.run(["git", "-C", path, "checkout", "--quiet", "--detach", commit], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: cannot check out {commit} in {path}: {done.stderr.strip()}")
    else:
        git("worktree", "prune")
        git("worktree", "add", "--quiet", "--detach", path, commit)
    return path


def measure(program, pattern):
    """{benchmark: nanoseconds of processor time an iteration}"""
    command = [program, "--benchmark_format=json", f"--benchmark_filter={pattern}", f"--benchmark_min_time={SECONDS_PER_BENCHMARK}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: `{' '.join(command)}` failed ({done.returncode}):\n{done.stderr}")
    return times_ns(json.loads(done.stdout or '{"benchmarks": []}'))


def times_ns(report):
    units = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
    return {row["name"]: row["cpu_time"] * units[row["time_unit"]] for row in report["benchmarks"] if row.get("run_type") != "aggregate"}


def in_turns(programs, pattern, rounds):
    """For each program the list of its rounds."""
    taken = {name: [] for name in programs}
    for number in range(rounds):
        order = list(programs) if number % 2 == 0 else list(reversed(programs))
        for name in order:
            print(f"  round {number + 1} of {rounds}: {name} ...", file=sys.stderr)
            taken[name].append(measure(programs[name], pattern))
    return taken


def compare(before, after):
    """[(name, median before, median after, ratio, mark)], and the names that only one side has. Rounds are dictionaries."""
    names = list(dict.fromkeys(name for taken in (*before, *after) for name in taken))
    rows, alone = [], []
    for name in names:
        old = [taken[name] for taken in before if name in taken]
        new = [taken[name] for taken in after if name in taken]
        if not old or not new:
            alone.append((name, "only before" if old else "only now"))
            continue
        mark = "faster" if max(new) < min(old) else "SLOWER" if min(new) > max(old) else ""
        rows.append((name, statistics.median(old), statistics.median(new), statistics.median(new) / statistics.median(old), mark))
    return rows, alone


def table(rows, alone, title):
    width = max([len("benchmark"), *(len(row[0]) for row in rows), *(len(name) for name, _ in alone)])
    lines = [f"{'benchmark':<{width}}  {title:>14}  {'now':>14}  {'ratio':>6}"]
    for name, old, new, ratio, mark in rows:
        lines.append(f"{name:<{width}}  {old:>11,.1f} ns  {new:>11,.1f} ns  {ratio:>6.2f}  {mark}".rstrip())
    lines += [f"{name:<{width}}  {what}" for name, what in alone]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", metavar="REV", help="what git calls it: HEAD~3, a tag, a commit")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="only benchmarks whose names match")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each side (5)")
    parser.add_argument("--json", metavar="FILE", help="write the rounds here too")
    options = parser.parse_args()
    try:
        re.compile(options.filter)
    except re.error as error:
        parser.error(f"--filter: {error}")
    commit = resolve(options.revision)
    print("  building both ...", file=sys.stderr)
    title = commit[:10]
    programs = {title: os.path.join(build(checkout, "micro_bench"), "micro_bench") for title, checkout in ((title, checkout_of(commit)), ("now", ROOT))}
    taken = in_turns(programs, options.filter, max(1, options.rounds))
    rows, alone = compare(taken[title], taken["now"])
    if not rows and not alone:
        sys.exit(f"bench: no benchmark matches '{options.filter}'")
    print(table(rows, alone, title))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"revision": commit, "rounds": taken}, file, indent=2)


if __name__ == "__main__":
    main()
