"""gcloud on the fake of Google: what the commands of runbooks do there, and a program that tests can put into PATH."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from tests.examples.answers import CommandFailed
from tests.google.fixtures import REGION

if TYPE_CHECKING:
    from pathlib import Path

    from tests.examples.stages import Stage

_PROGRAM = """#!{python} -IS
import json, socket, sys
with socket.create_connection(("127.0.0.1", {port})) as link:
    link.sendall(json.dumps(["gcloud", *sys.argv[1:]]).encode() + b"\\n")
    status, out, err = json.loads(link.makefile().readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""

_TAKES = 30.0
"""Seconds that a command takes."""


class Gcloud:
    """What the commands of runbooks do to a project, as gcloud does it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.run = stage.run
        self.called: list[tuple[str, ...]] = []
        self.tokens: list[str] = []
        """Access tokens that it has printed."""
        self.settings = ["NODE_ENV", "REDIS_URL"]
        """Names of the service's variables."""
        self.references: dict[str, str] = {}
        """By revision: the version of a secret that it reads, such as `database-password:2`."""
        self.time = "0215"
        """What `date` prints."""
        self.connections: dict[str, str] = {}
        """By revision: the database that it connects to."""

    def __call__(self, argv: tuple[str, ...]) -> str:
        """What it prints. CommandFailed when it fails."""
        self.called.append(argv)
        if argv[0] == "date":
            return f"{self.time}\n"
        words = [word for word in argv[1:] if not word.startswith("-")]
        options = dict(word.removeprefix("--").partition("=")[::2] for word in argv if word.startswith("--"))
        try:
            return self._printed(words[:-1], words[-1], options)
        finally:
            self._stage.google.clock.advance(_TAKES)

    async def command(self, argv: tuple[str, ...]) -> str:
        """The same, for who awaits it."""
        return self(argv)

    def _printed(self, command: list[str], name: str, options: dict[str, str]) -> str:
        match command:
            case ["run", "deploy"]:
                self.run.deploy(
                    name,
                    options["image"],
                    traffic="no-traffic" not in options,
                    tag=options.get("tag", ""),
                    suffix=options.get("revision-suffix", ""),
                )
            case ["run", "services", "update-traffic"]:
                self.run.untag(name, options["remove-tags"])
            case ["run", "services", "update"]:
                self._update(name, options)
            case ["run", "services", "describe"]:
                return self._described(name, options)
            case ["secrets", "versions", "list"]:
                assert (options["filter"], options["sort-by"], options["limit"]) == (
                    "state=ENABLED",
                    "~createTime",
                    "1",
                )
                return f"{self._stage.secrets.enabled(name)[0]}\n"
            case ["secrets", "versions", "disable" | "enable" as change]:
                self._stage.secrets.change(options["secret"], name, f"{change}d".upper())
            case ["sql", "instances", "describe"]:
                return self._instance(name)
            case ["sql", "operations", "wait"]:
                self._waited(name, float(options["timeout"]))
            case ["auth"] if name == "print-access-token":
                self.tokens.append(self._stage.google.tokens.issue())
                return f"{self.tokens[-1]}\n"
            case _:
                raise AssertionError(f"gcloud is not played so far: {command} {name}")
        return ""

    def _instance(self, name: str) -> str:
        if name not in self._stage.sql.instances:
            raise CommandFailed(f"ERROR: (gcloud.sql.instances.describe) HTTPError 404: {name} does not exist.")
        state = self._stage.sql.instance(name)["state"]
        return json.dumps({"state": state, "connectionName": f"{self._stage.project}:{REGION}:{name}"})

    def _update(self, name: str, options: dict[str, str]) -> None:
        service = self.run.service(name)
        variable, _, value = options.get("update-env-vars", "").partition("=")
        if variable and variable not in self.settings:
            self.settings.append(variable)
        if options.get("remove-env-vars") in self.settings:
            self.settings.remove(options["remove-env-vars"])
        former = service["latestReadyRevision"].rpartition("/")[2]
        pinned = all(target.get("type", "").endswith("REVISION") for target in service["traffic"])
        made = self.run.deploy(name, "chat:same", traffic=not pinned)
        _, _, reference = options.get("update-secrets", "").partition("=")
        self.references[made] = reference or self.references.get(former, "")
        self.connections[made] = value if "add-cloudsql-instances" in options else self.connections.get(former, "")
        self._stage.google.clock.advance(_TAKES)
        ready = self.run.service(name)["terminalCondition"]
        if ready["state"] != "CONDITION_SUCCEEDED":
            raise CommandFailed(f"ERROR: (gcloud.run.services.update) {ready['message']}")

    def _described(self, name: str, options: dict[str, str]) -> str:
        service: dict[str, Any] = self.run.service(name)
        match options["format"].partition("(")[::2]:
            case "value", "spec.template.spec.containers[0].env[].name.list())":
                return ",".join(sorted(self.settings)) + "\n"
            case "value[separator=' ']", "spec.traffic[0].latestRevision,spec.traffic[0].percent)":
                first = service["traffic"][0]
                floats = "" if first["type"].endswith("REVISION") else "True"
                return f"{floats} {first.get('percent', '')}\n"
            case "json", "":
                flows = service["trafficStatuses"]
                traffic = [{"revisionName": one["revision"], "percent": one.get("percent", 0)} for one in flows]
                newest = service["latestReadyRevision"].rpartition("/")[2]
                return json.dumps({"status": {"latestReadyRevisionName": newest, "traffic": traffic}})
            case _:
                raise AssertionError(f"no such format is played: {options['format']}")

    def _waited(self, operation: str, seconds: float) -> None:
        self._stage.google.clock.advance(seconds)
        found = self._stage.sql.operation(operation)
        if "error" in found:
            raise CommandFailed(f"ERROR: (gcloud.sql.operations.wait) {found['error']['errors'][0]['message']}")


class GcloudProgram:
    """A `gcloud` that has what it is told done here."""

    def __init__(self, does: Gcloud) -> None:
        self._does = does
        self._server: asyncio.Server | None = None

    async def start(self, folder: Path) -> None:
        """Put it into a folder, which belongs into PATH."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        _write(folder, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        argv = tuple(json.loads(await reader.readline()))
        try:
            answer = (0, self._does(argv), "")
        except CommandFailed as error:
            answer = (1, "", f"{error}\n")
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()


def _write(folder: Path, port: int) -> None:
    folder.mkdir()
    program = folder / "gcloud"
    program.write_text(_PROGRAM.format(python=sys.executable, port=port), encoding="utf-8")
    program.chmod(0o700)
