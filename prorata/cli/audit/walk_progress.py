"""What `prorata verify` and `prorata seal` share: the option for workers, the progress bar, lines on
problems."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from eventlog.audit.verify import Progress, VerifyReport

Workers = Annotated[
    int | None,
    Parameter(
        validator=validators.Number(gte=1),
        help="Processes that walk, each with a connection of its own; default: one for each core.",
    ),
]


def workers_or_cores(workers: int | None) -> int:
    """The number of workers asked for; default: the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if workers is None else workers


@contextmanager
def progress_bar(doing: str) -> Iterator[Progress | None]:
    """A progress bar on stderr; None if that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from prorata.cli.terminal.tables import console

    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as shown:
        task = shown.add_task(doing, total=None)
        yield lambda done, expected: shown.update(task, completed=done, total=expected)


def findings(report: VerifyReport) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each finding of the report, as a sentence and as a JSON object."""
    for problem in report.problems:
        told = {"account": problem.account_id, "version": problem.version, "message": problem.message}
        yield str(problem), {"problem": problem.kind, **told}
    if report.more_problems:
        more = f"{report.more_problems} more accounts have a problem"
        yield more, {"problem": "more", "message": more}
    for sentence in report.unguarded:
        yield f"unguarded: {sentence}", {"problem": "unguarded", "message": sentence}


def say(text: str, told: dict[str, Any], *, json: bool) -> None:
    """Print the text, or with `json` the object, as a line."""
    print(msgspec.json.encode(told).decode() if json else text, flush=True)


def counted(report: VerifyReport) -> str:
    """A sentence on how much was walked."""
    return f"{report.events:,} events of {report.accounts:,} accounts"
