"""Everything that is set from outside: one typed object, environment variables with the prefix PRORATA_,
defaults that run."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each field is the environment variable of its name: `database_url` is PRORATA_DATABASE_URL."""

    database_url: str = "postgresql://prorata@127.0.0.1:5432/prorata"
    """The PostgreSQL database of the log, the read models and the test gateway."""

    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers of the broker: host:port, separated by commas."""

    kafka_prefix: str = ""
    """Put before every topic's name, so that several environments can share a broker."""

    recover_after: float = 10.0
    """Seconds after which a payment without an answer is taken over: longer than any live process waits
    for the gateway."""

    @classmethod
    def of(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings in the environment (default: the process's). Raises msgspec.ValidationError for one
        of another type."""
        given = os.environ if environment is None else environment
        names = {f"PRORATA_{name.upper()}": name for name in cls.__struct_fields__}
        found = {name: given[variable] for variable, name in names.items() if given.get(variable)}
        return msgspec.convert(found, cls, strict=False)
