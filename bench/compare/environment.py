"""Where a run was made: machine, kernel, disk and versions."""

import datetime
import os
import platform
import re
import subprocess

import harness
from compare import counters


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return (done.stdout or done.stderr).strip().split("\n")[0]


def processor():
    name = re.search(r"^model name\s*:\s*(.+)", counters.read("/proc/cpuinfo"), re.MULTILINE)
    return f"{os.cpu_count()} x {name.group(1) if name else platform.machine()}"


def memory_gib():
    return int(re.search(r"MemTotal:\s+(\d+)", counters.read("/proc/meminfo")).group(1)) / 2**20


def file_system(directory):
    """Of the longest mount point that holds the directory."""
    mounts = [line.split()[1:3] for line in counters.read("/proc/mounts").splitlines()]
    return max((mount for mount in mounts if (directory + "/").startswith(mount[0].rstrip("/") + "/")), key=lambda mount: len(mount[0]))[1]


def disk(directory):
    name = counters.disk_of(directory)
    if name is None:
        return f"{file_system(directory)}, no block device"
    queue = f"/sys/block/{name}/queue"
    scheduler = re.search(r"\[(.+?)\]", counters.read(f"{queue}/scheduler"))
    return (f"{name}, {file_system(directory)}, cache {counters.read(f'{queue}/write_cache').strip()}, FUA {counters.read(f'{queue}/fua').strip()}, "
            f"scheduler {scheduler.group(1) if scheduler else 'unknown'}")


def version(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else "?"


def versions():
    commit = first_line("git", "-C", harness.ROOT, "describe", "--always", "--dirty")
    return ", ".join((f"Kvorum {commit}", "Redis " + version(r"v=([\d.]+)", first_line("redis-server", "--version")),
                      "etcd " + version(r"([\d.]+)$", first_line("etcd", "--version")), "memcached " + version(r"([\d.]+)$", first_line("memcached", "--version")),
                      version(r"(go[\d.]+)", first_line("go", "version")).replace("go", "Go ")))


def describe(directory, options):
    lines = [f"{datetime.date.today():%d %B %Y}: {processor()}, {memory_gib():.0f} GiB; Linux {platform.release()}; disk {disk(directory)}.",
             f"{versions()}.",
             f"{options.rounds} round{'s' if options.rounds > 1 else ''}, {options.seconds:g} s a measurement, all servers and the client on these processors, one system at a time."]
    if options.why_no_syscalls:
        lines.append(f"System calls were not counted: {options.why_no_syscalls}.")
    return "\n".join(lines)
