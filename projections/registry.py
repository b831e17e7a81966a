"""The list of read models: those whose tables migrations make, and those in `projections.models.added`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from projections.errors import UnknownProjection
from projections.fold import Fold
from projections.models import access_windows, added, calendar, credit_notes, entitlements, invoices
from projections.tables import Projection

PROJECTIONS: Final[tuple[Projection, ...]] = (
    entitlements.PROJECTION,
    access_windows.PROJECTION,
    invoices.PROJECTION,
    credit_notes.PROJECTION,
    calendar.PROJECTION,
)

FOLDS: Final[dict[str, Fold[Any, Any]]] = {projection.name: projection.fold for projection in PROJECTIONS}
"""Name → fold of the read models that `publishing` makes its state topics from."""


def _found() -> tuple[Projection, ...]:
    modules = sorted(module.name for module in iter_modules(added.__path__))
    return tuple([import_module(f"{added.__name__}.{name}").PROJECTION for name in modules])


ADDED: Final[tuple[Projection, ...]] = _found()
"""Read models whose tables their first rebuild makes; a database may lack them."""

ALL: Final[tuple[Projection, ...]] = (*PROJECTIONS, *ADDED)


def projection_named(name: str) -> Projection:
    """The read model with this name. Raises UnknownProjection."""
    for projection in ALL:
        if projection.name == name:
            return projection
    raise UnknownProjection(name, [projection.name for projection in ALL])
