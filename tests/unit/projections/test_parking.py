"""Of many accounts those that PostgreSQL refuses are found in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import msgspec
import psycopg

from projections.live.parking import put_accepted
from projections.tables import Connection


class Shown(msgspec.Struct, frozen=True):
    account: str
    version: int
    revision: int


class Savepoints:
    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()


class Table:
    """Takes documents, but for those of some accounts."""

    def __init__(self, refused: set[str]) -> None:
        self._refused = refused
        self.held: list[Any] = []
        self.statements = 0

    def put(self, documents: Sequence[Any]) -> None:
        self.statements += 1
        if any(document.account in self._refused for document in documents):
            raise psycopg.DataError("out of range")
        self.held += documents


def test_all_but_the_refused_accounts_are_written_in_few_statements() -> None:
    documents = [Shown(f"acme/{nth // 2}", 1 + nth % 2, nth) for nth in range(8_000)]
    table = Table({"acme/17", "acme/3999"})
    failures = put_accepted(cast("Connection", Savepoints()), table.put, documents)
    assert [(f.account_id, f.version, f.position) for f in failures] == [
        ("acme/17", 2, 35),
        ("acme/3999", 2, 7_999),
    ]
    assert table.held == [d for d in documents if d.account not in {"acme/17", "acme/3999"}]
    assert table.statements < 60
