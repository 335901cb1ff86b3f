"""The rules by which text from outside stays out of the terminal, read off the syntax tree.

mypy sees to it that whatever takes `SafeText` gets it. What mypy cannot see is where a bare string is declared
safe, and where Textual would take one: these rules forbid both outside the few places that are named here.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Finding = tuple[int, str]
"""A line and what is wrong with it."""

DOOR = "tuiops/ui/widgets/safe.py"
"""The module that hands text to Textual."""

PRINTER = "tuiops/cli/output.py"
"""The module that prints."""

DECLARES_SAFE: Mapping[str, str] = {
    "tuiops/core/text.py": "defines it",
    "tuiops/core/units.py": "formats numbers",
    "tuiops/core/lineformat.py": "masks parts of safe text",
    "tuiops/core/logformat/textual.py": "joins parts of safe text",
    "tuiops/ui/format.py": "formats times; cuts and pads safe text",
    "tuiops/ui/panes/base.py": "draws borders from glyphs",
    "tuiops/ui/phases.py": "leaves out what two revisions' names begin with",
    "tuiops/ui/screens/help.py": "capitalises our own words",
    "tuiops/ui/screens/pen.py": "wraps safe text",
    "tuiops/ui/screens/rollout_parts.py": "draws bars from glyphs; takes digests out of images",
    "tuiops/ui/widgets/chart.py": "draws plots from numbers",
    "tuiops/ui/widgets/digits.py": "draws big digits",
    "tuiops/ui/widgets/header.py": "strips glyphs",
    "tuiops/ui/widgets/table_lines.py": "wraps safe text",
    "tuiops/ui/widgets/log_painter.py": "joins times; names levels; joins safe lines for the clipboard",
}
"""Modules that may declare a computed string safe, and what they compute it from."""

DRAWS_SEGMENTS: Mapping[str, str] = {
    "tuiops/ui/ascii_only.py": "segments that were drawn already, one sign for another",
    "tuiops/ui/widgets/log_painter.py": "log lines, split around the hits of a search",
}
"""Modules that draw strips piece by piece, and of what."""

MEMBERS = frozenset({"before", "freshness", "grouping", "self", "style", "topic"})
"""Names that hold members of enumerations wherever `lit` takes their value."""

TEXT_MAKERS = frozenset({"content", "countdown", "fit", "fmt", "join", "lit", "lines", "safe", "show", "span"})
"""Functions that return safe text, by their annotations."""

TEXTUAL_WIDGETS = frozenset({"Input"})
"""Widgets of Textual's own that show nothing but what the user types."""

_MARKUP_MAKERS = frozenset({"from_markup", "from_ansi", "render_str", "assemble", "render_markup"})
_MARKUP_MODULES = frozenset({"rich.text", "rich.markup", "rich.table", "rich.panel", "rich.console", "textual.markup"})
_TITLES = frozenset({"border_title", "border_subtitle", "title", "sub_title", "tooltip"})
_TITLE_CONSTANTS = frozenset({"TITLE", "SUB_TITLE", "BORDER_TITLE", "BORDER_SUBTITLE"})
_NUMBER_OR_TIME = re.compile(r"[<>^]?[+-]?0?\d*,?(\.\d+)?[dfeEgG%]|,|.*%[A-Za-z].*")
"""Format specifications that `str` refuses, so that only numbers and times pass through them."""


def findings(path: str, source: str) -> list[Finding]:
    """Everything in a module that breaks a rule. `path` is relative to the root of the repository."""
    tree = ast.parse(source)
    rules: list[Callable[[str, ast.AST], Iterator[Finding]]] = [_literals, _declarations, _printing]
    if path.startswith("tuiops/ui/") and path != DOOR:
        rules += [_textual_imports, _titles, _calls_into_textual]
    return sorted(finding for node in ast.walk(tree) for rule in rules for finding in rule(path, node))


def _literals(path: str, node: ast.AST) -> Iterator[Finding]:
    """lit, fmt and join begin with a literal; lit also takes the value of an enumeration's member."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return
    name = node.func.id
    if name not in {"lit", "fmt", "join"}:
        return
    first = node.args[0] if node.args else None
    if name == "lit" and isinstance(first, ast.Attribute) and first.attr == "value" and _names_a_member(first.value):
        return
    if not _is_literal(first):
        yield node.lineno, f"{name}() takes a string literal, so that a reader sees that it is ours"


def _declarations(path: str, node: ast.AST) -> Iterator[Finding]:
    """SafeText(…) and casts to it are for strings that are provably ours."""
    if not isinstance(node, ast.Call):
        return
    called = _called(node)
    if called == "cast" and node.args and "SafeText" in ast.unparse(node.args[0]):
        yield node.lineno, "a cast to SafeText cleans nothing; use safe()"
    if called == "SafeText" and path not in DECLARES_SAFE and not (node.args and is_provable(node.args[0])):
        yield node.lineno, "SafeText(…) of a string that is not provably ours; use safe(), fmt() or join()"


def _printing(path: str, node: ast.AST) -> Iterator[Finding]:
    if path != PRINTER and isinstance(node, ast.Call) and _called(node) == "print":
        yield node.lineno, f"print() is for {PRINTER}"


def _textual_imports(path: str, node: ast.AST) -> Iterator[Finding]:
    if not isinstance(node, ast.ImportFrom):
        return
    names = {alias.name for alias in node.names}
    if node.module == "textual.widgets":
        for name in sorted(names - TEXTUAL_WIDGETS):
            yield node.lineno, f"textual.widgets.{name} reads markup and passes controls on; use {DOOR}"
    elif node.module in _MARKUP_MODULES:
        yield node.lineno, f"{node.module} makes text that is not checked; use {DOOR}"
    elif node.module == "textual.content" and "Content" in names:
        yield node.lineno, f"Content is made by content() of {DOOR}"


def _titles(path: str, node: ast.AST) -> Iterator[Finding]:
    """Titles and tooltips are parsed as markup when they are assigned."""
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
        targets, value = [node.target], node.value
    else:
        return
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr in _TITLES:
            yield node.lineno, f".{target.attr} is set by set_title() and its like of {DOOR}"
        if isinstance(target, ast.Name) and target.id in _TITLE_CONSTANTS and not _is_literal(value):
            yield node.lineno, f"{target.id} takes a string literal"


def _calls_into_textual(path: str, node: ast.AST) -> Iterator[Finding]:
    if not isinstance(node, ast.Call):
        return
    called = _called(node)
    attribute = isinstance(node.func, ast.Attribute)
    if attribute and called == "notify":
        yield node.lineno, f"notify() of {DOOR} shows text as text"
    if called in _MARKUP_MAKERS:
        yield node.lineno, f"{called}() reads markup or escape sequences"
    if attribute and called == "update" and node.args and not _is_made(node.args[0]):
        yield node.lineno, "update() of a widget reads markup; use show(), or |= on a mapping or a set"
    if (
        called == "Segment"
        and path not in DRAWS_SEGMENTS
        and not (node.args and (_is_made(node.args[0]) or is_provable(node.args[0])))
    ):
        yield node.lineno, f"a Segment of text is made by segments() of {DOOR}"
    for keyword in node.keywords:
        if keyword.arg == "tooltip" and not _is_literal(keyword.value):
            yield node.lineno, "a tooltip reads markup; it takes a string literal"
        if keyword.arg == "markup" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            yield node.lineno, "markup is off everywhere"


def is_provable(node: ast.expr) -> bool:
    """Whether an expression can hold nothing but our own characters, digits and names of months."""
    proven = False
    match node:
        case ast.Constant(value=str()):
            proven = True
        case ast.JoinedStr(values=values):
            proven = all(_is_provable_piece(value) for value in values)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            proven = is_provable(left) or is_provable(right)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            proven = is_provable(left) and is_provable(right)
        case ast.IfExp(body=body, orelse=orelse):
            proven = is_provable(body) and is_provable(orelse)
        case ast.Subscript(value=value, slice=ast.Slice()):
            proven = is_provable(value)
        case ast.Call(func=ast.Attribute(attr="isoformat")):
            # No string has that method.
            proven = True
        case ast.Call(func=ast.Attribute(value=value, attr="center" | "ljust" | "rjust" | "strip" | "rstrip")):
            proven = is_provable(value)
        case _:
            pass
    return proven


def _is_provable_piece(node: ast.expr) -> bool:
    if isinstance(node, ast.FormattedValue):
        if isinstance(node.value, ast.Call) and _called(node.value) in {"len", "int", "round"}:
            return True
        specification = node.format_spec
        if not isinstance(specification, ast.JoinedStr) or node.conversion != -1:
            return False
        parts = [part.value if isinstance(part, ast.Constant) else "1" for part in specification.values]
        return _NUMBER_OR_TIME.fullmatch("".join(str(part) for part in parts)) is not None
    return is_provable(node)


def _is_literal(node: ast.expr | None) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_literal(node.body) and _is_literal(node.orelse)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_made(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TEXT_MAKERS


def _names_a_member(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in MEMBERS


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""
