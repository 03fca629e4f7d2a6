"""What the kernel counts about server processes and the machine, read before and after a load.

Processor time is the processes' own: work that the kernel does for them in threads of its own (the end of a durable write, for example) is in nobody's
figure here. Flushes are the whole disk's, so other programs that sync are counted too.
"""

import glob
import os
import re
import subprocess
from dataclasses import dataclass

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /sys/block/*/stat (Documentation/block/stat.rst).
FLUSHES_FIELD = 15


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def cpu_ticks(stat_text):
    """utime + stime of /proc/PID/stat, whose second field is a name that may hold anything."""
    fields = stat_text[stat_text.rindex(")") + 2:].split()
    return int(fields[11]) + int(fields[12])


def context_switches(status_text):
    return sum(int(count) for count in re.findall(r"^(?:non)?voluntary_ctxt_switches:\s+(\d+)", status_text, re.MULTILINE))


def written_bytes(io_text):
    return int(re.search(r"^write_bytes: (\d+)", io_text, re.MULTILINE).group(1))


def stolen_and_all_ticks(stat_text):
    """Of /proc/stat's first line. Guest time is in user time already."""
    fields = [int(field) for field in stat_text.split("\n", 1)[0].split()[1:9]]
    return fields[7], sum(fields)


def disk_of(directory):
    """The name in /sys/block of the disk under a directory, None when there is no such disk."""
    device = os.stat(directory).st_dev
    path = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for candidate in (path, os.path.dirname(path)):
        if os.path.exists(os.path.join("/sys/block", os.path.basename(candidate), "stat")):
            return os.path.basename(candidate)
    return None


@dataclass(frozen=True)
class Counts:
    """One reading; the difference of two is one, too."""
    cpu_s: float
    switches: int
    written_bytes: int
    flushes: int
    stolen_ticks: int
    all_ticks: int

    def since(self, earlier):
        # Threads that ended take their switches with them, hence never below nothing.
        return Counts(*(max(0, getattr(self, name) - getattr(earlier, name)) for name in self.__dataclass_fields__))

    @property
    def steal(self):
        return self.stolen_ticks / self.all_ticks if self.all_ticks else 0.0


def read_counts(pids, disk):
    stolen, everything = stolen_and_all_ticks(read("/proc/stat"))
    return Counts(
        cpu_s=sum(cpu_ticks(read(f"/proc/{pid}/stat")) for pid in pids) / TICKS_PER_SECOND,
        switches=sum(context_switches(read(path)) for pid in pids for path in glob.glob(f"/proc/{pid}/task/*/status")),
        written_bytes=sum(written_bytes(read(f"/proc/{pid}/io")) for pid in pids),
        flushes=int(read(f"/sys/block/{disk}/stat").split()[FLUSHES_FIELD]) if disk else 0,
        stolen_ticks=stolen, all_ticks=everything)


def perf_is_able():
    """None, or why system calls cannot be counted here."""
    try:
        done = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, text=True)
    except FileNotFoundError:
        return "perf is not installed"
    return None if done.returncode == 0 and re.search(r"^\d+,", done.stderr, re.MULTILINE) else f"perf: {(done.stderr.strip() or 'no count').splitlines()[0]}"


def perf_command(pids, output, command):
    return ["perf", "stat", "-x,", "-o", output, "-e", "raw_syscalls:sys_enter", "--per-thread", "-p", ",".join(map(str, pids)), "--", *command]


def parse_perf(text, process_of_thread):
    """{pid: system calls} from perf's lines `name-TID,count,,raw_syscalls:sys_enter,...`."""
    counts = {}
    for thread, count in re.findall(r"^.*-(\d+),(\d+),,raw_syscalls", text, re.MULTILINE):
        pid = process_of_thread.get(int(thread))
        if pid is not None:
            counts[pid] = counts.get(pid, 0) + int(count)
    return counts


def threads(pids):
    return {int(os.path.basename(path)): pid for pid in pids for path in glob.glob(f"/proc/{pid}/task/*")}
