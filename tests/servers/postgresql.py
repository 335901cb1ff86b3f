"""PostgreSQL, run by an unprivileged user where root runs the test: the server refuses root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import psycopg

from tests.servers.packages import MissingServer
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.packages import Program

_NOBODY = 65534
_USER = "tuiops"
_PASSWORD = "p@ss/word:'\"\\"
"""One that has to be quoted wherever it goes."""

_SETUP_SECONDS = 60
_ENDS_SECONDS = 10.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "fsync": "on",
    "log_min_messages": "warning",
}


class Postgresql:
    """One PostgreSQL on loopback, behind a password. It keeps its port and its data when it is started again."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user = _USER
        self.password = _PASSWORD
        self._count = 0
        # Debian links some of its programs elsewhere; those that it needs are beside the real one.
        binary = program.path.resolve()
        self._as_user = _unprivileged()
        data = folder / "data"
        data.mkdir(mode=0o700)
        if self._as_user:
            os.chown(data, _NOBODY, _NOBODY)
        environment = {**program.environment, "LC_ALL": "C.UTF-8"}
        secret = folder / "password"
        secret.write_text(_PASSWORD, encoding="utf-8")
        self._set_up(
            [binary.with_name("initdb"), "--pgdata", data, "--username", _USER, "--pwfile", secret, "--auth",
             "scram-sha-256", "--encoding", "UTF8", "--no-sync"],
            environment,
        )  # fmt: skip
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self.process = ServerProcess(
            [*self._as_user, binary, "-D", data, "-p", str(self.port), *settings],
            folder / "postgresql.log",
            environment=environment,
        )

    def start(self) -> None:
        self.process.start(self._answers)

    def stop(self) -> None:
        """End it fast: connections are broken, and what was committed stays."""
        if self.process.alive():
            os.kill(self.process.pid, signal.SIGINT)
            wait_until(lambda: not self.process.alive(), "the end of PostgreSQL", _ENDS_SECONDS)
        self.process.stop()

    def schema(self) -> str:
        """The address of another empty schema: as good as a database, and made a hundred times as fast."""
        self._count += 1
        name = f"test{self._count}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(options=f"-csearch_path={name}")

    def url(self, **parameters: str) -> str:
        """Its address, with parameters of the connection."""
        query = urlencode(parameters, quote_via=quote)
        return f"postgresql://{_USER}:{quote(_PASSWORD, safe='')}@{self.host}:{self.port}/postgres?{query}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(connect_timeout="2")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _set_up(self, command: list[str | Path], environment: dict[str, str]) -> None:
        done = subprocess.run(
            [*self._as_user, *command], env={**os.environ, **environment}, cwd="/", capture_output=True, text=True,
            timeout=_SETUP_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise MissingServer(f"PostgreSQL cannot be set up: {(done.stderr or done.stdout).strip()[-500:]}")


def _unprivileged() -> list[str]:
    """How root becomes nobody, who reaches folders of root's all the same: those of tests, and unpacked programs."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise MissingServer("PostgreSQL refuses root, and without setpriv (util-linux) root cannot be somebody else")
    reach = "+dac_override,+dac_read_search"
    command = [
        setpriv, "--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups", "--inh-caps", reach,
        "--ambient-caps", reach, "--pdeathsig", "KILL", "--",
    ]  # fmt: skip
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise MissingServer(f"PostgreSQL refuses root, and root cannot be somebody else: {tried.stderr.strip()}")
    return command
