"""The table of the console's pages, without those that one signs in at."""

from __future__ import annotations

from typing import Final

from prorata.pages.console import account_pages, finance_pages, operator_pages, start_pages
from prorata.pages.page import Page

CONSOLE: Final[tuple[Page, ...]] = (
    *start_pages.PAGES,
    *account_pages.PAGES,
    *operator_pages.PAGES,
    *finance_pages.PAGES,
)
