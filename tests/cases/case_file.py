"""The cases: read from a file, or drawn.

A file is made of blocks, parted by empty lines; # begins a comment. The first line names the case, each other line is one of
    A: SET a 1 | GET a          commands that connection A sends in one write; each connection is asked for a last reply at its end
    A raw: PING\\r\\n             bytes
    only leader                 or: only follower
    mask REGEX                  what may differ inside of strings
    any N ...                   replies, counted from 0 over the whole case, that may be anything
    expect A: "+OK" 1 "-ERR x"  where Redis is not the judge: the replies (nil, (empty), closed; others as repr shows them); why stands in the comment
`{N*x}` in a command stands for N times x.
"""

import dataclasses
import re
import shlex

import resp


@dataclasses.dataclass
class Step:
    connection: str
    bytes: bytes
    reply_count: int
    shown: str


@dataclasses.dataclass
class Case:
    name: str
    place: str
    steps: list = dataclasses.field(default_factory=list)
    role: str = ""
    masks: list = dataclasses.field(default_factory=list)
    any_reply: set = dataclasses.field(default_factory=set)
    expected: dict = None

    @property
    def waits(self):
        """A lone Redis has no replicas to count, we have."""
        return any("WAIT" in step.shown for step in self.steps)

    def text(self):
        return "\n".join(f"      {step.connection}: {step.shown[:400]}" for step in self.steps)


def is_hello(value):
    """What HELLO answers names the server; it may differ."""
    return isinstance(value, tuple) and len(value) > 2 and value[1:3] == ("server", "redis")


def commands_step(connection, text):
    commands = [part.strip() for part in re.split(r"(?<!\\)\|", text)]
    encoded = [resp.encode([widen(word) for word in resp.parse_words(command)]) for command in commands]
    return Step(connection, b"".join(encoded), len(commands), text)


def widen(word):
    return re.sub(rb"\{(\d+)\*(.*?)\}", lambda match: match[2] * int(match[1]), word)


def expected_value(word):
    if word == "nil":
        return resp.NULL
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    return resp.Simple(word[0], word[1:]) if word[:1] in "+-" else word


def read_line(case, line):
    match = re.fullmatch(r"([A-Z])( raw)?: (.*)", line)
    if match and match[2]:
        data = match[3].encode("latin-1").decode("unicode_escape").encode("latin-1")
        case.steps.append(Step(match[1], data, 1, match[3]))
    elif match:
        case.steps.append(commands_step(match[1], match[3]))
    elif line.startswith("only "):
        case.role = line[5:]
    elif line.startswith("mask "):
        case.masks.append(line[5:])
    elif line.startswith("any "):
        case.any_reply = {int(word) for word in line[4:].split()}
    elif match := re.fullmatch(r"expect ([A-Z]): (.*)", line):
        words = shlex.split(match[2])
        ended = words[-1] == "closed"
        replies = [expected_value(word) for word in (words[:-1] if ended else [*words, "the-last-one"])]
        case.expected = {**(case.expected or {}), match[1]: (replies, ended)}
    else:
        raise ValueError(f"{case.place}: what is `{line}`?")


def read(path):
    cases = []
    current = None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if not line:
                current = None
            elif current is None:
                current = Case(line, f"{path}:{number}")
                cases.append(current)
            else:
                read_line(current, line)
    return cases


# What a random pipeline is made of, by weight: data, what must wait for everything before it, what changes replies, what ends.
PIECES = [
    (30, ["SET {k} {n}", "GET {k}", "GET {k}", "DEL {k}", "EXISTS {k} {k}", "MGET a b", "MSET a {n} b {n}", "GETDEL {k}", "SET {k} {n} GET", "APPEND {k} x", "STRLEN {k}"]),
    (10, ["INCR {k}", "SETRANGE {k} 1 z", "GET", "SET {k} 1 NX XX", "EXPIRE {k} abc", "NOSUCH {k}", "RENAME nokey {k}", "OBJECT ENCODING nokey"]),
    (12, ["PING", "PING {n}", "ECHO {n}", "SELECT 0", "CLIENT SETNAME n{n}", "CLIENT GETNAME", "DBSIZE", "TYPE {k}", "COMMAND COUNT {n}"]),
    (14, ["RESET", "HELLO 2", "HELLO 3", "HELLO 9", "HELLO 3 SETNAME x", "WAIT 0 0"]),
    (6, ["CLIENT REPLY SKIP", "CLIENT REPLY ON", "CLIENT REPLY OFF"]),
    (1, ["QUIT"]),
]


def random_cases(rng, count):
    for i in range(count):
        commands = []
        for _ in range(rng.randint(2, 24)):
            group = rng.choices(PIECES, [weight for weight, _ in PIECES])[0][1]
            commands.append(rng.choice(group).format(k=rng.choice("abc"), n=rng.randint(0, 99)))
        case = Case(f"random pipeline {i}", "drawn")
        case.steps.append(commands_step("A", " | ".join(commands)))
        yield case
