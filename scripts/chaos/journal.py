"""A writer's record of what it sent and how it was answered, in its own file outside the database.

    journal = Journal(path)
    journal.write(Sent(...))        # on disk before the append is given to the log
    journal.write(Stored(...))      # on disk after the answer, before the next append

A line that a kill cut short is no entry: what it would record had not happened yet, or its outcome is
unknown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec


class _Entry(msgspec.Struct, frozen=True, tag=True):
    """An entry, one line of the file."""


class Sent(_Entry, frozen=True):
    """An append that follows `version` is about to be given to the log."""

    account: str
    version: int
    ids: tuple[UUID, ...]


class Row(msgspec.Struct, frozen=True, array_like=True):
    """The position, version and hash under which the log reported an event as stored."""

    position: int
    version: int
    hash: str


class Stored(_Entry, frozen=True):
    """The log acknowledged the append of these events."""

    ids: tuple[UUID, ...]
    rows: tuple[Row, ...]


class Lost(_Entry, frozen=True):
    """The log refused the append for a conflict: no part of it may be stored."""

    ids: tuple[UUID, ...]


class Given(_Entry, frozen=True):
    """A command is about to be given."""

    id: str
    line: dict[str, Any]


class Answered(_Entry, frozen=True):
    """The command was answered."""

    id: str
    answer: dict[str, Any]


class Noticed(_Entry, frozen=True):
    """A process saw at work what must never happen: a finding."""

    message: str


class Told(_Entry, frozen=True):
    """A webhook came in at that path. `subject`: the account; `previous`: the version that it names as the
    one before."""

    path: str
    message_id: str
    subject: str
    version: int
    previous: int | None
    position: int


Entry: TypeAlias = Sent | Stored | Lost | Given | Answered | Noticed | Told

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Entry)


class Journal:
    """Writes whole entries and forces them to disk; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # ends a line that the process before left unfinished

    def write(self, entry: Entry) -> None:
        """Write the entry; return once it is on disk."""
        os.write(self._file, _encoder.encode(entry) + b"\n")
        os.fsync(self._file)


def read(path: Path) -> Iterator[Entry]:
    """The entries so far, in order; none if there is no file."""
    if path.exists():
        with path.open("rb") as lines:
            yield from _entries(lines)


def recent(path: Path, last_bytes: int = 100_000) -> list[Entry]:
    """The entries in the last bytes of the file."""
    with path.open("rb") as lines:
        size = lines.seek(0, os.SEEK_END)
        lines.seek(max(0, size - last_bytes))
        return list(_entries(lines))


def _entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    for line in lines:
        if line.endswith(b"}\n"):
            try:
                yield _decoder.decode(line)
            except msgspec.DecodeError:
                continue  # cut short by a kill, or by where reading began
