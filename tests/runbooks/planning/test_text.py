"""What `--dry-run` prints of a plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.runbooks.written import HEAD, kept
from tuiops.core.record import Said
from tuiops.core.text import lit
from tuiops.runbooks.planning.plan import Call
from tuiops.runbooks.planning.resolve import Ground, Wanted, plan, with_calls
from tuiops.runbooks.planning.text import plan_lines

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
blast_radius = "4 tasks of 1 service"
[parameters.count]
type = "integer"
least = 1
most = 9
[reads.old]
of = "serving"
resource = "api"
[[steps]]
id = "back"
title = "Back to {old}"
danger = "X"
on_failure = "continue"
do = { kind = "api", ability = "roll_back", resource = "api", arguments = { revision = "{old}" } }
confirm = { by = "rollout", service = "api", ended = "succeeded" }
undo = "none"
undo_reason = "old [bold]tasks[/] are gone"
[[steps]]
id = "look"
title = "Look {count} times"
danger = "S"
sec = true
when = { back = "failed" }
do = { kind = "command", argv = ["look", "-n", "{count}", "a b"], via = "gate" }
"""


def test_every_line(tmp_path: Path) -> None:
    ground = Ground(
        at=datetime(2026, 5, 1, tzinfo=UTC),
        system="shop",
        environment="production",
        production=True,
        drill=True,
        read={Wanted("serving", "api"): "v7"},
    )
    made = plan(kept(tmp_path, TEXT, head=HEAD), {"count": ("3",)}, ground)
    call = Call(
        text=lit("gcloud run back"),
        before=(Said(lit("traffic"), lit("100% v8")), Said(lit("instances"), lit("1 to 9"))),
        after=(Said(lit("traffic"), lit("100% v7")),),
    )
    made = with_calls(made, {"back": call})
    assert list(plan_lines(made)) == [
        "Restart",
        "  on       api, shop in production, PRODUCTION",
        "  danger   X: destroys",
        "  drill    the world is a simulated one",
        "  hits     4 tasks of 1 service",
        "  with     count = 3",
        "  locks    change:shop/api, restart:shop/api",
        "",
        "  1 X Back to v7  [back]",
        "      gcloud run back",
        "      now: traffic 100% v8; instances 1 to 9",
        "      then: traffic 100% v7",
        "      confirmed by: last rollout of api succeeded, within 1m",
        "      undo: cannot be undone: old [bold]tasks[/] are gone",
        "      the run goes on when this fails",
        "  2 S Look 3 times  [look]",
        "      only if  back failed",
        "      look -n 3 'a b' on gate   (its output is not kept)",
        "",
        f"plan     {made.digest}",
    ]
