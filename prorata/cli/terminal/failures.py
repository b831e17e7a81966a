"""Report a failure on the command line: one sentence on stderr with a stable code, and an exit code
(docs/operations.md, "Exit codes")."""

from __future__ import annotations

import errno
import sys
import traceback
from contextlib import suppress
from typing import Final

import cyclopts

from domain.errors import BAD_INPUT, HALTED, OWN_FAULT, TRY_AGAIN, Failure
from domain.texts import escaped

_NOT_WRITTEN: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS)


def explained(error: Exception) -> int:
    """Print what failed, where, and what to do; return the failure's exit code."""
    if (missing := _privilege_missing(error)) is not None:
        return _say(HALTED, "privilege_missing", missing)
    if isinstance(error, Failure):
        return _say(error.exit_code, error.code, str(error))
    if isinstance(error, cyclopts.CycloptsError):
        return _say(BAD_INPUT, "usage", f"{error}", "See `prorata --help`.")
    if isinstance(error, OSError) and error.filename is not None:
        return _say(BAD_INPUT, "unreadable", f"{error.filename}: {error.strerror}")
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN:
        return _say(BAD_INPUT, "output_not_written", f"{error.strerror}: write to another place")
    if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
        return _say(BAD_INPUT, "port_unusable", f"cannot listen there: {error.strerror}; give another port")
    if (of_server := _of_server(error)) is not None:
        return _say(*of_server)
    traceback.print_exception(error)
    return _say(
        OWN_FAULT, "internal_error", "this is a fault of Prorata's own: please report the lines above"
    )


def complain(code: str, message: str) -> None:
    """Print code and message on stderr as one line, whatever the message holds."""
    with suppress(OSError):  # nobody reads stderr: the exit code has to do
        print(f"prorata: {code}: {escaped(' '.join(message.split()))}", file=sys.stderr, flush=True)


def _privilege_missing(error: Exception) -> str | None:
    """A sentence that names the role with the missing right; None if the error is another one."""
    from psycopg.errors import InsufficientPrivilege

    from eventlog.errors import PrivilegeMissing
    from prorata.roles import role_for

    if isinstance(error, InsufficientPrivilege):
        error = PrivilegeMissing(_login(), str(error).partition("\n")[0])
    if not isinstance(error, Failure) or error.code != PrivilegeMissing.code:
        return None
    meant = role_for(sys.argv[1:])
    return f"{error}" if meant is None else f"{error}; this command is for a member of {meant}"


def _login() -> str:
    from psycopg.conninfo import conninfo_to_dict

    from prorata.settings import Settings

    return str(conninfo_to_dict(Settings.of().database_url).get("user", ""))


def _of_server(error: Exception) -> tuple[int, str, str] | None:
    """Exit code, code and sentence if a server was away or refused the login; None for another error."""
    import psycopg
    from kafka import errors as kafka

    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        reason = f"the database does not answer (PRORATA_DATABASE_URL): {error}"
        return TRY_AGAIN, "database_unreachable", reason
    if isinstance(error, kafka.KafkaError):
        return _of_broker(error)
    if isinstance(error, ConnectionError | TimeoutError):
        return TRY_AGAIN, "connection_lost", f"a server has gone: {error}; try the same again"
    if isinstance(error, OSError):
        return TRY_AGAIN, "system_refused", f"the operating system refused: {error}"
    return None


def _of_broker(error: Exception) -> tuple[int, str, str]:
    from kafka import errors as kafka

    from publishing.clients import last_refusal

    refusals = (kafka.AuthorizationError, kafka.SaslAuthenticationFailedError)
    cause = last_refusal() if isinstance(error, kafka.KafkaTimeoutError) else None
    for refused in (error, cause):
        if isinstance(refused, refusals):
            return HALTED, "not_permitted", f"the broker does not permit this: {refused}; use another user"
    because = "" if cause is None else f"; the last try: {cause}"
    if "socket disconnected" in because:
        because += " (so it does where TLS, the user or the password is not what it wants)"
    return TRY_AGAIN, "broker_unreachable", f"the broker does not answer (PRORATA_KAFKA): {error}{because}"


def _say(exit_code: int, code: str, message: str, hint: str = "") -> int:
    """Print the failure, and a hint on its own line; return the exit code."""
    complain(code, message)
    if hint:
        print(hint, file=sys.stderr)
    return exit_code
