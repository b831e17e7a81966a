"""An authority of our own for servers that ask who one is: certificates, and a password for each login.

    authority = Authority(folder, ["admin", "relay"])
    authority.ca, authority.server, authority.client("relay"), authority.passwords["relay"]

Everything is made anew for each run, in its folder, and ends with it.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """`ca`: what clients check servers by. `server`: certificate and key of 127.0.0.1 and localhost."""

    def __init__(self, folder: Path, logins: Iterable[str]) -> None:
        """`folder`: one that the servers' users may enter."""
        folder.mkdir(parents=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Prorata's tests")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._authority().public_bytes(serialization.Encoding.PEM))
        self.server = self._issued("localhost", of_server=True)
        self.passwords = {login: secrets.token_urlsafe(18) for login in logins}
        self.password_file = folder / "passwords"
        """As libpq reads it where PGPASSFILE names it."""
        lines = [f"*:*:*:{login}:{password}\n" for login, password in self.passwords.items()]
        self.password_file.write_text("".join(lines))
        self.password_file.chmod(0o600)

    def client(self, name: str) -> Path:
        """A file with the certificate and key of the client of that name."""
        return self._issued(name, of_server=False)

    def _authority(self) -> x509.Certificate:
        signs = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            self._begun(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signs, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _issued(self, name: str, *, of_server: bool) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if of_server else ExtendedKeyUsageOID.CLIENT_AUTH
        places: list[x509.GeneralName] = [x509.DNSName(name)]
        if of_server:
            places.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        certificate = (
            self._begun(_named(name), key.public_key())
            .add_extension(x509.SubjectAlternativeName(places), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{name}.pem"
        # Kafka reads a key in this form alone.
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.touch(mode=0o600)
        file.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def _begun(self, name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


def password_of(login: str) -> str:
    """The password of that login in the file that PGPASSFILE names."""
    lines = Path(os.environ["PGPASSFILE"]).read_text().splitlines()
    return next(line.rpartition(":")[2] for line in lines if line.split(":")[3] == login)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
