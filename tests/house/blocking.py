"""Nothing outside may stop a reactor: a disk that hangs, a name server that is silent, a log that nobody reads.

A node's thread waits in io_uring_enter alone. Calls that may wait for somebody else stand only in the files below, each with the reason
why that holds no reactor (docs/architecture.md, "What may block where"). A file that no longer needs its place here is a violation too.
"""

import re

import cpp_text

_SYSTEM_CALLS = (
    # names, files, directories
    "getaddrinfo", "gethostbyname", "getpwnam", "open", "openat", "creat", "fopen", "opendir", "readdir", "read", "write", "pread", "pwrite",
    "preadv", "pwritev", "rename", "renameat", "unlink", "unlinkat", "mkdir", "rmdir", "stat", "lstat", "fstat", "fstatat", "statx", "statfs",
    "fstatfs", "statvfs", "fsync", "fdatasync", "sync", "syncfs", "fallocate", "posix_fallocate", "ftruncate", "truncate", "flock", "lockf",
    # other processes, other threads, standard streams
    "poll", "ppoll", "select", "epoll_wait", "connect", "accept", "recv", "recvmsg", "sendmsg", "fork", "waitpid", "system", "popen", "pclose",
    "printf", "fprintf", "puts", "fflush",
)
# Called by their qualified names, as the tree does; a method of that name (Disk::rename, reactor.open) is none of the system's.
_CALL = re.compile(r"(?<![\w.>:])(?:::|std::)(?:" + "|".join(_SYSTEM_CALLS) + r")\s*\(")
_BARE = re.compile(r"(?<![\w.>:])(?:getaddrinfo|gethostbyname|getpwnam|fopen|opendir|readdir|flock|fdatasync|fallocate|popen|waitpid|statfs|statvfs)\s*\(")
_LIBRARY = re.compile(r"\bstd::(?:[io]?fstream|filesystem|thread|jthread|condition_variable|future|promise|cout|cerr|cin|counting_semaphore|latch)\b"
                      r"|\bfmt::print\b|\babsl::(?:Mutex|Notification)\b")
# What IoBackend offers for start-up only.
_BACKEND = re.compile(r"backend(?:\(\)|_)?(?:\.|->)(?:listen|make_directory|list_directory|lock_directory|device_facts|disable_copy_on_write)\s*\(")
BLOCKING_CALLS = (_CALL, _BARE, _LIBRARY, _BACKEND)

MAY_BLOCK = {
    "base/log.cc": "before start_log_thread(), and last words before an abort",
    "base/standard_output.cc": "the outputs of a program without a reactor",
    "base/machine_memory.cc": "at the start",
    "base/process_facts.cc": "INFO asks /proc/self/statm, which is memory of the kernel",
    "base/log_queue.cc": "the thread that writes the log",
    "reactor/uring_resolver.cc": "the thread that asks name servers; listen() at the start",
    "reactor/uring_backend.cc": "an eventfd that never waits; a trial at the start",
    "reactor/uring_files.cc": "directories, at the start",
    "reactor/uring_mounts.cc": "at the start",
    "reactor/uring_storage.cc": "at the start",
    "reactor/uring_probe.cc": "at the start",
    "wal/wal.cc": "at the start",
    "wal/segment_store.cc": "at the start: lists the directory",
    "wal/log_swap.cc": "at the start: lists the directory",
    "snapshot/snapshot_directory.cc": "at the start: lists the directory",
    "wal/dump.cc": "of the program kvorum",
    "redis/client_listener.cc": "listens, at the start",
    "peers/peers.cc": "listens, at the start",
    "peers/cluster_secret.cc": "load_cluster_secrets(), before the reactor turns",
    "config/command_line.cc": "before there is a reactor",
    "node/program.cc": "before the reactor turns and after it has ended",
}


def blocking_calls_in(source):
    """(line, call) of each."""
    text = cpp_text.without_comments_and_strings(source)
    for pattern in BLOCKING_CALLS:
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match.group(0).strip()


def wrong_in(path, source):
    """(line, what is wrong) of each."""
    calls = list(blocking_calls_in(source))
    if path in MAY_BLOCK:
        return [] if calls else [(1, "has no call that blocks: take it out of tests/house/blocking.py")]
    return [(line, f"`{call}` may stop the reactor: use IoBackend, or a thread (tests/house/blocking.py)") for line, call in calls]
