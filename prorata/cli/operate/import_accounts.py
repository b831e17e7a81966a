"""`prorata import accounts`: takes over accounts from another system (docs/importing.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import msgspec
from cyclopts import Parameter

from domain.errors import BAD_INPUT, DONE, InvalidInput
from prorata.settings import Settings

if TYPE_CHECKING:
    from prorata.wiring import Running
    from service.account_files import Form
    from service.account_import import AccountImport, Checked


def accounts(
    file: Annotated[Path, Parameter(help="A file of accounts: .csv, or .jsonl with an object a line.")],
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Check every row, and change nothing.")] = False,
    report: Annotated[
        Path | None, Parameter(help="A file for what became of each row, as JSON lines.")
    ] = None,
    as_of: Annotated[
        str | None, Parameter(help="The moment that the rows describe; default: now. With an offset or Z.")
    ] = None,
    test_clock: Annotated[
        bool, Parameter(negative="", help="Open them on a test clock, with --as-of.")
    ] = False,
    tenant: Annotated[str, Parameter(help="The tenant to which they will belong.")] = "main",
    form: Annotated[
        Literal["csv", "jsonl"] | None, Parameter(name="--format", help="Where the name does not say it.")
    ] = None,
) -> int:
    """Take over accounts from another system, so that their next renewal is billed here.

    Every row is checked before any is taken: where one has a fault, all faults are said and nothing is
    changed. A run that was ended may be given again: each account is taken over once.

    Exit 0: all are taken over. 2: some row has a fault. 3: the system could not be reached: give it again.
    """
    from prorata.wiring import running
    from service.account_files import account_rows
    from service.commands import check_tenant

    check_tenant(tenant)
    kind = form or _form_of(file)
    with file.open("rb") as rows, running(Settings.of()) as system, _reported(report) as written:
        importing = _import_of(
            system, tenant, as_of, test_clock=test_clock, dry_run=dry_run, foretells=report is not None
        )
        found = dict.fromkeys(("ready", "taken", "taken_before", "refused"), 0)
        for checked in importing.checked(account_rows(rows, kind)):
            found[checked.outcome] += 1
            _print_faults(checked)
            if dry_run or checked.faults:
                _write(written, checked)
        if found["refused"]:
            _print_summary(found, "nothing was taken over")
            return BAD_INPUT
        if dry_run:
            _print_summary(found, "nothing was changed")
            return DONE
        found = dict.fromkeys(found, 0)
        for checked in importing.taken(account_rows(rows, kind)):
            found[checked.outcome] += 1
            _write(written, checked)
        _print_summary(found, "")
    return DONE


def _form_of(file: Path) -> Form:
    if file.suffix == ".csv":
        return "csv"
    if file.suffix in (".jsonl", ".ndjson", ".json"):
        return "jsonl"
    message = f"the name of {file.name!r} does not say what it is: --format csv, or --format jsonl"
    raise InvalidInput("unknown_format", "--format", message)


def _import_of(
    system: Running, tenant: str, as_of: str | None, *, test_clock: bool, dry_run: bool, foretells: bool
) -> AccountImport:
    """Raises InvalidInput `as_of_missing`, `as_of_in_future`, `invalid_moment`, and as `check_clock`."""
    from prorata.cli.catalog.nothing_sold import nothing_sold
    from service.account_import import AccountImport

    now = system.clock.now()
    system.service.check_clock("test" if test_clock else "wall")
    if test_clock:
        if as_of is None:
            raise InvalidInput("as_of_missing", "--as-of", "a test clock stands where --as-of says")
        catalog, series = system.catalogues.pin(None, keep=not dry_run), system.catalogues.newest()
    else:
        catalog, series = None, system.catalogues.on_the_wall_clock()
    at = now if as_of is None else _moment(as_of)
    if not test_clock and at > now:
        message = f"{at.isoformat(timespec='seconds')} is still to come"
        raise InvalidInput("as_of_in_future", "--as-of", message)
    if (nothing := nothing_sold(series, at)) is not None:
        raise nothing
    return AccountImport(
        system.log,
        series,
        system.gateways.test if test_clock else system.gateways.wall,
        tenant=tenant,
        clock="test" if test_clock else "wall",
        at=at,
        catalog=catalog,
        foretells=foretells,
    )


def _moment(text: str) -> datetime:
    from domain.calendar import parse_moment

    return parse_moment(text, "UTC", "--as-of")


# ---- what is said


@contextmanager
def _reported(report: Path | None) -> Iterator[TextIO | None]:
    if report is None:
        yield None
        return
    with report.open("w", encoding="utf-8") as written:
        yield written


def _write(written: TextIO | None, checked: Checked) -> None:
    if written is not None:
        written.write(msgspec.json.encode(checked).decode() + "\n")


def _print_faults(checked: Checked) -> None:
    for fault in checked.faults:
        account = "" if checked.account is None else f", account {checked.account[:60]!r}"
        print(f"line {checked.line}{account}: {fault.code} at {fault.place}: {fault.message}; {fault.remedy}")


def _print_summary(found: dict[str, int], then: str) -> None:
    said = {
        "taken": "taken over",
        "ready": "can be taken over",
        "taken_before": "taken over before",
        "refused": "with a fault",
    }
    parts = [f"{number:,} {said[outcome]}" for outcome, number in found.items() if number]
    rows = f"{sum(found.values()):,} accounts: {', '.join(parts) or 'none'}"
    print(f"{rows}; {then}" if then else rows)
