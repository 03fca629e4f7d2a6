"""What a load did to a cluster, beside its bounds, and the table of it."""

import math
from dataclasses import dataclass

from hostile.swarm import Seen

P99_MAX_MS = 30.0
# 5 ms, and what the meter may say too much (reactor/turn_meter.h).
LONGEST_TURN_MAX_MS = 5.5
# Beside data and client buffers: the log's cache of entries (32 MiB), its groups in flight, stacks, what the allocator keeps.
MEMORY_SLACK_MIB = 96
# The bystander's own wake-ups: later than this, the machine was too busy to tell anything about the nodes.
OWN_DELAY_MAX_MS = 10.0
# Its p99 before the load: above it, the machine was too busy or the disk too slow.
BEFORE_MAX_MS = 15.0
# How much longer than the one command that everything waits for a wait may be.
BEHIND_ONE_COMMAND_MS = 30.0

SLOW = "the bystander's p99"  # how that violation begins

PLACES = ("leader", "follower")
COLUMNS = ("load", "at", "longest turn", "GET p99", "SET p99", "longest", "before GET, SET", "own", "elections", "peak MiB", "clients saw", "verdict")
LEGEND = f"""longest turn: processor time in ms of the worst node, and what it did (at most {LONGEST_TURN_MAX_MS:g}: 5, and the grain of the meter). GET p99, SET p99, longest: the bystander's waits in ms,
at the leader / at a follower (p99 at most {P99_MAX_MS:g}; behind one command of many keys no wait may be longer than that command). before: the worse of its p99s
before the load. own: the p99 of how late
its own ticks were. peak MiB: the largest resident size of a node / what data, buffers and a slack of {MEMORY_SLACK_MIB} may take."""


def percentile(values, percent):
    """Of the nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


@dataclass(frozen=True)
class Turn:
    """The longest of a node."""
    ms: float
    doing: str


@dataclass(frozen=True)
class Waits:
    """The bystander's, in milliseconds, of one phase."""
    p99: dict          # "leader GET", ...: of each place and command
    longest: float
    own_delay_p99: float
    wrong: list

    @staticmethod
    def of(phase):
        waits = phase["waits_ms"]
        return Waits({kind: percentile(values, 99) for kind, values in waits.items()}, max((max(values, default=0.0) for values in waits.values()), default=0.0),
                     percentile(phase["late_ms"], 99), phase["wrong"])


@dataclass(frozen=True)
class Figures:
    load: str
    place: str
    turn: Turn
    before: Waits
    during: Waits
    elections: int
    peak_mib: int
    allowed_mib: int
    dead: tuple   # ids of nodes that ended
    seen: Seen
    all_replies: bool
    one_command: bool


def violations(figures):
    """In words; none: the load did no harm."""
    found = [f"node {node} ended" for node in figures.dead]
    if figures.elections:
        found.append(f"{figures.elections} elections; none may be")
    if figures.turn.ms > LONGEST_TURN_MAX_MS:
        found.append(f"a turn ({figures.turn.doing}) of {figures.turn.ms:.1f} ms; at most {LONGEST_TURN_MAX_MS:g}")
    if figures.one_command:
        allowed_ms = figures.seen.slowest_s * 1000 + BEHIND_ONE_COMMAND_MS
        if figures.during.longest > allowed_ms:
            found.append(f"the bystander waited {figures.during.longest:.0f} ms behind a command of {figures.seen.slowest_s * 1000:.0f} ms")
    else:
        slow = [f"{kind} {p99:.1f}" for kind, p99 in figures.during.p99.items() if p99 > P99_MAX_MS]
        found += [f"{SLOW}: {', '.join(slow)} ms; at most {P99_MAX_MS:g}"] if slow else []
    if figures.during.wrong:
        found.append(f"the bystander got {len(figures.during.wrong)} wrong answers, first {figures.during.wrong[0]}")
    if figures.peak_mib > figures.allowed_mib:
        found.append(f"a node of {figures.peak_mib} MiB; data, buffers and slack take at most {figures.allowed_mib}")
    if figures.seen.wrong:
        found.append(f"clients got {len(figures.seen.wrong)} wrong replies, first {figures.seen.wrong[0]}")
    if figures.all_replies and figures.seen.missing:
        found.append(f"{figures.seen.missing} clients that read did not get all replies")
    return found


def why_invalid(figures):
    """Why waits of this run say nothing about the nodes; None when they do."""
    if figures.during.own_delay_p99 > OWN_DELAY_MAX_MS:
        return f"but the bystander itself was {figures.during.own_delay_p99:.1f} ms late (p99): other programs had the processors"
    before = max(figures.before.p99.values(), default=0.0)
    if before > BEFORE_MAX_MS:
        return f"but its p99 was {before:.1f} ms before the load began: other programs had the processors or the disk"
    return None


def verdict(figures):
    """("pass" | "FAIL" | "invalid", [sentences]). A busy machine excuses slow answers, nothing else."""
    found = violations(figures)
    if not found:
        return "pass", []
    invalid = why_invalid(figures)
    if invalid and all(line.startswith(SLOW) for line in found):
        return "invalid", [*found, invalid]
    return "FAIL", found


def p99_of(waits, place, name):
    return waits.p99.get(f"{place} {name}", 0.0)


def row(figures):
    during = figures.during

    def pair(name):
        return " / ".join(f"{p99_of(during, place, name):.1f}" for place in PLACES)
    before = ", ".join(f"{max(p99_of(figures.before, place, name) for place in PLACES):.1f}" for name in ("GET", "SET"))
    return (figures.load, figures.place, f"{figures.turn.ms:.1f} {figures.turn.doing}", pair("GET"), pair("SET"), f"{during.longest:.0f}",
            before, f"{during.own_delay_p99:.1f}", str(figures.elections), f"{figures.peak_mib} / {figures.allowed_mib}",
            str(figures.seen), verdict(figures)[0])


def table(rows):
    """Rows of words under COLUMNS, as lines."""
    rows = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in rows) for column in range(len(COLUMNS))]
    return [" | ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in rows]
