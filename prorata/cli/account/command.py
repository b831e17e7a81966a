"""`prorata command`: commands to the running system, one JSON object a line, answered one line each
(docs/scenarios.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, Literal

import msgspec
from cyclopts import Parameter

from domain.errors import BAD_INPUT, DONE, TRY_AGAIN
from prorata.cli.catalog.nothing_sold import CODE as NO_CATALOGUE
from prorata.cli.catalog.nothing_sold import note_nothing_sold
from prorata.cli.terminal.failures import complain, explained
from prorata.cli.terminal.streams import standard_input
from prorata.settings import Settings

if TYPE_CHECKING:
    from prorata.cli.account.speaking import Speaker
    from service.commands import AnswerLine
    from service.session import CommandSession


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
    3: the system could not be reached, or a line's fate is unknown (said on stderr). 4: some line failed for
    a reason that stays, such as an account whose log was altered (said on stderr); the others were done.
    """
    from prorata.cli.account.speaking import Speaker
    from prorata.wiring import running
    from service.errors import LineUnanswered
    from service.session import CommandSession

    exit_code, given, noted = DONE, 0, False
    lives_on: Literal["wall", "test"] = "test" if test_clock else "wall"
    with _lines(file) as lines, running(Settings.of()) as system:
        session = CommandSession(
            system.service.core,
            system.catalogues,
            system.clock,
            tenant=tenant,
            lives_on=lives_on,
        )
        speak = Speaker(system, language)
        try:
            for line in lines:
                given += 1
                answer, ended_with = _answered(session, line, speak, tenant)
                print(msgspec.json.encode(answer).decode(), flush=True)
                if answer.code == NO_CATALOGUE and not noted:
                    noted = True
                    note_nothing_sold(system.catalogues.on_the_wall_clock(), system.clock.now())
                exit_code = max(exit_code, ended_with)
        except LineUnanswered as error:
            return explained(error)
        except OSError as error:
            complain("answer_not_written", f"{error.strerror}; {_UNREAD.format(number=given)}")
            return TRY_AGAIN
    return exit_code


_UNREAD: Final = (
    "line {number} was done and its answer could not be written, the lines after it were not given: "
    "give them again under the same ids"
)


def _answered(session: CommandSession, line: bytes, speak: Speaker, tenant: str) -> tuple[AnswerLine, int]:
    """The answer to the line, and the exit code that it makes. A line that fails is said on stderr too."""
    from service.commands import account_id_of, answered_failed
    from service.errors import LineFailed

    try:
        answer = session.answer_line(line)
    except LineFailed as error:
        failed = answered_failed(error.account, error.command_id, error.code, str(error))
        return failed, explained(error)
    if answer.is_command and answer.account is not None:
        answer = speak(answer, account_id_of(tenant, answer.account))
    return answer, DONE if answer.is_command else BAD_INPUT


@contextmanager
def _lines(file: str) -> Iterator[Iterator[bytes]]:
    if file == "-":
        yield bounded_lines(standard_input())
    else:
        with Path(file).open("rb") as lines:
            yield bounded_lines(lines)


def bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that hold something. Of one that is too long only so much that this shows."""
    from service.commands import MAX_LINE

    while line := stream.readline(MAX_LINE + 1):
        end = line
        while len(end) > MAX_LINE and not end.endswith(b"\n"):
            end = stream.readline(MAX_LINE + 1)
        if line.strip():
            yield line
