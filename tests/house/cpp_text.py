"""Just enough C++ to check rules of the tree: text without comments and strings, includes, and where functions begin and end."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""//[^\n]*"""
    r"""|/\*.*?\*/"""
    r"""|(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)\""""
    r"""|"(?:\\.|[^"\\\n])*\""""
    r"""|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL | re.VERBOSE,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def _blank(match):
    """Replaces by spaces, so that every offset and line number stays as it was."""
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(source):
    return _TOKEN.sub(lambda m: m.group(0) if m.group(0)[:2] not in ("//", "/*") else _blank(m), source)


def without_comments_and_strings(source):
    return _TOKEN.sub(_blank, source)


def project_includes(source):
    """(line number, path) of every #include "..." that is not commented out."""
    text = without_comments(source)
    return [(text.count("\n", 0, m.start()) + 1, m.group(1)) for m in _INCLUDE.finditer(text)]


@dataclass
class Function:
    name: str
    line: int
    body_lines: int


_ATTRIBUTES = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^()]*\)", re.DOTALL)
_NAME = re.compile(r"([~\w]+|operator\s*[^\s\w(]{1,3}|operator\s*\(\s*\))\s*\(")
_INITIALISERS = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)")


def _kind_of_block(head):
    """What the brace after `head` opens, in a place where declarations stand."""
    head = _ATTRIBUTES.sub(" ", head).strip()
    if re.match(r"(inline\s+)?namespace\b", head) or re.match(r'extern\s*$', head):
        return "scope"
    if re.search(r"\b(class|struct|union|enum)\b", head) and "(" not in head:
        return "scope"
    if "(" not in head:
        return "value"
    if _INITIALISERS.search(head) and re.search(r"[\w>]$", head):
        return "member_initialiser"
    if re.search(r"=\s*[\w:<>]*$", head) or re.search(r"[(,]$", head):
        return "value"
    return "function"


def functions(source):
    """Every function body of the file, found by its braces. Lambdas belong to the function that they stand in."""
    text = _DIRECTIVE.sub(_blank, without_comments_and_strings(source))
    found = []
    stack = []  # kinds of the open blocks
    head_start = 0
    function_open = None
    for match in re.finditer(r"[{};]|^[ \t]*(?:public|private|protected):", text, re.MULTILINE):
        char, at = match.group(0), match.start()
        in_function = "function" in stack or "value" in stack or "member_initialiser" in stack
        if char == "{":
            if in_function:
                stack.append("inner")
                continue
            kind = _kind_of_block(text[head_start:at])
            stack.append(kind)
            if kind == "function":
                name = _NAME.search(_ATTRIBUTES.sub(" ", text[head_start:at]))
                function_open = (name.group(1) if name else "?", text.count("\n", 0, at))
            if kind in ("scope", "function"):
                head_start = at + 1
        elif char == "}":
            kind = stack.pop() if stack else "scope"
            if kind == "function":
                name, line = function_open
                found.append(Function(name, line + 1, text.count("\n", 0, at) - line))
            if kind in ("scope", "function"):
                head_start = at + 1
        elif not in_function:
            head_start = match.end()
    return found


_TASK = re.compile(r"\bTask\s*<")
_FUNCTION_NAME = re.compile(r"\s+((?:\w+::)*\w+)\s*\(")


def _end_of_brackets(text, at):
    """The offset behind the bracket that closes the one at `at`."""
    depth = 0
    for offset in range(at, len(text)):
        depth += (text[offset] in "<({") - (text[offset] in ">)}")
        if depth == 0:
            return offset + 1
    return len(text)


def _split_parameters(text):
    parts, depth, start = [], 0, 0
    for offset, char in enumerate(text):
        depth += (char in "<({") - (char in ">)}")
        if char == "," and depth == 0:
            parts.append(text[start:offset])
            start = offset + 1
    return [" ".join(part.split()) for part in parts + [text[start:]] if part.strip()]


def task_functions(source):
    """(line, name, parameters) of every function declared or defined to return a Task<...>."""
    text = without_comments_and_strings(source)
    for match in _TASK.finditer(text):
        name = _FUNCTION_NAME.match(text, _end_of_brackets(text, match.end() - 1))
        if name:
            parameters = text[name.end():_end_of_brackets(text, name.end() - 1) - 1]
            yield text.count("\n", 0, name.start()) + 1, name.group(1), _split_parameters(parameters)
