"""A version of the catalogue as it was loaded, and how it stands beside the others.

    standings(versions, now)    # [(version 1, "superseded"), (version 2, "in force"), …]
    in_force(versions, now)     # version 2; None: nothing is sold on the wall clock

Of the versions that begin at one instant the one loaded last counts. The shipped example and what was
withdrawn are in force at no time.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from domain.catalog import Catalogues, CatalogVersion, parse_catalog
from domain.catalog_file import canonical_bytes, check_catalog_texts, decode_catalog, digest_of
from domain.own_catalog import stored_catalog
from domain.product_identity import refuse_other_products

EXAMPLE: Final = Path(__file__).parent / "example_catalog.json"
"""The shipped example, for accounts on a test clock only."""

Standing: TypeAlias = Literal["in force", "scheduled", "superseded", "withdrawn", "example"]


class CatalogueVersion(msgspec.Struct, frozen=True):
    """A version as it was loaded; `body` is canonical, so equal catalogues have equal digests."""

    version: int
    effective_from: datetime
    loaded_at: datetime
    sha256: str
    body: bytes
    withdrawn_at: datetime | None = None

    @property
    def example(self) -> bool:
        """It is the shipped example, which no account on the wall clock is served from."""
        return self.sha256 == digest_of(example_body())

    @property
    def serves(self) -> bool:
        """It is, was or will be in force on the wall clock, unless another one takes its place."""
        return self.withdrawn_at is None and not self.example


def served(versions: Sequence[CatalogueVersion]) -> list[CatalogueVersion]:
    """Those that serve the wall clock, by the instant from which they do; one for each instant."""
    ordered = sorted((v for v in versions if v.serves), key=lambda v: (v.effective_from, v.version))
    return list({v.effective_from: v for v in ordered}.values())


def series_of(versions: Sequence[CatalogueVersion]) -> list[CatalogueVersion]:
    """Those that serve the wall clock at some time, ascending: not one whose place another one took before
    its instant."""
    ordered = sorted((v for v in versions if v.serves), key=lambda v: (v.effective_from, v.version))
    replaced = {v.effective_from: v.version for v in ordered if v.loaded_at < v.effective_from}
    return [v for v in ordered if v.version >= replaced.get(v.effective_from, 0)]


def check_follows(versions: Sequence[CatalogueVersion], new: CatalogueVersion) -> None:
    """Raise InvalidCatalog `product_changed` if the version makes something else of a product that any other
    one sells, before or after it (R8a); and if a prerequisite names a plan that was never sold."""
    if not new.serves:
        return
    series = series_of([*versions, new])
    place = series.index(new)
    earlier = Catalogues(tuple([CatalogVersion(None, stored_catalog(v.body)) for v in series[:place]]))
    ever_sold = earlier.ever_sold(new.effective_from)
    catalog = parse_catalog(new.body, ever_sold.plans)
    refuse_other_products(ever_sold, catalog)
    for later in series[place + 1 :]:
        refuse_other_products(stored_catalog(later.body), catalog)


def known_by(versions: Sequence[CatalogueVersion], at: datetime) -> list[CatalogueVersion]:
    """The versions as they were known at the instant: those loaded, and withdrawn, by then."""
    return [
        v if v.withdrawn_at is None or v.withdrawn_at <= at else replace(v, withdrawn_at=None)
        for v in versions
        if v.loaded_at <= at
    ]


def in_force(versions: Sequence[CatalogueVersion], at: datetime) -> CatalogueVersion | None:
    """The version that serves the wall clock at the instant."""
    begun = [v for v in served(versions) if v.effective_from <= at]
    return begun[-1] if begun else None


def standings(versions: Sequence[CatalogueVersion], now: datetime) -> list[tuple[CatalogueVersion, Standing]]:
    """Each version in the order of loading, and how it stands now."""
    serving = {v.version for v in served(versions)}
    present = in_force(versions, now)

    def standing(v: CatalogueVersion) -> Standing:
        if v.withdrawn_at is not None:
            return "withdrawn"
        if v.example:
            return "example"
        if v == present:
            return "in force"
        return "scheduled" if v.version in serving and v.effective_from > now else "superseded"

    return [(v, standing(v)) for v in versions]


def the_same(
    versions: Sequence[CatalogueVersion], sha256: str, effective_from: datetime
) -> CatalogueVersion | None:
    """The version that makes loading this content again pointless: it has the content and is in force at that
    instant already. For the example, which is never in force: the newest version, if it is the example."""
    example = sha256 == digest_of(example_body())
    kept = newest(versions) if example else in_force(versions, effective_from)
    return kept if kept is not None and kept.sha256 == sha256 else None


def newest(versions: Sequence[CatalogueVersion]) -> CatalogueVersion | None:
    """The version loaded last that was not withdrawn: what an account on a test clock is opened with."""
    return next((v for v in reversed(versions) if v.withdrawn_at is None), None)


def canonical(data: bytes, ever_sold: Container[str] | None = ()) -> bytes:
    """The same catalogue however its file is spaced and ordered. `ever_sold` as of `parse_catalog`.

    Raises InvalidCatalog with the place of the first fault.
    """
    catalog = parse_catalog(data, ever_sold)
    check_catalog_texts(data)
    return canonical_bytes(catalog.file)


def demo_body() -> bytes:
    """The example under a name of its own, by which it serves the wall clock too: for trying that out."""
    example = decode_catalog(EXAMPLE.read_bytes())
    about = f"For trying the wall clock. {example.about}"
    return canonical_bytes(replace(example, version="demo", about=about))


@lru_cache(maxsize=1)
def example_body() -> bytes:
    """The shipped example, canonical."""
    return canonical(EXAMPLE.read_bytes())
