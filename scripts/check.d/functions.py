"""Finds the functions of a file: name, first and last line, parameters. Outermost ones only."""

import ast
import re
from dataclasses import dataclass

from text import bare

CONTROL = re.compile(r"^\s*(else\s+)?(if|for|while|switch|catch|do|else|try|return)\b")
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern|export\s+default)\b")
ASSIGNED = re.compile(r"(?<![=!<>+\-*/|&^%])=(?!=)")


@dataclass(frozen=True)
class Function:
    name: str
    first: int
    last: int
    parameters: int


def functions(source):
    if source.kind == "py":
        return _python(source.text)
    if source.kind in ("cpp", "js"):
        return _braces(bare(source.text, source.kind), source.kind)
    if source.kind == "sh":
        return _shell(source.lines)
    return []


def _python(text):
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [a.arg for a in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
            count = len([name for name in names if name not in ("self", "cls")])
            found.append(Function(node.name, node.lineno, node.end_lineno, count))
    return found


def _shell(lines):
    found, start = [], None
    for number, line in enumerate(lines, 1):
        match = re.match(r"^(\w+)\s*\(\)\s*\{", line)
        if match:
            start = (match.group(1), number)
        elif line.startswith("}") and start:
            found.append(Function(start[0], start[1], number, 0))
            start = None
    return found


def _braces(text, kind):
    """Matches braces; a `{` after a parameter list, outside any other function, opens one."""
    found, stack, begin = [], [], 0
    for match in re.finditer(r"[{};]", text):
        at = match.start()
        inside = any(entry for entry in stack)
        if match.group() == ";" and not inside and _open_brackets(text[begin:at]) > 0:
            continue  # the semicolons of for (;;)
        if match.group() == "{":
            head = text[begin:at]
            opens = None if inside else _function_head(head, kind)
            lead = len(head) - len(head.lstrip())
            stack.append((opens, begin + lead) if opens else None)
        elif match.group() == "}" and stack:
            entry = stack.pop()
            if entry:
                (name, count), start = entry
                lines = text.count("\n", 0, start) + 1, text.count("\n", 0, at) + 1
                found.append(Function(name, lines[0], lines[1], count))
        if not any(stack):
            begin = at + 1
    return found


def _open_brackets(text):
    return text.count("(") - text.count(")")


def _function_head(head, kind):
    """(name, parameters) when `head {` begins a function, else None."""
    head = re.sub(r"^\s*(public|private|protected)\s*:", "", head)
    head = _without_template(head.strip())
    if CONTROL.match(head) or "(" not in head or _open_brackets(head) > 0 and kind == "cpp":
        return None
    match = re.search(r"(operator\s*(\(\)|[^\s(]+)|~?[\w$]+)\s*\(", head)
    if not match:
        return ("=>", 0) if kind == "js" and "=>" in head else None
    before = head[: match.start()]
    if SCOPE.search(before) or kind == "cpp" and ASSIGNED.search(before):
        return None
    return match.group(1), _parameters(head[match.end() - 1 :])


def _without_template(head):
    while head.startswith("template"):
        depth, end = 0, len(head)
        for at, char in enumerate(head):
            depth += (char == "<") - (char == ">")
            if char == ">" and depth == 0:
                end = at + 1
                break
        head = head[end:].strip()
    return head


def _parameters(text):
    """Number of parameters of the list that `text` begins with."""
    depth, angle, commas, content = 0, 0, 0, ""
    for char in text:
        depth += char in "([{"
        depth -= char in ")]}"
        if depth == 0:
            break
        angle += (char == "<") - (char == ">" and angle > 0)
        commas += char == "," and depth == 1 and angle == 0
        content += char
    return commas + 1 if content[1:].strip() not in ("", "void") else 0
