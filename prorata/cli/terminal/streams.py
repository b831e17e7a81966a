"""The standard streams of the command line: there, in UTF-8 whatever the locale, and without a character that
would forge what a terminal shows.

    closed = open_streams()            # at the start of the process
    console = Console(file=styled(sys.stdout))      # for what writes colours of its own
"""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import Any, BinaryIO, Final, TextIO, cast

from domain.errors import InvalidInput
from domain.texts import escaped

_CLOSED: Final[set[int]] = set()
"""Those of 0, 1 and 2 that whoever started this process has closed."""


class PlainStream(io.TextIOWrapper):
    """Text in UTF-8: what moves a cursor or turns a direction is written as its escape; line breaks stay.

    `reader_left`: whoever read this has gone, such as `head`.
    """

    reader_left = False

    def write(self, text: str, /) -> int:
        return self.write_styled(text if text.isprintable() else "\n".join(map(escaped, text.split("\n"))))

    def write_styled(self, text: str) -> int:
        """As it is, with the colours of a terminal."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self.reader_left = True
            raise

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self.reader_left = True
            raise


class _Styled:
    """A plain stream for rich, which escapes what it is given (prorata.cli.terminal.tables.console)."""

    def __init__(self, stream: PlainStream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write_styled(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _OneLine(logging.Formatter):
    """A log message as one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name it has there
        return escaped(super().formatMessage(record))


def open_streams() -> None:
    """Let stdin, stdout and stderr be there, so that no file or socket takes their numbers, and be plain.

    Raises InvalidInput `output_closed` where stdout was closed: what is written would be lost unseen.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _CLOSED.add(number)
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout, sys.stderr = _plain(sys.stdout, 1), _plain(sys.stderr, 2)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_OneLine("%(message)s"))
    if 1 in _CLOSED:
        reason = "standard output is closed, so what it says would be lost: send it to a file or /dev/null"
        raise InvalidInput("output_closed", "", reason)


def styled(stream: TextIO) -> TextIO:
    """The stream for text that brings colours of its own."""
    return cast("TextIO", _Styled(stream)) if isinstance(stream, PlainStream) else stream


def reader_has_left(error: Exception) -> bool:
    """Whether this is the error of writing to a reader that has gone, such as `head`."""
    return isinstance(error, BrokenPipeError) and getattr(sys.stdout, "reader_left", False)


def standard_input() -> BinaryIO:
    """The bytes of stdin. Raises InvalidInput `input_closed`."""
    if 0 in _CLOSED:
        raise InvalidInput("input_closed", "-", "standard input is closed: name a file, or send it something")
    return sys.stdin.buffer


def _plain(stream: TextIO | None, number: int) -> PlainStream:
    """The same stream, plain. Line by line where somebody watches, and on stderr."""
    if isinstance(stream, PlainStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        binary = stream.detach()
    else:
        binary = open(number, "wb", closefd=False)  # noqa: SIM115 - lives as long as the process
    by_line = number == 2 or os.isatty(number)
    return PlainStream(
        binary, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=by_line
    )
