"""The rules of the tree that no compiler checks. Each rule yields violations; house_test.py compares them with allowed.txt."""

import ast
import os
import re
import stat
from dataclasses import dataclass

import blocking
import cpp_text

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
# Rooms that were cut to measure: their files stay shorter.
SHORT_ROOMS = ("config", "observe", "peers", "replica", "gateway", "redis", "node", "ops")
SHORT_FILE_LINES_MAX = 500

# From the ground up: each room stands on some of those before it.
NODE_ROOMS = ("base", "raft", "kv", "reactor", "config", "observe", "wal", "snapshot", "net", "peers", "ops", "replica", "gateway", "redis", "node")
ROOMS = NODE_ROOMS + ("sim", "tools", "bench", "tests")

# What a room may include. A room always includes itself and base.
RAFT_PLAIN_TYPES = {"raft/types.h", "raft/entry.h", "raft/messages.h", "raft/configuration.h", "raft/feature_level.h", "raft/log_facts.h", "raft/log_base.h"}
_REPLICA = {"peers", "ops", "kv", "wal", "snapshot", "raft", "net", "reactor", "observe", "config"}
_GATEWAY = _REPLICA | {"replica"}
_REDIS = _GATEWAY | {"gateway"}
_NODE = _REDIS | {"redis"}
MAY_INCLUDE = {
    "base": set(),
    "raft": set(),
    "kv": set(),
    "reactor": set(),
    "config": {"reactor"},
    "observe": set(),
    "wal": {"reactor"},
    "snapshot": {"kv", "reactor"},
    "net": {"reactor"},
    "peers": {"net", "reactor", "config"},
    "ops": {"kv"},
    "replica": _REPLICA,
    "gateway": _GATEWAY,
    "redis": _REDIS,
    "node": _NODE,
    "sim": _NODE | {"node"},
    "tools": _NODE | {"node", "sim"},
}
# Single headers of a room of which the rest is out of bounds.
MAY_INCLUDE_HEADERS = {
    "config": RAFT_PLAIN_TYPES | {"raft/raft.h"},  # for how far clocks may drift
    "wal": RAFT_PLAIN_TYPES,
    "snapshot": RAFT_PLAIN_TYPES,
    "net": RAFT_PLAIN_TYPES,
    "peers": RAFT_PLAIN_TYPES,
}

# Time, chance and waiting come from the I/O backend alone: only so can a simulator replay a run from its seed.
DETERMINISTIC_ROOMS = NODE_ROOMS
REAL_WORLD_FILES = re.compile(r"base/log(?:_queue)?\.(cc|h)|reactor/uring_\w+\.(cc|h)")
BANNED_TOKENS = [
    (re.compile(r"\brandom_device\b"), "std::random_device: take the seed from IoBackend::random_seed()"),
    (re.compile(r"\b\w*_clock::now\b"), "a std::chrono clock: take the time from IoBackend"),
    (re.compile(r"(?<![\w.>])(?:std::|::)?(?:s?rand|rand_r|random|srandom|[dlm]rand48)\s*\("), "a C random function: use base/prng.h"),
    (re.compile(r"\bthis_thread::(?:sleep_for|sleep_until|yield)\b"), "waiting in a thread: use reactor/timers.h"),
    (re.compile(r"(?<![\w.>])(?:std::|::)?(?:sleep|usleep|nanosleep|clock_nanosleep)\s*\("), "sleeping: use reactor/timers.h"),
    (re.compile(r"(?<![\w.>])(?:std::|::)?(?:clock_gettime|gettimeofday|timespec_get|getrandom|getentropy|arc4random)\s*\("),
     "time or chance of the system: take it from IoBackend"),
    (re.compile(r"(?<![\w.>])(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0|&\w+)\s*\)"), "time(): take it from IoBackend"),
    (re.compile(r"\babsl::(?:Now|GetCurrentTimeNanos|SleepFor|BitGen)\b"), "absl's clock or chance: take it from IoBackend"),
    (re.compile(r"\b(?:map|set)<[^<>,;]*\*\s*[,>]"), "a container ordered or hashed by address differs from run to run"),
]

# What a coroutine may borrow: it outlives the task, by its header or because the coroutine that awaits the task owns it.
# Everything else is passed by value: it may be gone when the task goes on.
BORROWED_BY_COROUTINES = {"Reactor", "Wal", "ReceiveStream", "OutputFlusher", "NodeConfig", "Connection", "Measurement", "SnapshotDirectory", "Store"}

# These know no protocol: what a client reads of a failure is written where its protocol is.
PROTOCOL_FREE_ROOMS = ("kv", "ops")
_REPLY_TEXT = re.compile(r'"-?(?:ERR|OOM|WRONGTYPE|BUSYKEY|NOAUTH|NOPROTO|EXECABORT|CLUSTERDOWN|MISCONF|TRYAGAIN|UNCERTAIN|MOVED)\b|"[+:$*_][^"]*\\r\\n"')

_WORK_LEFT = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "root", "home/[a-z]+")) + r")/[\w.]+")


@dataclass(frozen=True)
class Violation:
    rule: str
    place: str  # path, or path:name; what allowed.txt names
    text: str


class Tree:
    def __init__(self, root):
        self.root = root
        self._texts = {}

    def files(self, rooms, suffixes):
        for room in rooms:
            for folder, folders, names in os.walk(os.path.join(self.root, room)):
                folders[:] = sorted(f for f in folders if f not in ("__pycache__", "build"))
                for name in sorted(names):
                    if name.endswith(suffixes):
                        yield os.path.relpath(os.path.join(folder, name), self.root)

    def cpp_files(self, rooms=ROOMS):
        return self.files(rooms, (".cc", ".h"))

    def all_text_files(self):
        yield from self.files(ROOMS + ("cmake", "docs", ".ci"), (".cc", ".h", ".py", ".txt", ".cmake", ".md", ".sh", "run"))
        for name in sorted(os.listdir(self.root)):
            if name in ("dev", "CMakeLists.txt", "CMakePresets.json") or name.endswith(".md"):
                yield name

    def read(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                self._texts[path] = file.read()
        return self._texts[path]


def _line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def include_violation(path, included):
    """Why the file at `path` may not include `included`; None when it may."""
    room, target = path.split("/")[0], included.split("/")[0]
    if "/" not in included:
        return "includes are written from the root of the tree"
    if room not in MAY_INCLUDE or target not in ROOMS or target in ({room, "base"} | MAY_INCLUDE[room]):
        return None
    if included in MAY_INCLUDE_HEADERS.get(room, ()):
        return None
    if any(header.startswith(target + "/") for header in MAY_INCLUDE_HEADERS.get(room, ())):
        return f"of {target}, {room} may use only {', '.join(sorted(MAY_INCLUDE_HEADERS[room]))}"
    return f"{room} stands below {target} or beside it"


def includes_point_downward(tree):
    for path in tree.cpp_files():
        for line, included in cpp_text.project_includes(tree.read(path)):
            reason = include_violation(path, included)
            if reason:
                yield Violation("include", path, f'{path}:{line}: includes "{included}": {reason}')


def headers_have_pragma_once(tree):
    for path in tree.files(ROOMS, (".h",)):
        if "#pragma once" not in tree.read(path):
            yield Violation("pragma-once", path, f"{path}: has no #pragma once")


def banned_tokens_in(path, source):
    text = cpp_text.without_comments_and_strings(source)
    for pattern, advice in BANNED_TOKENS:
        for match in pattern.finditer(text):
            yield Violation("determinism", path, f"{path}:{_line_of(text, match.start())}: `{match.group(0).strip()}` is {advice}")


def time_and_chance_come_from_the_backend(tree):
    for path in tree.cpp_files(DETERMINISTIC_ROOMS):
        if not REAL_WORLD_FILES.fullmatch(path):
            yield from banned_tokens_in(path, tree.read(path))


def reply_texts_in(path, source):
    text = cpp_text.without_comments(source)
    for match in _REPLY_TEXT.finditer(text):
        yield Violation("reply-text", path, f"{path}:{_line_of(text, match.start())}: {match.group(0)}: a text of a protocol: report an ops::Failure")


def operations_know_no_protocol(tree):
    for path in tree.cpp_files(PROTOCOL_FREE_ROOMS):
        yield from reply_texts_in(path, tree.read(path))


def nothing_blocks_a_reactor(tree):
    for path in tree.cpp_files(NODE_ROOMS):
        for line, text in blocking.wrong_in(path, tree.read(path)):
            yield Violation("blocking", path, f"{path}:{line}: {text}")


def borrowed_parameters_in(path, source):
    for line, name, parameters in cpp_text.task_functions(source):
        for parameter in parameters:
            borrows = re.search(r"&|\bstring_view\b|\bspan\s*<|\bBytes\b", parameter)
            owner = re.search(r"(\w+)\s*&(?!&)", parameter)
            if borrows and not (owner and owner.group(1) in BORROWED_BY_COROUTINES):
                yield Violation("coroutine-parameter", f"{path}:{name}", f"{path}:{line}: {name} returns a Task and takes `{parameter}`: pass a value")


def coroutines_take_values(tree):
    for path in tree.cpp_files(MAY_INCLUDE):
        yield from borrowed_parameters_in(path, tree.read(path))


def functions_are_short(tree):
    for path in tree.cpp_files():
        for function in cpp_text.functions(tree.read(path)):
            if function.body_lines > FUNCTION_LINES_MAX:
                yield Violation("function-size", f"{path}:{function.name}",
                                f"{path}:{function.line}: {function.name} has {function.body_lines} lines, over {FUNCTION_LINES_MAX}")
    for path in list(tree.files(ROOMS, (".py",))) + ["bench/run"]:
        if not os.path.exists(os.path.join(tree.root, path)):
            continue
        for node in ast.walk(ast.parse(tree.read(path))):
            lines = getattr(node, "end_lineno", 0) - getattr(node, "lineno", 0)
            if isinstance(node, ast.FunctionDef) and lines > FUNCTION_LINES_MAX:
                yield Violation("function-size", f"{path}:{node.name}", f"{path}:{node.lineno}: {node.name} has {lines} lines, over {FUNCTION_LINES_MAX}")


def file_lines_max(path):
    return SHORT_FILE_LINES_MAX if path.split("/")[0] in SHORT_ROOMS else FILE_LINES_MAX


def files_do_one_job(tree):
    for path in list(tree.cpp_files()) + list(tree.files(ROOMS, (".py",))):
        lines = tree.read(path).count("\n")
        if lines > file_lines_max(path):
            yield Violation("file-size", path, f"{path}: {lines} lines, over {file_lines_max(path)}")


def no_work_is_left_in_the_text(tree):
    for path in tree.all_text_files():
        text = tree.read(path)
        for match in _WORK_LEFT.finditer(text):
            yield Violation("work-left", path, f"{path}:{_line_of(text, match.start())}: {match.group(0)}: do it, or write an issue")


def no_path_of_one_machine(tree):
    for path in tree.all_text_files():
        text = tree.read(path)
        for match in _MACHINE_PATH.finditer(text):
            yield Violation("machine-path", path, f"{path}:{_line_of(text, match.start())}: {match.group(0)}: a path of one machine")


def executable_bits_are_right(tree):
    for path in list(tree.all_text_files()) + [".ci/run"]:
        full = os.path.join(tree.root, path)
        executable = bool(os.stat(full).st_mode & stat.S_IXUSR)
        script = tree.read(path).startswith("#!")
        if executable != script:
            yield Violation("executable-bit", path, f"{path}: " + ("a script that is not executable" if script else "executable without #!"))


ALL = (
    includes_point_downward,
    headers_have_pragma_once,
    time_and_chance_come_from_the_backend,
    operations_know_no_protocol,
    nothing_blocks_a_reactor,
    coroutines_take_values,
    functions_are_short,
    files_do_one_job,
    no_work_is_left_in_the_text,
    no_path_of_one_machine,
    executable_bits_are_right,
)
