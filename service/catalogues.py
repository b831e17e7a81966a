"""The catalogue's versions, and which of them an account's prices are read from; with them the taxes and the
discount codes.

    library.load(body, effective_from=None, now=clock.now())   # version 3, in force from now on
    library.series_for(state)                                  # what the pure rules take

Accounts on the wall clock take the series of loaded versions, without the shipped example. An account on a
test clock has a series of its own: the catalogue that it was opened with, or what was newest then, and the
versions that its `catalog` commands made of it. Each is stored by the digest that the account's events name;
tax table and codes of such an account stand in its first version, and without them it has none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.catalog import Catalog, Catalogues, CatalogVersion
from domain.catalog_file import NamedPolicies, canonical_bytes, digest_of
from domain.commands import ChangeCatalog
from domain.errors import InvalidCatalog, InvalidInput
from domain.granting import ever_sold
from domain.own_catalog import laid_over, new_versions, stored_catalog, terms_of, with_terms
from domain.state import Account, OwnVersion
from domain.tax import Taxes
from domain.terms import check_products, codes_given, discounts_in, tax_given
from service.catalogue_store import CatalogueStore, Stamp
from service.catalogue_versions import (
    CatalogueVersion,
    canonical,
    check_follows,
    example_body,
    known_by,
    newest,
    series_of,
)
from service.errors import CatalogueMissing
from service.terms import (
    TERMS_KINDS,
    TaxDecider,
    TermsKind,
    TermsVersion,
    canonical_terms,
    codes_in,
    known_terms,
    taxes_in,
)

GOOD_FOR: Final = 1.0
"""Seconds for which what was seen of the store is good: nobody decides by anything older."""

LOOK_AFTER: Final = 0.5
"""The share of them after which a task looks again before it decides, so that no decision has to."""

_OWN_KEPT: Final = 1_024
"""Series of accounts on a test clock that a process keeps."""


class Loaded(msgspec.Struct, frozen=True):
    """The version that holds what was given. `new`: it was loaded now; else it was in force at that instant
    already."""

    version: CatalogueVersion
    new: bool


class Withdrawn(msgspec.Struct, frozen=True):
    """A version that no account is served from. `new`: it was withdrawn now, not before."""

    version: CatalogueVersion
    new: bool


class _Seen(msgspec.Struct, frozen=True):
    """What the store held at a look. `at`: on the monotonic clock; `series`: what serves the wall clock."""

    at: float
    stamp: Stamp
    versions: tuple[CatalogueVersion, ...]
    terms: dict[TermsKind, tuple[TermsVersion, ...]]
    series: Catalogues


class CatalogueLibrary:
    """Loads versions and finds the series of an account; threads share it. `decider`: who decides the taxes
    on the wall clock in place of the tables that are loaded.

    What others load is seen within `good_for` seconds, what this library loads at once, and where the store
    cannot be looked at LogUnavailable is raised. A look blocks: tasks of an event loop ask `knows` first, and
    let a thread `look`.
    """

    def __init__(
        self,
        store: CatalogueStore,
        decider: TaxDecider | None = None,
        *,
        good_for: float = GOOD_FOR,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._decider = decider
        self._good_for = good_for
        self._monotonic = monotonic
        self._looking = Lock()
        self._seen: _Seen | None = None
        self._own: dict[tuple[str, tuple[OwnVersion, ...]], Catalogues] = {}

    def load(self, data: bytes, effective_from: datetime | None, now: datetime) -> Loaded:
        """A version in force from the instant (None: now) until the next one's. What is in force then anyway
        is not loaded again.

        Raises InvalidCatalog, `product_changed` where it makes something else of a product (R8a), and
        InvalidInput `effective_in_past`: no catalogue changes what was sold.
        """
        body = canonical(data, None)
        begins = now if effective_from is None else effective_from
        if begins < now:
            message = f"{begins.isoformat()} has passed: a catalogue is in force from now on at the earliest"
            raise InvalidInput("effective_in_past", "$.effective_from", message)
        loaded = Loaded(*self._store.add(body, digest_of(body), begins, now, check_follows))
        self._changed()
        return loaded

    def check(self, data: bytes, now: datetime) -> list[CatalogueVersion]:
        """Raise InvalidCatalog where loading it now would; the versions that it was held against."""
        body, versions = canonical(data, None), self._store.versions()
        check_follows(versions, CatalogueVersion(len(versions) + 1, now, now, digest_of(body), body))
        return [version for version in versions if version.serves]

    def withdraw(self, version: int, now: datetime) -> Withdrawn:
        """Take back a version that is not in force yet: from then on no account is served from it. One on a
        test clock that was opened with it keeps it.

        Raises InvalidInput `unknown_version`, `catalogue_in_force`.
        """
        withdrawn = Withdrawn(*self._store.withdraw(version, now))
        self._changed()
        return withdrawn

    def versions(self) -> list[CatalogueVersion]:
        """All that were ever loaded, ascending."""
        return self._store.versions()

    def series_for(self, state: Account | None, *, known_at: datetime | None = None) -> Catalogues:
        """The versions that the account's prices are read from; `known_at`: those that were known then.

        Raises CatalogueMissing.
        """
        if state is None:
            return Catalogues(())
        if state.catalog is not None:
            return self._own_series(state.catalog, state.own_versions)
        return self.on_the_wall_clock() if known_at is None else self._known_at(known_at)

    def knows(self, state: Account | None) -> bool:
        """Whether `series_for` the account answers without a look at the store, now and for a while."""
        if state is None:
            return True
        if state.catalog is not None:
            return (state.catalog, state.own_versions) in self._own
        return self._is_fresh(self._seen, LOOK_AFTER)

    def look(self, state: Account | None) -> None:
        """Look at the store where that is needed so that `knows` holds.

        Raises CatalogueMissing.
        """
        if state is not None and state.catalog is not None:
            self._own_series(state.catalog, state.own_versions)
        elif state is not None:
            self._latest(LOOK_AFTER)

    def newest(self) -> Catalogues:
        """The series of an account on a test clock that is opened now and names no catalogue."""
        catalog = stored_catalog(self._newest_body())
        return Catalogues((CatalogVersion(None, catalog),), *terms_of(catalog))

    def _known_at(self, at: datetime) -> Catalogues:
        """The versions that served accounts on the wall clock as they were known at the instant."""
        seen = self._latest()
        known = tuple(known_by(seen.versions, at))
        series = Catalogues(seen.series.versions) if known == seen.versions else _series(known)
        codes = codes_in(known_terms(seen.terms["discounts"], at))
        return replace(series, taxes=self._taxes(seen, at), codes=codes)

    def prerequisites_differ(self) -> bool:
        """Whether two versions that serve the wall clock ask another prerequisite of one add-on."""
        asked: dict[str, set[tuple[str, ...]]] = {}
        for version in self.on_the_wall_clock().versions:
            for add_on in version.catalog.add_ons.values():
                asked.setdefault(add_on.id, set()).add(add_on.requires)
        return any(len(several) > 1 for several in asked.values())

    def on_the_wall_clock(self) -> Catalogues:
        """The versions that serve accounts on the wall clock."""
        series = self._latest().series
        if self._decider is None:
            return series
        taxes = self._decider.taxes()
        return series if series.taxes == taxes else replace(series, taxes=taxes)

    def _latest(self, share: float = 1.0) -> _Seen:
        """What the store held within that share of `good_for`."""
        seen = self._seen
        if seen is not None and self._is_fresh(seen, share):
            return seen
        with self._looking:
            seen = self._seen
            if seen is None or not self._is_fresh(seen, share):
                seen = self._seen = self._look(seen)
            return seen

    def _is_fresh(self, seen: _Seen | None, share: float) -> bool:
        return seen is not None and self._monotonic() - seen.at < self._good_for * share

    def _look(self, before: _Seen | None) -> _Seen:
        """What the store holds now; all of it is read only where something was loaded or withdrawn."""
        at, stamp = self._monotonic(), self._store.stamp()
        if before is not None and stamp == before.stamp:
            return replace(before, at=at)
        versions = tuple(self._store.versions())
        terms = {kind: tuple(self._store.terms(kind)) for kind in TERMS_KINDS}
        series = _series(versions)
        found = _Seen(at, stamp, versions, terms, series)
        codes = codes_in(known_terms(terms["discounts"], None))
        return replace(found, series=replace(series, taxes=self._taxes(found, None), codes=codes))

    def _taxes(self, seen: _Seen, known_at: datetime | None) -> Taxes | None:
        if self._decider is not None:
            return self._decider.taxes(known_at)
        return taxes_in(known_terms(seen.terms["tax"], known_at))

    def _changed(self) -> None:
        """Something was loaded here: the next one who asks looks at the store."""
        with self._looking:
            self._seen = None if self._seen is None else replace(self._seen, at=float("-inf"))

    def terms(self, kind: TermsKind) -> list[TermsVersion]:
        """The tax tables, or the lists of codes, that were ever loaded, ascending."""
        return self._store.terms(kind)

    def load_terms(self, kind: TermsKind, data: bytes, now: datetime) -> tuple[TermsVersion, bool]:
        """Load a tax table, or a list of codes, that counts from now on in place of the one before; the
        version, and whether it is new.

        Raises InvalidInput `invalid_tax`, `invalid_discounts`: also for a code of a product that no version
        of the catalogue sells.
        """
        body = canonical_terms(kind, data)
        if kind == "discounts":
            self._changed()  # here or elsewhere, a moment ago
            series = self.on_the_wall_clock()
            check_products(discounts_in(body).discounts, lambda product: ever_sold(series, product))
        added = self._store.add_terms(kind, body, now)
        self._changed()
        return added

    def pin(
        self,
        given: Any | None,
        policies: NamedPolicies | None = None,
        tax: Any | None = None,
        discounts: Any | None = None,
        *,
        keep: bool = True,
    ) -> str:
        """Keep the catalogue for an account on a test clock, as `catalog` stands in a line of JSON, decoded
        (None: the newest loaded, else the shipped example), with these policies laid over it, and with its
        tax table and discount codes, decoded too. Its digest.

        Raises InvalidInput with the place in the line.
        """
        try:
            body = self._newest_body() if given is None else canonical(_encoded(given))
        except InvalidCatalog as error:
            raise error.under("$.catalog") from None
        if policies is not None:
            body = canonical_bytes(laid_over(stored_catalog(body), policies).file)
        if tax is not None or discounts is not None:
            table = UNSET if tax is None else tax_given(tax, "$.tax")
            codes = UNSET if discounts is None else codes_given(discounts, "$.discounts")
            body = canonical_bytes(with_terms(stored_catalog(body), table, codes).file)
        sha256 = digest_of(body)
        if keep:
            self._store.pin(sha256, body)
        return sha256

    def pin_versions(self, series: Catalogues, state: Account, command: ChangeCatalog, at: datetime) -> None:
        """Keep the versions that the command will make of the account's catalogue: they are stored before an
        event names them. One that makes no catalogue is left to be refused."""
        try:
            versions = new_versions(series, state, command, at).in_order()
        except InvalidCatalog:
            return
        for version in versions:
            body = canonical_bytes(version.file)
            self._store.pin(digest_of(body), body)

    def _own_series(self, first: str, later: tuple[OwnVersion, ...]) -> Catalogues:
        """That of an account on a test clock; the last thousand are kept."""
        if (series := self._own.get((first, later))) is None:
            versions = [CatalogVersion(v.effective_from, self._pinned(v.digest)) for v in later]
            taxes, codes = terms_of(self._pinned(first))
            series = Catalogues((CatalogVersion(None, self._pinned(first)), *versions), taxes, codes)
            with self._looking:
                if len(self._own) >= _OWN_KEPT:
                    del self._own[next(iter(self._own))]
                self._own[first, later] = series
        return series

    @lru_cache(maxsize=1024)  # noqa: B019 - a library lives as long as its process
    def _pinned(self, sha256: str) -> Catalog:
        body = self._store.pinned(sha256)
        if body is None:
            raise CatalogueMissing(sha256)
        return stored_catalog(body)

    def _newest_body(self) -> bytes:
        last = newest(self._store.versions())
        return example_body() if last is None else last.body


def _series(versions: Sequence[CatalogueVersion]) -> Catalogues:
    serving = [CatalogVersion(v.effective_from, stored_catalog(v.body)) for v in series_of(versions)]
    return Catalogues(tuple(serving))


def _encoded(given: Any) -> bytes:
    try:
        return msgspec.json.encode(given)
    except (UnicodeEncodeError, RecursionError):
        raise InvalidCatalog("invalid_catalog", "$", "it is no JSON text") from None
