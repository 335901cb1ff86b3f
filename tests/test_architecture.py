"""The shape of the program: what imports what, how large things may grow, where text becomes safe."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.text_rules import DECLARES_SAFE, DRAWS_SEGMENTS, findings

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "tuiops").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
AROUND = [*TESTS, *sorted((ROOT / "benchmarks").rglob("*.py")), *sorted((ROOT / "scripts").rglob("*.py"))]
"""What is not shipped, and held to the same budgets."""

MODULE_LINES = 500
CLASS_LINES = 300
FUNCTION_LINES = 60
TIGHTER = {"tuiops/ui/app.py": 350}
"""Modules that everything wants to grow into."""

READ_SIDE = ("tuiops/ui/wallboard", "tuiops/ui/panes/", "tuiops/ui/widgets/", "tuiops/hub/", "tuiops/sources/")
WRITE_SIDE = ("tuiops.ledger", "tuiops.oncall", "tuiops.runbooks")


def relative(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 broken" in done.stdout


@pytest.mark.parametrize("module", [*MODULES, *AROUND], ids=relative)
def test_nothing_outgrows_its_budget(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    limit = TIGHTER.get(relative(module), MODULE_LINES)

    assert len(source.splitlines()) <= limit
    assert [
        f"line {node.lineno}: {node.name} has {length} lines, more than {allowed}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for length in [(node.end_lineno or node.lineno) - node.lineno + 1]
        for allowed in [CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES]
        if length > allowed
    ] == []


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_text_becomes_safe_only_where_it_may(module: Path) -> None:
    found = findings(relative(module), module.read_text(encoding="utf-8"))

    assert [f"{relative(module)}:{line}: {problem}" for line, problem in found] == []


@pytest.mark.parametrize(
    "module", [module for module in MODULES if relative(module).startswith(READ_SIDE)], ids=relative
)
def test_the_read_side_cannot_reach_what_acts(module: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }

    assert not [name for name in imported if name.startswith(WRITE_SIDE)]


@pytest.mark.parametrize("module", TESTS, ids=relative)
def test_what_tests_share_is_in_no_module_of_tests(module: Path) -> None:
    """Who imports a module of tests runs with whatever else it is about."""
    imported = [
        node.module
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]

    assert [name for name in imported if name.rpartition(".")[2].startswith("test_")] == []


@pytest.mark.parametrize("module", [module for module in TESTS if module.name.startswith("test_")], ids=relative)
def test_no_test_sleeps(module: Path) -> None:
    """Giving way to others once, `asyncio.sleep(0)`, is no sleep; waiting is in `tests/waiting.py`."""
    assert [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"asyncio.sleep", "time.sleep", "sleep"}
        if ast.unparse(node) != "asyncio.sleep(0)"
    ] == []


def test_exceptions_to_the_text_rules_are_still_needed() -> None:
    for name in {**DECLARES_SAFE, **DRAWS_SEGMENTS}:
        source = (ROOT / name).read_text(encoding="utf-8")
        assert "SafeText(" in source or "Segment(" in source, f"{name} needs no exception"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("lit(name)", "lit() takes a string literal"),
        ("lit(label.value)", "lit() takes a string literal"),
        ("lit(f'{name}')", "lit() takes a string literal"),
        ("fmt(template, name)", "fmt() takes a string literal"),
        ("join(separator, names)", "join() takes a string literal"),
        ("SafeText(name)", "not provably ours"),
        ("text.SafeText(name)", "not provably ours"),
        ("SafeText(f'{name}')", "not provably ours"),
        ("SafeText(f'{name:>8}')", "not provably ours"),
        ("SafeText(f'{name!r:.2f}')", "not provably ours"),
        ("SafeText('a' + name)", "not provably ours"),
        ("cast('SafeText', name)", "cleans nothing"),
        ("print(name)", "print() is for"),
        ("from textual.widgets import Static", "Static reads markup"),
        ("from textual.widgets import DataTable, Input", "DataTable reads markup"),
        ("from rich.text import Text", "rich.text makes text"),
        ("from textual.content import Content", "Content is made by"),
        ("self.border_title = name", ".border_title is set by"),
        ("pane.tooltip: str = name", ".tooltip is set by"),
        ("class A(App):\n    TITLE = name", "TITLE takes a string literal"),
        ("self.notify(name)", "shows text as text"),
        ("self.app.notify(name, markup=False)", "shows text as text"),
        ("Text.from_markup(name)", "reads markup"),
        ("widget.update(name)", "update() of a widget reads markup"),
        ("Segment(name, style)", "is made by segments()"),
        ("Input(tooltip=name)", "a tooltip reads markup"),
        ("Input(markup=wanted)", "markup is off"),
    ],
)
def test_each_text_rule_finds_what_it_forbids(source: str, problem: str) -> None:
    found = findings("tuiops/ui/panes/other.py", source)

    assert any(problem in text for _, text in found), found


@pytest.mark.parametrize(
    "source",
    [
        "lit('ok')",
        "lit('a' if many else 'b')",
        "lit(freshness.value)",
        "fmt('{} {}', lit('a'), name)",
        "join(', ', names)",
        "', '.join(names)",
        "SafeText(f'{value:.2f}%')",
        "SafeText(f'{count:,} of {len(rows)}')",
        "SafeText(f'{moment:%H:%M}')",
        "SafeText(f'{value:.{digits}f}')",
        "SafeText(' ' * width)",
        "SafeText(moment.isoformat())",
        "from textual.widgets import Input",
        "widget.update(content(name))",
        "Segment(' ' * width, style)",
        "Segment(fit(name, width), style)",
        "class A(App):\n    TITLE = 'tuiops'",
    ],
)
def test_no_text_rule_forbids_what_is_right(source: str) -> None:
    assert findings("tuiops/ui/panes/other.py", source) == []


@pytest.mark.parametrize(
    ("command", "kept_out"),
    [
        ("import tuiops.cli.main", {"textual", "rich", "httpx", "asyncssh", "psutil", "requests"}),
        ("import tuiops.ui.app", {"httpx", "asyncssh", "psutil", "requests", "dns", "prometheus_api_client"}),
    ],
)
def test_imports_are_as_late_as_they_can_be(command: str, kept_out: set[str]) -> None:
    script = f"{command}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not kept_out & set(done.stdout.split())


_UNTIL_THE_FIRST_FRAME = """
import sys
from tuiops import wiring
from tuiops.cli import reviews, settings
from tuiops.cli.main import parser

subject = settings.subject(parser().parse_args(["--demo"]), reviews.DRAWING)
backend = wiring.backend(subject)

from tuiops.ui.app import TuiopsApp

app = TuiopsApp(backend, subject.config.display)

def started():
    print(*sys.modules, file=sys.__stdout__)
    app.exit()

backend.start = started
app.run(headless=True)
"""


def test_what_the_first_frame_does_not_need_comes_after_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _UNTIL_THE_FIRST_FRAME], cwd=ROOT, capture_output=True, text=True, check=False
    )
    imported = set(done.stdout.split())
    later = {
        "alembic", "sqlalchemy", "tuiops.ledger.store",
        "dns", "httpx", "asyncssh", "prometheus_api_client", "psutil", "requests", "tomllib", "zoneinfo",
        "tuiops.config.check", "tuiops.config.schema", "tuiops.core.logformat", "tuiops.core.promql", "tuiops.hub.hub",
        "tuiops.hub.logseek", "tuiops.sim", "tuiops.sources.base", "tuiops.sources.daemon", "tuiops.ui.palette",
        "tuiops.ui.screens.beside",
        "tuiops.ui.screens.detail", "tuiops.ui.screens.links", "tuiops.ui.screens.record",
        "tuiops.ui.widgets.log_histogram",
    }  # fmt: skip

    assert "tuiops.ui.screens.console" in imported, done.stderr
    assert sorted(later & imported) == []
    for name in later:
        assert importlib.util.find_spec(name), f"there is no {name}"


def test_the_version_costs_next_to_nothing() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "tuiops", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tuiops ")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "tuiops" in imported
    assert not imported & {"textual", "rich", "httpx", "msgspec", "asyncio"}
