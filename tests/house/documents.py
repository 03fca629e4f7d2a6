"""What README.md and docs/ tell the reader to type must exist: `./dev` commands, programs, their subcommands and flags, and linked files."""

import os
import re
import subprocess

from rules import Violation

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
_OWN_PROGRAM = re.compile(r"^(?:\S*/)?(kvorumd|kvorum)$")


def documents(tree):
    names = ["README.md"] + [os.path.join("docs", n) for n in sorted(os.listdir(os.path.join(tree.root, "docs"))) if n.endswith(".md")]
    return [name for name in names if os.path.exists(os.path.join(tree.root, name))]


def command_lines(text):
    """Every line of a code block and every inline code that begins like a command of this project, as words."""
    joined = [line for block in _FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    joined += _INLINE.findall(_FENCE.sub("", text))
    for line in joined:
        line = re.sub(r"^\s*[$#]\s+", "", line).strip()
        words = re.sub(r"\s#\s.*$", "", line).split()
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words.pop(0)
        if words and (words[0] in ("./dev", "dev") or _OWN_PROGRAM.match(words[0])):
            yield words


def dev_commands(tree):
    help_text = subprocess.run([os.path.join(tree.root, "dev"), "help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  ([a-z]+)\b", help_text, re.MULTILINE)) | {"help"}


class Programs:
    """The help texts of the built programs, each asked for once."""

    def __init__(self, directory):
        self.directory = directory
        self._help = {}

    def help_of(self, *words):
        """None when the program does not know these subcommands."""
        if words not in self._help:
            done = subprocess.run([os.path.join(self.directory, words[0]), *words[1:], "--help"], capture_output=True, text=True, timeout=30)
            self._help[words] = done.stdout + done.stderr if done.returncode == 0 else None
        return self._help[words]

    def complaint(self, words):
        path = [_OWN_PROGRAM.match(words[0]).group(1)]
        rest = words[1:]
        while path[0] == "kvorum" and rest and re.fullmatch(r"[a-z]+", rest[0]) and self.help_of(*path, rest[0]) is not None:
            path.append(rest.pop(0))
        help_text = self.help_of(*path)
        if help_text is None:
            return f"`{' '.join(path)} --help` fails"
        if path == ["kvorum"] and rest and re.fullmatch(r"[a-z]+", rest[0]):
            return f"kvorum has no subcommand {rest[0]}"
        if "--" in rest:
            rest = rest[: rest.index("--")]
        for flag in (w.split("=")[0] for w in rest if re.match(r"--[a-z]", w)):
            if not re.search(re.escape(flag) + r"(?![\w-])", help_text) and flag not in ("--help", "--version"):
                return f"`{' '.join(path)}` has no flag {flag}"
        return None


def documented_commands_exist(tree, program_directory):
    known = dev_commands(tree)
    programs = Programs(program_directory) if program_directory else None
    for path in documents(tree):
        for words in command_lines(tree.read(path)):
            if words[0].endswith("dev"):
                if len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]) and words[1] not in known:
                    yield Violation("document", path, f"{path}: ./dev has no command {words[1]}")
            elif programs:
                complaint = programs.complaint(list(words))
                if complaint:
                    yield Violation("document", path, f"{path}: `{' '.join(words)}`: {complaint}")


def linked_files_exist(tree):
    for path in documents(tree):
        for target in _LINK.findall(tree.read(path)):
            if not os.path.exists(os.path.join(tree.root, os.path.dirname(path), target)):
                yield Violation("document", path, f"{path}: links to {target}, which does not exist")


def readme_exists(tree):
    if "README.md" not in documents(tree):
        yield Violation("document", "README.md", "README.md is missing")
