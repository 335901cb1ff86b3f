"""SSH servers through which sources are reached: one connection for all the sources behind each.

Connections to what lies behind are channels of that connection; nothing listens on this machine, so no
other user of it can slip in. Host keys are always checked.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tuiops.core.text import SafeText, safe
from tuiops.errors import AccessDenied, SourceError, TimedOut, Unreachable

if TYPE_CHECKING:
    import asyncssh

    from tuiops.config.sources import Bastion as BastionConfig

KEEPALIVES = 2
"""Keepalive messages that may go unanswered: a silent loss is noticed within three times `keepalive`."""

_KEX = "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512"  # noqa: E501 # one value
_CIPHERS = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes128-ctr"
_MACS = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com"
_NOT_OFFERED = 300
_CONNECT_FAILED = 2
"""SSH_OPEN_CONNECT_FAILED (RFC 4254 5.1)."""


class TargetUnreachable(Unreachable):
    """The bastion is there and tried; what lies behind it is not to be reached."""


class Bastion:
    """One SSH server. Connects when first used and again after a loss, when next used."""

    def __init__(self, name: str, config: BastionConfig) -> None:
        self.name = safe(name)
        self._config = config
        self._connection: asyncssh.SSHClientConnection | None = None
        self._connecting: asyncio.Task[asyncssh.SSHClientConnection] | None = None

    async def connect(self) -> None:
        """Be connected, so that what follows takes no more than its own time."""
        await self._connected()

    async def open_connection(
        self, host: str, port: int
    ) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        """A connection from the bastion to `host:port`. Unreachable, TimedOut or AccessDenied when there is none."""
        import asyncssh

        target = safe(f"{host}:{port}")
        connection = await self._connected()
        try:
            async with asyncio.timeout(self._config.connect_timeout):
                return await connection.open_connection(host, port)
        except TimeoutError:
            raise TimedOut(
                f"bastion {self.name} could not connect to {target} within {self._config.connect_timeout:g}s"
            ) from None
        except asyncssh.ChannelOpenError as error:
            raise self._not_forwarded(error, target) from None
        except (asyncssh.Error, OSError) as error:
            self._forget(connection)
            raise Unreachable(f"bastion {self.name}: connection lost ({safe(str(error), _NOT_OFFERED)})") from None

    async def execute(self, command: str) -> asyncssh.SSHClientProcess[bytes]:
        """A command of the bastion itself, on a channel of its own; its login shell reads `command`.

        Nothing of this program's environment goes along. Raises Unreachable, TimedOut or AccessDenied when the channel
        was not opened; what goes wrong later is asyncssh's Error or OSError.
        """
        import asyncssh

        connection = await self._connected()
        try:
            async with asyncio.timeout(self._config.connect_timeout):
                return await connection.create_process(command, encoding=None, env={}, send_env=[], request_pty=False)
        except TimeoutError:
            raise TimedOut(f"bastion {self.name} began no command within {self._config.connect_timeout:g}s") from None
        except asyncssh.ChannelOpenError as error:
            reason = safe(error.reason or "no reason given", _NOT_OFFERED).rstrip(".").lower()
            raise AccessDenied(f"bastion {self.name} lets us begin no command: {reason}") from None
        except (asyncssh.Error, OSError) as error:
            self._forget(connection)
            raise Unreachable(f"bastion {self.name}: connection lost ({safe(str(error), _NOT_OFFERED)})") from None

    async def close(self) -> None:
        """Close the connection and everything that runs through it."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError, SourceError):
                await connecting
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await connection.wait_closed()

    async def _connected(self) -> asyncssh.SSHClientConnection:
        connection = self._connection
        if connection is not None and not connection.is_closed():
            return connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name=f"bastion {self.name}")
            self._connecting.add_done_callback(self._settle)
        # Shared by all who wait, so one of them giving up must not end it for the others.
        return await asyncio.shield(self._connecting)

    def _settle(self, task: asyncio.Task[asyncssh.SSHClientConnection]) -> None:
        if self._connecting is task:
            self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._connection = task.result()

    def _forget(self, connection: asyncssh.SSHClientConnection) -> None:
        if self._connection is connection:
            self._connection = None
        connection.abort()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        library: Any = await asyncio.to_thread(_asyncssh)
        seen = _offered_keys(library)
        try:
            async with asyncio.timeout(self._config.connect_timeout):
                options = await self._options(library)
                # The configuration once more: hosts that it jumps through are looked up in it.
                files = self._arguments().get("config", ())
                connecting = library.connect(self._config.host, config=files, options=options, client_factory=seen)
                return cast("asyncssh.SSHClientConnection", await connecting)
        except TimeoutError:
            raise TimedOut(
                f"bastion {self.name} ({safe(self._config.host)}) did not let us in within "
                f"{self._config.connect_timeout:g}s; is it up, is its port right?"
            ) from None
        except (library.Error, library.KeyImportError, library.ConfigParseError, OSError, ValueError) as error:
            raise self._not_connected(error, library, seen) from None

    async def _options(self, library: Any) -> asyncssh.SSHClientConnectionOptions:
        arguments = self._arguments()
        options = await library.SSHClientConnectionOptions.construct(**arguments)
        if options.known_hosts is None:
            # `UserKnownHostsFile none` in an ssh configuration means to trust any host: the default file decides.
            arguments["known_hosts"] = []
            options = await library.SSHClientConnectionOptions.construct(**arguments)
        return cast("asyncssh.SSHClientConnectionOptions", options)

    def _arguments(self) -> dict[str, Any]:
        """What asyncssh is told; what is left out comes from the user's ssh configuration."""
        config = self._config
        arguments: dict[str, Any] = {
            "host": config.host,
            "agent_forwarding": False,
            "x11_forwarding": False,
            "password_auth": False,
            "kbdint_auth": False,
            "keepalive_interval": config.keepalive,
            "keepalive_count_max": KEEPALIVES,
            "connect_timeout": config.connect_timeout,
            "login_timeout": config.connect_timeout,
            "kex_algs": _KEX,
            "encryption_algs": _CIPHERS,
            "mac_algs": _MACS,
        }
        if config.port is not None:
            arguments["port"] = config.port
        if config.user is not None:
            arguments["username"] = config.user
        if config.identity is not None:
            arguments["client_keys"] = [str(Path(config.identity).expanduser())]
        if config.ssh_config is not None:
            arguments["config"] = [str(Path(config.ssh_config).expanduser())]
        if config.known_hosts is not None:
            arguments["known_hosts"] = str(Path(config.known_hosts).expanduser())
        return arguments

    def _not_connected(self, error: Exception, asyncssh: Any, seen: Any) -> SourceError:
        config = self._config
        where = f"bastion {self.name} ({safe(config.host)})"
        detail = safe(str(error), _NOT_OFFERED)
        user = f" as {safe(config.user)}" if config.user else ""
        key = safe(config.identity or "the key")
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return self._untrusted(where, detail, asyncssh, seen)
        explanations: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
            (
                asyncssh.PermissionDenied,
                AccessDenied,
                f"refused our keys{user}; check user, identity and the agent (ssh-add -l)",
            ),
            (asyncssh.KeyEncryptionError, AccessDenied, f"cannot use {key}: it has a passphrase; ssh-add it first"),
            (asyncssh.KeyImportError, AccessDenied, f"cannot use {key}: {detail.lower()}"),
            (asyncssh.ConfigParseError, AccessDenied, f"cannot be asked: ssh configuration: {detail}"),
            (asyncssh.KeyExchangeFailed, Unreachable, f"offers no algorithm that is safe enough: {detail}"),
            (
                ConnectionRefusedError,
                Unreachable,
                "refused the connection; is its SSH server running, is the port right?",
            ),
        )
        for kind, error_class, text in explanations:
            if isinstance(error, kind):
                return error_class(f"{where} {text}")
        if isinstance(error, OSError) and error.filename:
            file = safe(str(error.filename))
            return AccessDenied(f"{where} cannot be asked: {file}: {safe(error.strerror or 'unreadable').lower()}")
        reason = (error.strerror if isinstance(error, OSError) else None) or detail
        return Unreachable(f"{where} cannot be reached: {safe(reason).lower()}")

    def _untrusted(self, where: str, detail: SafeText, asyncssh: Any, seen: Any) -> SourceError:
        file = safe(self._config.known_hosts or "known_hosts")
        if seen.offered is None:
            return AccessDenied(f"{where}: its host key is not accepted: {detail.lower()}")
        offered = safe(seen.offered)
        if self._known(asyncssh, seen):
            return AccessDenied(
                f"{where} shows another host key than {file} has: {offered}. "
                "It was reinstalled, or somebody is in between: ask before mending the file"
            )
        return AccessDenied(f"{where} is not in {file}: it shows {offered}; verify that and add it")

    def _known(self, asyncssh: Any, seen: Any) -> bool:
        """Whether the file of known hosts has other keys for the host that was just refused."""
        path = Path(self._config.known_hosts or "~/.ssh/known_hosts").expanduser()
        try:
            port = seen.port if seen.port != 22 else None
            return bool(asyncssh.match_known_hosts(str(path), seen.host, seen.address, port)[0])
        except (OSError, ValueError):
            return False

    def _not_forwarded(self, error: asyncssh.ChannelOpenError, target: SafeText) -> SourceError:
        reason = safe(error.reason or "no reason given", _NOT_OFFERED).rstrip(".").lower()
        if "prohibited" in reason or error.code == 1:
            return AccessDenied(f"bastion {self.name} does not forward to {target}: {reason}; see its PermitOpen")
        if error.code == _CONNECT_FAILED:
            return TargetUnreachable(f"bastion {self.name} cannot reach {target}: {reason}")
        return Unreachable(f"bastion {self.name} opens no connection to {target}: {reason}")


def _asyncssh() -> Any:
    import asyncssh

    return asyncssh


def _offered_keys(asyncssh: Any) -> Any:
    """A client class that remembers the host key that was refused, for the error's text."""

    class Seen(asyncssh.SSHClient):  # type: ignore[misc] # imported lazily, so its type is not known here
        offered: str | None = None
        host = ""
        address = ""
        port = 22

        def validate_host_public_key(self, host: str, addr: str, port: int, key: Any) -> bool:
            kind = type(self)
            kind.offered = f"{key.get_algorithm()} {key.get_fingerprint()}"
            kind.host, kind.address, kind.port = host, addr, port
            return False

    return Seen
