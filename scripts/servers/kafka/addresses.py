"""A broker's address as the settings of `prorata`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from publishing.clients import Broker, SecuredBroker

_VARIABLES: Final = {
    name: "PRORATA_KAFKA" if name == "servers" else f"PRORATA_KAFKA_{name.upper()}"
    for name in SecuredBroker.__struct_fields__
}


def environment_of(broker: Broker) -> dict[str, str]:
    """The variables that say where the broker is, and how to prove who one is."""
    if isinstance(broker, str):
        return {"PRORATA_KAFKA": broker}
    given = {variable: getattr(broker, name) for name, variable in _VARIABLES.items()}
    return {variable: value for variable, value in given.items() if value is not None}


def broker_in(environment: Mapping[str, str]) -> Broker | None:
    """The broker that these variables say; None: none."""
    found = {name: environment[it] for name, it in _VARIABLES.items() if environment.get(it)}
    if set(found) <= {"servers"}:
        return found.get("servers")
    return msgspec.convert(found, SecuredBroker)
