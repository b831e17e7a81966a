"""The shop of an account as JSON, made once for as long as it stays the same.

    pages = ShopPages()
    told = pages.kept(looked, "fr") or pages.made(looked, "fr")      # field → its JSON
    body = msgspec.json.encode(looked.heading | told)

To make one takes a preview of everything that is sold (R48, R49); people look at it much more often than it
changes. It is kept for a state of the account, so whoever reads the state at the log's head never sees an old
one.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import msgspec

from domain.catalog import Catalogues
from domain.shop import moment_of, shop
from domain.state import Account
from domain.tax import TaxTable
from prorata.cli.account.present import Looked
from prorata.cli.account.screens import shop_json
from prorata.wording import Language

Told = dict[str, msgspec.Raw]


class _Page(msgspec.Struct, frozen=True):
    """The page, and what it was made of."""

    state: Account
    catalogues: Catalogues
    moment: tuple[object, ...]
    told: Told


class ShopPages:
    """Keeps pages; threads share it. `capacity`: pages (about 15 KB each), the least recently used leave
    first."""

    def __init__(self, capacity: int = 4_096) -> None:
        self._capacity = capacity
        self._pages: OrderedDict[tuple[str, Language], _Page] = OrderedDict()
        self._lock = Lock()

    def kept(self, looked: Looked, language: Language) -> Told | None:
        """The page, if it was made before and nothing that it says has changed since. It answers at once."""
        with self._lock:
            page = self._pages.get((looked.account, language))
            if page is None or page.state is not looked.state or page.catalogues is not looked.catalogues:
                return None
            self._pages.move_to_end((looked.account, language))
        moment = moment_of(looked.state, looked.at, looked.catalogues)
        return page.told if moment == page.moment else None

    def made(self, looked: Looked, language: Language) -> Told:
        """The page made anew, and kept."""
        state, at, catalogues = looked.state, looked.at, looked.catalogues
        found = shop_json(shop(state, at, catalogues), state.currency, looked.wording(language))
        told = {name: msgspec.Raw(msgspec.json.encode(part)) for name, part in found.items()}
        if not isinstance(catalogues.taxes, TaxTable | None):
            return told  # whoever else decides the taxes may say something else a moment later
        moment = moment_of(state, at, catalogues)
        with self._lock:
            self._pages[looked.account, language] = _Page(state, catalogues, moment, told)
            self._pages.move_to_end((looked.account, language))
            if len(self._pages) > self._capacity:
                self._pages.popitem(last=False)
        return told
