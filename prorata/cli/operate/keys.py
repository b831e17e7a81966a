"""`prorata key create`, `list`, `roll` and `revoke`: who may ask over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from domain.calendar import parse_moment
from domain.texts import escaped
from prorata.settings import Settings
from service.commands import check_tenant

if TYPE_CHECKING:
    from prorata.keys.key import ApiKey
    from prorata.keys.store import KeyStore, MadeKey

Json = Annotated[bool, Parameter(negative="", help="One JSON object, for programs.")]
Id = Annotated[str, Parameter(help="As `key list` shows it: key_…")]


def create(
    *,
    role: Annotated[
        str,
        Parameter(help="owner, admin, manager, author, viewer, support, finance, provider or operator."),
    ],
    name: Annotated[str, Parameter(help="By which persons know it again.")],
    tenant: Annotated[str, Parameter(help="The tenant whose accounts it reaches.")] = "main",
    expires: Annotated[
        str | None, Parameter(help="It counts up to this date (its beginning in UTC) or instant.")
    ] = None,
    network: Annotated[
        tuple[str, ...],
        Parameter(help="It may be used from here alone, such as 192.0.2.0/24; may be repeated."),
    ] = (),
    json: Json = False,
) -> int:
    """Make an API key. It is printed this once: only a hash of it is kept."""
    from prorata.keys.key import NewKey

    ends = None if expires is None else parse_moment(expires, "UTC", "--expires")
    wanted: Any = {"tenant": check_tenant(tenant), "name": name, "role": role, "networks": network}
    with _opened() as keys:
        made = keys.create(NewKey(**wanted, expires_at=ends))
    _print_made(made, json=json)
    return 0


def list_(
    *,
    tenant: Annotated[str | None, Parameter(help="Of this tenant alone.")] = None,
    json: Annotated[bool, Parameter(negative="", help="One JSON object a line, for programs.")] = False,
) -> int:
    """The keys: role, name, last four characters, until when each counts and when it was last used."""
    from prorata.cli.terminal.tables import console, table

    with _opened() as keys:
        found = keys.list(tenant)
    now = datetime.now(UTC)
    shown = table("id", "tenant", "role", "name", "key", "counts until", "last used")
    for key in found:
        if json:
            print(msgspec.json.encode({**msgspec.structs.asdict(key), "counts": key.counts(now)}).decode())
        else:
            names = [escaped(text) for text in (key.tenant, key.role, key.name)]
            shown.add_row(key.id, *names, f"…{key.hint}", _until(key), _said(key.last_used_at, "never"))
    if found and not json:
        console().print(shown)
    return 0


def roll(
    id_: Annotated[str, Parameter(name="ID", help="As `key list` shows it: key_…")],
    *,
    overlap: Annotated[float, Parameter(help="Hours for which the old key still counts.")] = 24.0,
    json: Json = False,
) -> int:
    """Make a key in another one's place, which still counts for a while, so that both work meanwhile."""
    with _opened() as keys:
        made = keys.roll(id_, timedelta(hours=max(0.0, overlap)), datetime.now(UTC))
    _print_made(made, json=json)
    return 0


def revoke(id_: Annotated[str, Parameter(name="ID", help="As `key list` shows it: key_…")]) -> int:
    """From now on the key counts no more; a running server learns it within seconds."""
    with _opened() as keys:
        kept = keys.revoke(id_, datetime.now(UTC))
    print(f"{kept.id} ({escaped(kept.name)}) is revoked")
    return 0


@contextmanager
def _opened() -> Iterator[KeyStore]:
    from prorata.keys.store import KeyStore

    settings = Settings.of()
    with closing(KeyStore(settings.database_url, settings.api_secret)) as keys:
        yield keys


def _print_made(made: MadeKey, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode({"key": made.key, **msgspec.structs.asdict(made.kept)}).decode())
    else:
        print(made.key)


def _until(key: ApiKey) -> str:
    ends = [end for end in (key.expires_at, key.revoked_at) if end is not None]
    return _said(min(ends, default=None), "revoked or rolled")


def _said(at: datetime | None, otherwise: str) -> str:
    return otherwise if at is None else at.astimezone(UTC).isoformat(timespec="minutes")
