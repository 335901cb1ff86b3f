"""sagebase's database password at work: real commands, Secret Manager and Cloud SQL on the fake, and who can log in."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.examples.answers import no_bastion
from tests.examples.filled import RUNBOOK_VALUES
from tests.examples.gcloud import GcloudProgram
from tests.examples.playing import Play
from tests.ui.fakes import FakeBackend, fleet
from tuiops.config.model import Display
from tuiops.config.secrets import resolve_secret
from tuiops.core.rollouts import Phase
from tuiops.core.units import Unit
from tuiops.runbooks.execution.effects import Executions
from tuiops.runbooks.planning.text import plan_lines
from tuiops.sources.http import HttpConnector
from tuiops.ui.acting.card_rows import card_sheet
from tuiops.ui.acting.run_rows import run_sheet
from tuiops.ui.app import TuiopsApp
from tuiops.ui.screens.pen import Pen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.google.fixtures import GoogleStage
    from tuiops.core.runs import RunView, StepView
    from tuiops.runbooks.planning.plan import Card
    from tuiops.ui.screens.pen import Row

DATABASE, SECRET, SERVICE, USER = "sagebase-db", "database-password", "sagebase-streamlit", "sagebase_user"
PASSWORD_FILE = "/home/ops/.sagebase-password"
"""As `filled` calls it."""


class Rotation(Play):
    """The application, its database, and the secret between them, of which there are two versions."""

    def __init__(self, google: GoogleStage, folder: Path) -> None:
        super().__init__(google, folder, "sagebase")
        self.file = folder / "password"
        assert PASSWORD_FILE in RUNBOOK_VALUES["sagebase"].values()
        runbook = folder / "examples" / "sagebase" / "runbooks" / "rotate-password.toml"
        text = runbook.read_text(encoding="utf-8").replace(PASSWORD_FILE, str(self.file))
        text = text.replace("https://sqladmin.googleapis.com", google.endpoints["sqladmin"])
        runbook.write_text(text, encoding="utf-8")

        self.secrets, self.sql = self.stage.secrets, self.stage.sql
        self.sql.create(DATABASE)
        self.sql.passwords[DATABASE, USER] = "two"
        self.secrets.create(SECRET)
        for value in (b"one", b"two"):
            self.secrets.add(SECRET, value)
        self.first = self.run.deploy(SERVICE, "sagebase:1")
        self.gcloud.references[self.first] = f"{SECRET}:2"
        google.clock.advance(60)
        self.asked_for: list[str] = []
        """What people were asked to do by hand."""
        self.seen: list[str] = []
        """All that a console has shown."""
        app = TuiopsApp(FakeBackend(fleet()), Display(), own_process=False)
        self._pen = Pen(look=app.look, times=app.times, now=google.clock.now(), width=200)

    async def start(self, programs: Path) -> None:
        """Begin; `programs`: the folder that `gcloud` is put into."""
        self._program = GcloudProgram(self.gcloud)
        await self._program.start(programs)
        await self.begin()
        self.world.rolls = (("streamlit", Phase.SUCCEEDED),)
        self.world.measure = self._measure

    async def close(self) -> None:
        await super().close()
        await self._program.stop()

    def _effects(self) -> Executions:
        connector = HttpConnector(resolve_secret, self.stage.google.clock)
        return Executions(resolve_secret, lambda: connector, no_bastion, base=self.folder / "executions")

    # How things stand.

    @property
    def serving(self) -> str:
        (revision,) = self.traffic(SERVICE)[SERVICE]
        return revision

    @property
    def version(self) -> str:
        """Number of the version that the application reads."""
        return self.gcloud.references[self.serving].rpartition(":")[2]

    def value(self, number: str) -> str:
        return self.secrets.values[f"projects/{self.stage.project}/secrets/{SECRET}/versions/{number}"].decode()

    @property
    def connected(self) -> bool:
        """Whether the application can log in."""
        return self.value(self.version) == self.sql.passwords[DATABASE, USER]

    def _measure(self) -> None:
        self.world.levels = {
            ("streamlit", "resource:streamlit"): (Unit.STATE, 0.0),
            ("cloudsql", "connections"): (Unit.COUNT, 3.0 if self.connected else 0.0),
        }

    # What people do.

    def by_hand(self, asking: StepView) -> bool:
        """What the instructions of an undo say."""
        said = f"{asking.call}"
        self.asked_for.append(said)
        if "gcloud secrets versions disable" in said:
            self.secrets.change(SECRET, self.secrets.enabled(SECRET)[0], "DISABLED")
        elif "gcloud sql users set-password" in said:
            self.sql.passwords[DATABASE, USER] = self.value("2")
        return True

    # What is left of it all.

    def published(self, runs: tuple[RunView, ...]) -> None:
        for run in runs:
            self.seen += [*_text(run_sheet(self._pen, run, (), ())), repr(run)]

    def saw(self, card: Card) -> None:
        self.seen += [*_text(card_sheet(self._pen, card)), *plan_lines(card.plan), repr(card)]

    def traces(self, *told: str) -> list[str]:
        """Where a secret of a run has been left: files, what was shown, and `told`."""
        files = {str(file): file.read_bytes() for file in self.folder.rglob("*") if file.is_file()}
        texts = {"shown": "\n".join(self.seen), "told": "\n".join(told)}
        places = {**files, **{name: text.encode() for name, text in texts.items()}}
        return [f"{form!r} in {place}" for place, data in places.items() for form in self.forms() if form in data]

    def forms(self) -> list[bytes]:
        """What a secret of a run may look like: passwords since the second one, and access tokens."""
        values = [self.value(number) for number in map(str, range(3, len(self.secrets.values) + 1))]
        secrets = [value.encode() for value in (*values, *self.gcloud.tokens)]
        return [form for secret in secrets for form in (secret, base64.b64encode(secret), secret.hex().encode())]


def _text(rows: Iterable[Row]) -> list[str]:
    return ["".join(str(piece) for piece, _ in row) for row in rows]
