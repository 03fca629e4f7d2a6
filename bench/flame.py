#!/usr/bin/env python3
"""A flame graph (SVG) of a running process: where its processor time goes.

    ./dev flame PID [--seconds N] [--output FILE]

Samples the process with perf's clock, which works where a virtual machine has no hardware counters, and follows frame
pointers: release builds keep them. Width is share of the samples; callers below, callees above. Hover for names and
shares; names are cut where the box is narrow. User and kernel frames have different colours.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape

WIDTH, ROW_HEIGHT, MARGIN, TITLE_HEIGHT = 1200, 18, 10, 44
CHARACTER_WIDTH = 6.6  # of 11-pixel monospace
NARROWEST = 0.4        # pixels; below that a box says nothing
USER_COLOURS = ("#f2b36b", "#eda45a", "#f5bd7c", "#e99b4f")
KERNEL_COLOURS = ("#9fb9d6", "#8fadcf", "#aec4dc", "#84a5ca")


class Frame:
    """A function in the tree of stacks; `count` samples were in it or in what it called."""

    def __init__(self, name, is_kernel):
        self.name, self.is_kernel, self.count, self.callees = name, is_kernel, 0, {}

    def add(self, stack):
        """stack: (name, is_kernel), the outermost caller first."""
        frame = self
        frame.count += 1
        for name, is_kernel in stack:
            frame = frame.callees.setdefault(name, Frame(name, is_kernel))
            frame.count += 1

    def depth(self):
        return 1 + max((callee.depth() for callee in self.callees.values()), default=0)


def parse_samples(lines):
    """Stacks from the output of `perf script -F comm,ip,sym,dso`."""
    stack = []
    for line in lines:
        if not line.strip():
            if stack:
                yield stack[::-1]
            stack = []
            continue
        found = re.match(r"\s+[0-9a-f]+ (.*) \((\S+)\)$", line.rstrip("\n"))
        if found:
            name, library = found.groups()
            is_kernel = library.startswith("[") and library != "[unknown]" and library != "[vdso]"
            stack.append((short_name(name), is_kernel))
    if stack:
        yield stack[::-1]


def short_name(name):
    """Without offset, arguments, return type and our namespace."""
    name = re.sub(r"\+0x[0-9a-f]+$", "", name).replace("(anonymous namespace)", "{anonymous}")
    name = re.sub(r"\(.*$", "", name)
    return name.replace("kvorum::", "") or "?"


def draw(root, title):
    height = TITLE_HEIGHT + root.depth() * ROW_HEIGHT + MARGIN
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
             f'font-family="monospace" font-size="11">', f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             f'<text x="{MARGIN}" y="26" font-size="15" font-family="sans-serif" font-weight="bold">{escape(title)}</text>']
    scale = (WIDTH - 2 * MARGIN) / root.count
    bottom = height - MARGIN - ROW_HEIGHT
    todo = [(root, float(MARGIN), 0)]
    while todo:
        frame, left, level = todo.pop()
        width = frame.count * scale
        if width < NARROWEST:
            continue
        parts.append(_box(frame, left, bottom - level * ROW_HEIGHT, width, root.count))
        for name in sorted(frame.callees):
            callee = frame.callees[name]
            todo.append((callee, left, level + 1))
            left += callee.count * scale
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(frame, left, top, width, total):
    colours = KERNEL_COLOURS if frame.is_kernel else USER_COLOURS
    colour = colours[sum(frame.name.encode()) % len(colours)]
    room = int((width - 6) / CHARACTER_WIDTH)
    text = frame.name if len(frame.name) <= room else frame.name[:max(room - 2, 0)] + ".." if room > 4 else ""
    tip = f"{frame.name}: {100 * frame.count / total:.1f} % ({frame.count} samples)"
    label = f'<text x="{left + 3:.1f}" y="{top + 13}">{escape(text)}</text>' if text else ""
    return (f'<g><title>{escape(tip)}</title><rect x="{left:.1f}" y="{top}" width="{width:.2f}" '
            f'height="{ROW_HEIGHT - 1}" fill="{colour}" rx="1"/>{label}</g>')


def record(pid, seconds):
    with tempfile.TemporaryDirectory() as directory:
        data = os.path.join(directory, "perf.data")
        recorded = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-g", "-p", str(pid), "-o", data,
                                   "--", "sleep", str(seconds)], capture_output=True, text=True)
        if recorded.returncode != 0:
            sys.exit(f"flame: perf could not sample process {pid}: {recorded.stderr.strip()}\n"
                     "It needs the process to be yours or root, and kernel.perf_event_paranoid at most 1.")
        script = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso"], capture_output=True, text=True)
        return script.stdout.splitlines(keepends=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev flame", description=__doc__.split("\n\n", 1)[0],
                                     epilog="kvorumd's process ids: kvorum local status --dir DIR")
    parser.add_argument("pid", type=int, help="of the process, such as a node's kvorumd")
    parser.add_argument("--seconds", type=float, default=10, help="how long to sample (10)")
    parser.add_argument("--output", default="flame.svg", help="the picture (flame.svg)")
    options = parser.parse_args()
    if shutil.which("perf") is None:
        sys.exit("flame: perf is missing: Debian package linux-perf")
    if not os.path.exists(f"/proc/{options.pid}"):
        sys.exit(f"flame: there is no process {options.pid}")
    root = Frame("all", False)
    for stack in parse_samples(record(options.pid, options.seconds)):
        root.add(stack)
    if root.count == 0:
        sys.exit(f"flame: process {options.pid} used no processor time in {options.seconds:g} s")
    with open(options.output, "w", encoding="utf-8") as picture:
        picture.write(draw(root, f"process {options.pid}, {options.seconds:g} s, {root.count} samples"))
    print(f"{root.count} samples in {options.output}")


if __name__ == "__main__":
    main()
