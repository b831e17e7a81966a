"""Files of accounts that another system exported, as CSV or as JSON lines (docs/importing.md), read row by
row. A row that cannot be read says why, and the next one is read.

    for read in account_rows(file, "csv"):
        read.line, read.row or read.faults
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, BinaryIO, Final, Literal, TypeAlias

import msgspec

from domain.errors import InvalidInput, decoder_said
from domain.import_rows import AccountRow, Fault, ProductRow, fault
from domain.repeated_names import repeated_name
from domain.texts import check_document
from service.commands import MAX_LINE

Form: TypeAlias = Literal["csv", "jsonl"]

OF_THE_ACCOUNT: Final = {
    "account": "account",
    "currency": "currency",
    "time_zone": "time_zone",
    "account_anchor": "anchor",
    "pauses": "pauses",
    "free_used": "free_used",
    "account_credit": "account_credit",
    "method": "method",
}
"""Column of a CSV file → field of the account. Its other columns are the fields of a product."""

_OF_A_PRODUCT: Final = frozenset(ProductRow.__struct_fields__)
_PAUSE: Final = re.compile(r"(\S+) (\d{4}-\d\d-\d\d)\Z")


class ReadRow(msgspec.Struct, frozen=True):
    """An account of the file and the line on which it begins, or what is wrong with it as a text. `account`:
    as far as it could be read."""

    line: int
    account: str | None
    row: AccountRow | None
    faults: tuple[Fault, ...] = ()


def account_rows(file: BinaryIO, form: Form) -> Iterator[ReadRow]:
    """Read the file from its beginning, an account after the other.

    Raises InvalidInput `invalid_file` for a file that has no such rows at all.
    """
    file.seek(0)
    return _from_csv(file) if form == "csv" else _from_json(file)


# ---- JSON lines


def _from_json(file: BinaryIO) -> Iterator[ReadRow]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            yield _unreadable(number, None, "$", f"a line has at most {MAX_LINE:,} bytes")
        elif line.strip():
            yield _from_object(number, line.strip())


def _from_object(number: int, line: bytes) -> ReadRow:
    account = None
    try:
        document = msgspec.json.decode(line)
        account = _account_in(document)
        check_document(document)
        if (twice := repeated_name(line)) is not None:
            return _unreadable(number, account, twice[0], f"the field {twice[1][:60]!r} stands twice")
        return ReadRow(number, account, msgspec.json.decode(line, type=AccountRow))
    except InvalidInput as error:
        return ReadRow(number, None, None, (fault(error.code, error.place, error.message),))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        message, place = decoder_said(error)
        return _unreadable(number, account, place, message)


def _account_in(document: Any) -> str | None:
    account = document.get("account") if isinstance(document, dict) else None
    return account if isinstance(account, str) else None


# ---- CSV


class _Lines:
    """The lines of a CSV file as text, none longer than a row may be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE:
            raise InvalidInput("invalid_file", "", f"a line has at most {MAX_LINE:,} bytes")
        try:
            text = line.decode("utf-8-sig" if self._first else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput("invalid_file", "", f"it is not in UTF-8: {error.reason}") from None
        self._first = False
        return text


def _from_csv(file: BinaryIO) -> Iterator[ReadRow]:
    reader = csv.reader(_Lines(file), strict=True)
    columns = _header(reader)
    for account, lines in groupby(_lines(reader, columns), key=lambda line: line[1].get("account", "")):
        yield _from_lines(account, list(lines))


def _header(reader: Any) -> list[str]:
    try:
        columns = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise InvalidInput("invalid_file", "line 1", str(error)) from None
    if "account" not in columns or "currency" not in columns or "time_zone" not in columns:
        message = "its first line names the columns, with `account`, `currency` and `time_zone` among them"
        raise InvalidInput("invalid_file", "line 1", message)
    for name in columns:
        if name not in OF_THE_ACCOUNT and name not in _OF_A_PRODUCT:
            raise InvalidInput("invalid_file", "line 1", f"no column is called {name[:60]!r}")
        if columns.count(name) > 1:
            raise InvalidInput("invalid_file", "line 1", f"the column {name!r} stands twice")
    return columns


def _lines(reader: Any, columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers, and the cells that are not empty; a line without an account goes on with the last one."""
    account = ""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InvalidInput("invalid_file", f"line {number}", str(error)) from None
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        found = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
        account = found.setdefault("account", account)
        if len(cells) != len(columns):
            found["\0"] = f"it has {len(cells)} columns, and the first line {len(columns)}"
        yield number, found


def _from_lines(account: str, lines: list[tuple[int, dict[str, str]]]) -> ReadRow:
    """The account of these lines, a product each; the first one says what holds for the account, the others
    the same or nothing."""
    first, products = lines[0][0], []
    number = first
    fields: dict[str, Any] = {}
    try:
        for number, cells in lines:
            if "\0" in cells:
                return _unreadable(number, account, f"line {number}", cells["\0"])
            check_document(cells, f"line {number}")
            of_product = {name: cell for name, cell in cells.items() if name not in OF_THE_ACCOUNT}
            for column, name in OF_THE_ACCOUNT.items():
                if column in cells and fields.setdefault(name, cells[column]) != cells[column]:
                    message = f"it says otherwise than line {first}, which is of the same account"
                    return _unreadable(number, account, f"line {number}, {column}", message)
            if of_product:
                products.append(msgspec.convert(of_product, ProductRow, strict=False))
        given = {**fields, "products": products, "pauses": _pauses(fields.get("pauses", ""))}
        return ReadRow(first, account, msgspec.convert(given, AccountRow, strict=False))
    except InvalidInput as error:
        return ReadRow(first, account, None, (fault(error.code, error.place, error.message),))
    except msgspec.MsgspecError as error:
        message, place = decoder_said(error)
        return _unreadable(first, account, f"line {number}, {place.removeprefix('$.')}", message)


def _pauses(text: str) -> dict[str, list[str]]:
    """`marketing 2025-08-01; marketing 2026-01-07` by family."""
    found: dict[str, list[str]] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        matched = _PAUSE.match(part)
        if matched is None:
            message = f"{part[:60]!r} is no family and date, such as `marketing 2026-01-07`"
            raise InvalidInput("invalid_row", "pauses", message)
        found.setdefault(matched[1], []).append(matched[2])
    return found


def _unreadable(line: int, account: str | None, place: str, message: str) -> ReadRow:
    return ReadRow(line, account, None, (fault("invalid_row", place, message),))
