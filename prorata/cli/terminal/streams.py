"""The standard streams of the command line: always open, in UTF-8 whatever the locale, and free of characters
that would forge what a terminal shows.

    closed = open_streams()            # at the start of the process
    console = Console(file=styled(sys.stdout))      # for output with colours
"""

from __future__ import annotations

import io
import logging
import os
import sys
from contextlib import suppress
from typing import Any, BinaryIO, Final, TextIO, cast

from domain.errors import InvalidInput
from domain.texts import escaped

_CLOSED: Final[set[int]] = set()
"""The file descriptors among 0, 1 and 2 that were closed when this process started."""


class PlainStream(io.TextIOWrapper):
    """A UTF-8 stream that escapes characters which move the cursor or change direction; line breaks stay.

    `reader_left`: the reader, such as `head`, has gone. A failure to write is raised once: what could
    not be written is dropped, and so is all that follows.
    """

    reader_left = False

    def write(self, text: str, /) -> int:
        return self.write_styled(text if text.isprintable() else "\n".join(map(escaped, text.split("\n"))))

    def write_styled(self, text: str) -> int:
        """Write text without escaping, for output with colours."""
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            raise

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)
            raise

    def _give_up(self, error: OSError) -> None:
        """Let what waits in the buffers go nowhere, so that no later flush fails for the same reason."""
        self.reader_left = isinstance(error, BrokenPipeError)
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class ErrorStream(PlainStream):
    """Stderr: what is written there never holds a password (prorata.redaction)."""

    def write_styled(self, text: str) -> int:
        from prorata.redaction import redacted

        return super().write_styled(redacted(text) if text.strip() else text)


class _Styled:
    """A plain stream as rich writes to it; its console has escaped the text (prorata.cli.terminal.tables)."""

    def __init__(self, stream: PlainStream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write_styled(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _OneLine(logging.Formatter):
    """Formats a log message as one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name it has there
        return escaped(super().formatMessage(record))


def open_streams() -> None:
    """Open closed standard streams, so that no file or socket gets their numbers, and make them plain.

    Raises InvalidInput `output_closed` if stdout was closed: output would be lost unseen.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _CLOSED.add(number)
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout, sys.stderr = _plain(sys.stdout, 1), _plain(sys.stderr, 2)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_OneLine("%(message)s"))
    if 1 in _CLOSED:
        reason = "standard output is closed, so what it says would be lost: send it to a file or /dev/null"
        raise InvalidInput("output_closed", "", reason)


def styled(stream: TextIO) -> TextIO:
    """The stream for text with its own colours."""
    return cast("TextIO", _Styled(stream)) if isinstance(stream, PlainStream) else stream


def reader_has_left(error: Exception) -> bool:
    """Whether the error comes from writing to a reader, such as `head`, that has gone."""
    return isinstance(error, BrokenPipeError) and getattr(sys.stdout, "reader_left", False)


def standard_input() -> BinaryIO:
    """The bytes of stdin. Raises InvalidInput `input_closed`."""
    if 0 in _CLOSED:
        raise InvalidInput("input_closed", "-", "standard input is closed: name a file, or send it something")
    return sys.stdin.buffer


def _plain(stream: TextIO | None, number: int) -> PlainStream:
    """The stream as a PlainStream; line-buffered in a terminal and on stderr."""
    if isinstance(stream, PlainStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        binary = stream.detach()
    else:
        binary = open(number, "wb", closefd=False)  # noqa: SIM115 - lives as long as the process
    by_line = number == 2 or os.isatty(number)
    kind = ErrorStream if number == 2 else PlainStream
    return kind(binary, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=by_line)
