"""docker-compose.yml: no environment holds a password, and each secret that it names is made."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from prorata.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE: Any = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of secrets, as the script makes it."""
    subprocess.run([ROOT / "scripts" / "compose_secrets.sh", tmp_path / "secrets"], check=True)
    return tmp_path / "secrets"


def test_no_environment_holds_a_password() -> None:
    for name, service in COMPOSE["services"].items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD$|SECRET$", variable), (name, variable)
            assert not re.search(r"://[^/@]*:[^/@]*@", value), (name, variable)


def test_each_service_reads_the_secrets_that_it_is_given_and_no_other() -> None:
    for name, service in COMPOSE["services"].items():
        files = [
            value for key, value in service.get("environment", {}).items() if key.endswith("_PASSWORD_FILE")
        ]
        if name != "postgres":  # which makes all logins
            assert sorted(files) == [f"/run/secrets/{one}" for one in service.get("secrets", [])], name
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_the_script_makes_every_secret_once(made: Path) -> None:
    names = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    passwords = {path.name: path.read_text().strip() for path in made.iterdir()}
    assert passwords.keys() == names
    assert len(set(passwords.values())) == len(names)
    assert all(re.fullmatch(r"[\w-]{32}", password) for password in passwords.values())
    assert made.stat().st_mode & 0o077 == 0
    subprocess.run([ROOT / "scripts" / "compose_secrets.sh", made], check=True)
    assert {path.name: path.read_text().strip() for path in made.iterdir()} == passwords


def test_the_settings_of_each_service_are_read(made: Path) -> None:
    for name, service in COMPOSE["services"].items():
        given = service.get("environment", {})
        environment = {key: value for key, value in given.items() if key.startswith("PRORATA_")}
        if environment:
            file = made / Path(environment["PRORATA_DATABASE_PASSWORD_FILE"]).name
            environment["PRORATA_DATABASE_PASSWORD_FILE"] = str(file)
            assert f"password={file.read_text().strip()}" in Settings.of(environment).database_url, name
