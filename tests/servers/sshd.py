"""OpenSSH's server as a bastion, run by whoever runs the test, root included."""

from __future__ import annotations

import getpass
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh

from tests.servers.packages import MissingServer
from tests.servers.ports import free_port
from tests.servers.processes import ServerProcess, listens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.packages import Program

_PRIVILEGE_SEPARATION = Path("/run/sshd")
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
PermitRootLogin yes
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding yes
MaxStartups 100
LogLevel VERBOSE
"""


class Sshd:
    """One sshd that lets one key in and forwards TCP connections."""

    def __init__(self, program: Program, folder: Path, environment: Mapping[str, str]) -> None:
        """`environment`: variables of its sessions."""
        self.host = "127.0.0.1"
        self.port = free_port()
        self.user = getpass.getuser()
        self.identity = generate_key(folder / "client_key")
        self.known_hosts = folder / "known_hosts"
        self.write_known_hosts(generate_key(folder / "host_key"))
        public = self.identity.with_suffix(".pub").read_text(encoding="utf-8")
        (folder / "authorized_keys").write_text(public, encoding="utf-8")
        config = folder / "sshd_config"
        variables = " ".join(f"{name}={value}" for name, value in environment.items())
        text = _CONFIG.format(port=self.port, folder=folder) + (f"SetEnv {variables}\n" if variables else "")
        config.write_text(text, encoding="utf-8")
        own = {**program.environment, **_privilege_separation(program, folder)}
        self.process = ServerProcess([program.path, "-D", "-e", "-f", config], folder / "sshd.log", environment=own)

    def start(self) -> None:
        self.process.start(lambda: listens(self.port))

    def stop(self) -> None:
        self.process.stop()

    def write_known_hosts(self, host_key: Path) -> None:
        """Make `known_hosts` hold the public half of a key, right or wrong."""
        kind, key, *_ = host_key.with_suffix(".pub").read_text(encoding="utf-8").split()
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {kind} {key}\n", encoding="utf-8")


def generate_key(path: Path) -> Path:
    """A fresh Ed25519 key without a passphrase; its public half is beside it."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment="test")
    key.write_private_key(path)
    path.chmod(0o600)
    key.write_public_key(path.with_suffix(".pub"))
    return path


def _privilege_separation(program: Program, folder: Path) -> dict[str, str]:
    """What sshd wants when root starts it: an empty folder and a user called sshd.

    Where openssh-server is not installed there is no such user. nss_wrapper shows one to this process alone.
    """
    if os.geteuid() != 0:
        return {}
    _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        wrapper = next((program.root or Path("/usr")).glob("**/libnss_wrapper.so"), None)
        if wrapper is None:
            raise MissingServer("sshd: root needs the user `sshd` or Debian's package libnss-wrapper") from None
        users = Path("/etc/passwd").read_text(encoding="utf-8")
        users += "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"
        (folder / "passwd").write_text(users, encoding="utf-8")
        return {
            "LD_PRELOAD": str(wrapper),
            "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
            "NSS_WRAPPER_GROUP": "/etc/group",
        }
    return {}
