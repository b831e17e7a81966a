"""The catalogue's versions, which serve all accounts on the wall clock: look, check, compare, load."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import Instant, parse_moment
from domain.catalog import parse_catalog
from domain.catalog_diff import CatalogChange, changes
from domain.errors import InvalidCatalog
from domain.own_catalog import stored_catalog
from prorata.http.bodies import body_of
from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.http.route import LOOK, OPERATE, Route
from service.catalogue_store import version_named
from service.catalogue_versions import CatalogueVersion, Standing, in_force, standings


class VersionShown(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the catalogue: how it stands, from when it is in force, its name and digest."""

    version: int
    name: str
    standing: Standing
    effective_from: Instant
    loaded_at: Instant
    sha256: str
    example: bool


class VersionsAnswer(msgspec.Struct, frozen=True):
    """The versions that were ever loaded, ascending."""

    items: list[VersionShown]
    next: None


class VersionAnswer(VersionShown, frozen=True, kw_only=True):
    """A version with the catalogue itself."""

    catalogue: dict[str, Any]


class LoadedAnswer(VersionShown, frozen=True, kw_only=True):
    """The version that holds what was given. `new`: it was loaded now; else it was in force already."""

    new: bool


class CheckedAnswer(msgspec.Struct, frozen=True):
    """The catalogue could be loaded: it was held `against` these versions."""

    valid: bool
    against: list[int]


class DiffedAnswer(msgspec.Struct, frozen=True):
    """What the catalogue would change of the one that is in force (`version`, None: of nothing)."""

    version: int | None
    changes: list[CatalogChange]


class LoadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue (docs/catalogue.md), in force from a date (its beginning in UTC) or an instant; left out:
    from now on."""

    catalogue: dict[str, Any]
    effective_from: str | UnsetType = UNSET


class CatalogueBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue (docs/catalogue.md)."""

    catalogue: dict[str, Any]


async def every(desk: Desk, _call: Call) -> Answered:
    """The versions."""
    versions, now = await desk.run(desk.system.catalogues.versions), await desk.now()
    items = [_shown(version, standing) for version, standing in standings(versions, now)]
    return Answered({"items": items, "next": None})


async def one(desk: Desk, call: Call) -> Answered:
    """One version, or the `current` one."""
    versions, now, given = (
        await desk.run(desk.system.catalogues.versions),
        await desk.now(),
        call.path["version"],
    )
    if given == "current":
        found = in_force(versions, now)
        if found is None:
            raise refuse("not_found", "no catalogue is in force", place="version")
    elif given.isascii() and given.isdigit() and len(given) < 10:
        found = version_named(versions, int(given))
    else:
        raise refuse("unknown_version", "there is no such version", place="version")
    [standing] = [standing for version, standing in standings(versions, now) if version == found]
    told = msgspec.structs.asdict(_shown(found, standing))
    return Answered({**told, "catalogue": msgspec.json.decode(found.body)})


async def check(desk: Desk, call: Call) -> Answered:
    """Whether the catalogue could be loaded now."""
    data, now = _encoded(body_of(call, CatalogueBody)), await desk.now()
    try:
        against = await desk.run(partial(desk.system.catalogues.check, data, now))
    except InvalidCatalog as error:
        raise error.under("$.catalogue") from None
    return Answered({"valid": True, "against": [version.version for version in against]})


async def diff(desk: Desk, call: Call) -> Answered:
    """What the catalogue would change."""
    data = _encoded(body_of(call, CatalogueBody))
    versions, now = await desk.run(desk.system.catalogues.versions), await desk.now()
    before = in_force(versions, now)
    try:
        after = parse_catalog(data, None)
    except InvalidCatalog as error:
        raise error.under("$.catalogue") from None
    if before is None:
        return Answered({"version": None, "changes": []})
    return Answered({"version": before.version, "changes": list(changes(stored_catalog(before.body), after))})


async def load(desk: Desk, call: Call) -> Answered:
    """Load a version. What add-ons then need is noted in each account (R44), after the answer."""
    body, now = body_of(call, LoadBody), await desk.now()
    begins = None
    if body.effective_from is not UNSET:
        begins = parse_moment(body.effective_from, "UTC", "$.effective_from")
    try:
        loaded = await desk.run(partial(desk.system.catalogues.load, _encoded(body), begins, now))
    except InvalidCatalog as error:
        raise error.under("$.catalogue") from None
    if loaded.new and await desk.run(desk.system.catalogues.prerequisites_differ):
        desk.later(_note_prerequisites(desk))
    versions = await desk.run(desk.system.catalogues.versions)
    [standing] = [s for version, s in standings(versions, now) if version.version == loaded.version.version]
    told = msgspec.structs.asdict(_shown(loaded.version, standing))
    return Answered({**told, "new": loaded.new}, 201 if loaded.new else 200)


async def _note_prerequisites(desk: Desk) -> None:
    for account_id in await desk.run(lambda: list(desk.system.log.accounts())):
        await desk.service.note_prerequisites(account_id)


def _encoded(body: LoadBody | CatalogueBody) -> bytes:
    return msgspec.json.encode(body.catalogue)


def _shown(version: CatalogueVersion, standing: Standing) -> VersionShown:
    return VersionShown(
        version=version.version,
        name=parse_catalog(version.body, None).version,
        standing=standing,
        effective_from=version.effective_from,
        loaded_at=version.loaded_at,
        sha256=version.sha256,
        example=version.example,
    )


_AT: Final = "/v1/catalogues"
_TAG: Final = "catalogues"

ROUTES = (
    Route("GET", _AT, "list-catalogues", "The catalogue's versions.", LOOK, every, VersionsAnswer, tag=_TAG),
    Route(
        "GET",
        f"{_AT}/{{version}}",
        "get-catalogue",
        "A version of the catalogue by its number, or the one in force: `current`.",
        LOOK,
        one,
        VersionAnswer,
        tag=_TAG,
    ),
    Route(
        "POST",
        f"{_AT}/check",
        "check-catalogue",
        "Whether a catalogue could be loaded; nothing is changed.",
        OPERATE,
        check,
        CheckedAnswer,
        CatalogueBody,
        tag=_TAG,
    ),
    Route(
        "POST",
        f"{_AT}/diff",
        "diff-catalogue",
        "What a catalogue would change of the one in force; nothing is changed.",
        OPERATE,
        diff,
        DiffedAnswer,
        CatalogueBody,
        tag=_TAG,
    ),
    Route(
        "POST",
        _AT,
        "load-catalogue",
        "Load a version for accounts on the wall clock, of all tenants.",
        OPERATE,
        load,
        LoadedAnswer,
        LoadBody,
        status=201,
        also=(200,),
        tag=_TAG,
    ),
)
