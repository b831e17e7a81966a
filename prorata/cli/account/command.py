"""`prorata command`: commands to the running system, one JSON object a line, answered one line each
(docs/scenarios.md)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec
from cyclopts import Parameter

from domain.errors import BAD_INPUT, TRY_AGAIN
from prorata.cli.catalog.nothing_sold import CODE as NO_CATALOGUE
from prorata.cli.catalog.nothing_sold import note_nothing_sold
from prorata.settings import Settings


def command(
    file: Annotated[
        str, Parameter(help="A file of lines; - is standard input.", allow_leading_hyphen=True)
    ] = "-",
    *,
    test_clock: Annotated[
        bool, Parameter(negative="", help="Reach accounts on a test clock, each line with `at`.")
    ] = False,
    tenant: Annotated[str, Parameter(help="The tenant whose accounts are meant.")] = "main",
    language: Annotated[Literal["en", "fr"], Parameter(help="Of each answer's `message`.")] = "en",
) -> int:
    """Give commands, one JSON object a line; each is answered by one line on stdout, in order.

    Where nothing is sold (`no_catalogue`), stderr says once why, and what to do.

    Exit 0: every line was a command (a refusal is an answer). 2: some line was none; the others were done.
    3: the system could not be reached, or a line's fate is unknown (said on stderr).
    """
    from prorata.cli.account.speaking import Speaker
    from prorata.wiring import running
    from service.commands import account_id_of
    from service.errors import LineUnanswered
    from service.session import CommandSession

    exit_code, noted = 0, False
    lives_on: Literal["wall", "test"] = "test" if test_clock else "wall"
    with _lines(file) as lines, running(Settings.of()) as system:
        session = CommandSession(
            system.service,
            system.catalogues,
            system.clock,
            tenant=tenant,
            lives_on=lives_on,
        )
        speak = Speaker(system, language)
        for line in lines:
            if not line.strip():
                continue
            try:
                answer = session.answer_line(line)
            except LineUnanswered as error:
                print(f"prorata: {error.code}: {error}", file=sys.stderr)
                return TRY_AGAIN
            if answer.is_command and answer.account is not None:
                answer = speak(answer, account_id_of(tenant, answer.account))
            print(msgspec.json.encode(answer).decode(), flush=True)
            if answer.code == NO_CATALOGUE and not noted:
                noted = True
                note_nothing_sold(system.catalogues.on_the_wall_clock(), system.clock.now())
            if not answer.is_command:
                exit_code = BAD_INPUT
    return exit_code


@contextmanager
def _lines(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
    else:
        with Path(file).open("rb") as lines:
            yield lines
