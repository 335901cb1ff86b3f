"""Certificates for servers on loopback: good, expired, not valid yet, self-signed, for another name."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_DAY = timedelta(days=1)


class Authority:
    """A certificate authority of the test's own; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test authority")
        now = datetime.now(UTC)
        self._certificate = (
            _builder(self._name, self._name, self._key, now - 9 * _DAY, now + 365 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(
        self, *, name: str = "127.0.0.1", starts: timedelta = -_DAY, ends: timedelta = 90 * _DAY, signed: bool = True
    ) -> ssl.SSLContext:
        """A server's context. `starts` and `ends` count from now; without `signed` it vouches for itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject, now = _name(name), datetime.now(UTC)
        issuer, signer = (self._name, self._key) if signed else (subject, key)
        certificate = (
            _builder(subject, issuer, key, now + starts, now + ends)
            .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        file = self._folder / "server.pem"
        file.write_bytes(_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def client(self, *, password: bytes = b"") -> tuple[Path, Path]:
        """The files of a client's certificate and of its key, which is encrypted where a password is given."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = _builder(_name("client"), self._name, key, now - _DAY, now + 90 * _DAY).sign(
            self._key, hashes.SHA256()
        )
        cert_file, key_file = self._folder / "client.pem", self._folder / "client-key.pem"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(_pem(key, password))
        return cert_file, key_file


def _pem(key: ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, starts: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )
