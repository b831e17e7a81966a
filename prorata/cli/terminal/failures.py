"""How the command line says that something failed: one sentence on stderr with a stable code, and an exit
code that means something."""

from __future__ import annotations

import errno
import sys
import traceback

import cyclopts

from domain.errors import InvalidInput
from prorata.cli.terminal.printable import printable

NOT_SO, BAD_INPUT, UNREACHABLE, HALTED, OWN_FAULT = 1, 2, 3, 4, 70


def explained(error: Exception) -> int:
    """Print what failed, where and what to do; the exit code of such a failure."""
    if isinstance(error, cyclopts.CycloptsError):
        return _say(BAD_INPUT, "usage", f"{error}\nSee `prorata --help`.")
    if isinstance(error, InvalidInput):
        return _say(BAD_INPUT, error.code, printable(str(error)))
    code = getattr(error, "code", None)
    if isinstance(code, str):
        return _say(_exit_code(error), code, str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return _say(BAD_INPUT, "unreadable", f"{error.filename}: {error.strerror}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return _say(BAD_INPUT, "output_not_written", f"{error.strerror}: write to another place")
    if (unreachable := _unreachable(error)) is not None:
        return _say(UNREACHABLE, *unreachable)
    traceback.print_exception(error)
    return _say(
        OWN_FAULT, "internal_error", "this is a fault of Prorata's own: please report the lines above"
    )


def _exit_code(error: Exception) -> int:
    """Of a failure of one of the packages, which all have a code."""
    from consumers.errors import ArchiveBroken, ConsumerHalted, ReplayRefused, UnknownConsumer
    from consumers.finance_ledger.closing import CloseRefused
    from eventlog.errors import EventUnreadable, RowUnreadable, SealRefused
    from projections.errors import CheckpointForeign, FoldOutdated, UnknownProjection
    from publishing.errors import RelayHalted, TopicsRefused

    if isinstance(error, UnknownProjection | UnknownConsumer):
        return BAD_INPUT
    if isinstance(error, ArchiveBroken | CloseRefused | ReplayRefused | SealRefused):
        return NOT_SO
    if isinstance(error, EventUnreadable | RowUnreadable):
        return HALTED
    if isinstance(error, RelayHalted | TopicsRefused | ConsumerHalted | CheckpointForeign | FoldOutdated):
        return HALTED
    return UNREACHABLE


def _unreachable(error: Exception) -> tuple[str, str] | None:
    """Code and sentence where a server was away."""
    import psycopg
    from kafka.errors import KafkaError

    reason = " ".join(str(error).split())
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return "database_unreachable", f"the database does not answer (PRORATA_DATABASE_URL): {reason}"
    if isinstance(error, KafkaError):
        return "broker_unreachable", f"the broker does not answer (PRORATA_KAFKA): {reason}"
    return None


def _say(exit_code: int, code: str, message: str) -> int:
    print(f"prorata: {code}: {message}", file=sys.stderr)
    return exit_code
