"""The table of pages: all that a browser can ask for."""

from __future__ import annotations

from functools import lru_cache

from prorata.pages.account.table import ACCOUNT
from prorata.pages.console.table import CONSOLE
from prorata.pages.page import Page


@lru_cache(maxsize=1)
def pages() -> tuple[Page, ...]:
    """Every page, without the files that they load."""
    return (*ACCOUNT, *CONSOLE)
