"""What the service cannot answer. (A refused command is an answer: see `domain.answers`; a line that is no
command is `domain.errors.InvalidInput`.)

    ServiceError
    ├── GatewayUnavailable   the payment provider gave no answer: whether it charged is unknown
    ├── PaymentUnanswered    an account's payment or refund has no answer yet (R16, R62)
    ├── Contended            an account changed under every attempt
    ├── VersionChanged       the account is not at the version that the command was given for
    ├── LineFailed           something of one account, or of the code, made a line fail; others can be given
    ├── CatalogueMissing     an account's own catalogue is not stored
    ├── ImportStopped        accounts are no longer as they were when their rows were checked
    ├── ClockAhead           this machine's clock is ahead of the database's: nothing is billed by it
    └── Unanswered           the system could not be reached while a command was given
        └── LineUnanswered   the same, with the line

Each has a stable `code`, an exit code and a remedy; none ever holds a confirmation token (R15).
"""
# ruff: noqa: N818  (they are named for what happened)

from __future__ import annotations

from typing import Literal

from domain.errors import BAD_INPUT, HALTED, TRY_AGAIN, Failure

Fate = Literal["unreachable", "fate_unknown"]
"""Of a command: nothing was done, or something may have been recorded."""


class ServiceError(Failure):
    """Any failure of the service."""

    code = "service_error"
    exit_code = TRY_AGAIN


class GatewayUnavailable(ServiceError):
    """No answer from the payment provider: it may have charged or not, `finish` will tell."""

    code = "gateway_unavailable"
    remedy = "send the command again under the same id, which asks what became of it"

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        """`retry_after`: seconds after which the provider wants to be asked again, where it says so."""
        super().__init__(reason, retry_after)
        self.reason = reason
        self.retry_after = retry_after

    @property
    def what(self) -> str:
        return f"the payment provider gave no answer: {self.reason}"


class ImportStopped(ServiceError):
    """What was checked before an import is otherwise now: the file, the catalogue or the log."""

    code = "import_stopped"
    exit_code = HALTED
    remedy = "the accounts before it are taken over: look there, and give the same file again"

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason, line)
        self.reason = reason
        self.line = line

    @property
    def what(self) -> str:
        return f"line {self.line}: {self.reason}"


class ClockAhead(ServiceError):
    """This machine's clock is ahead of the database's by more than the limit: it would charge too early."""

    code = "clock_ahead"
    remedy = "nothing was done: set the clock of this machine, or of the database's, then start it again"

    def __init__(self, seconds: float, limit: float) -> None:
        super().__init__(seconds, limit)
        self.seconds = seconds
        self.limit = limit

    @property
    def what(self) -> str:
        return (
            f"this machine's clock is {self.seconds:.0f} seconds ahead of the database's, "
            f"and {self.limit:.0f} are allowed (PRORATA_CLOCK_LIMIT)"
        )


class PaymentUnanswered(ServiceError):
    """The answer to a payment or a refund of the account is not known yet: it is asked later (R16, R62)."""

    code = "payment_in_progress"
    remedy = "run this again later"

    def __init__(self, account_id: str) -> None:
        super().__init__(account_id)
        self.account_id = account_id

    @property
    def what(self) -> str:
        return f"a payment or refund of account {self.account_id!r} has no answer yet"


class Contended(ServiceError):
    """Every attempt lost its append to another process."""

    code = "contended"
    remedy = "send the command again"

    def __init__(self, account_id: str, attempts: int) -> None:
        super().__init__(account_id, attempts)
        self.account_id, self.attempts = account_id, attempts

    @property
    def what(self) -> str:
        return f"account {self.account_id!r} changed under each of {self.attempts} attempts"


class VersionChanged(ServiceError):
    """The account is not at the version for which the command was given; nothing was done."""

    code = "version_changed"
    exit_code = BAD_INPUT
    remedy = "look at the account again, then decide anew"

    def __init__(self, account_id: str, expected: int, version: int) -> None:
        super().__init__(account_id, expected, version)
        self.account_id, self.expected, self.version = account_id, expected, version

    @property
    def what(self) -> str:
        return f"the account is at version {self.version}, not at {self.expected}"


class CatalogueMissing(ServiceError):
    """An account names a catalogue of its own that is not stored."""

    code = "catalogue_missing"
    exit_code = HALTED
    remedy = "restore service.pinned_catalogues"

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest

    @property
    def what(self) -> str:
        return f"no catalogue {self.digest} is stored"


class Unanswered(ServiceError):
    """The system could not be reached while a command was given; its code says what is known of its fate."""

    code = "unanswered"

    def __init__(self, fate: Fate, account_id: str, command_id: str | None, reason: str) -> None:
        super().__init__(fate, account_id, command_id, reason)
        self.account_id, self.command_id, self.reason = account_id, command_id, reason
        self.fate: Fate = fate
        self.code = fate
        self.remedy = "send it again"
        if fate == "fate_unknown":
            again = "send it again under the same id"
            self.remedy = "look at the account's history" if command_id is None else again

    @property
    def what(self) -> str:
        known = "it could not be given and nothing was done"
        if self.code == "fate_unknown":
            known = "the system was lost on the way, so it may have been done"
        return f"{self._who()}: {known} ({self.reason})"

    def _who(self) -> str:
        return f"account {self.account_id!r}, id {self.command_id!r}"


class LineUnanswered(Unanswered):
    """The same, of a line of commands; the lines after it were not given."""

    code = "line_unanswered"

    def __init__(self, fate: Fate, account_id: str, command_id: str | None, reason: str, line: int) -> None:
        super().__init__(fate, account_id, command_id, reason)
        self.args = fate, account_id, command_id, reason, line
        self.line = line

    def _who(self) -> str:
        return f"line {self.line}, {super()._who()}"


class LineFailed(ServiceError):
    """A line failed for a reason that is its account's or the code's own, so the next ones can be given.

    `code`, `exit_code` and `remedy` are those of what went wrong.
    """

    code = "line_failed"

    def __init__(
        self,
        line: int,
        account: str,
        command_id: str | None,
        reason: str,
        code: str,
        exit_code: int,
        remedy: str,
    ) -> None:
        super().__init__(line, account, command_id, reason, code, exit_code, remedy)
        self.line, self.account, self.command_id, self.reason = line, account, command_id, reason
        self.code, self.exit_code, self.remedy = code, exit_code, remedy

    @property
    def what(self) -> str:
        who = f"line {self.line}, account {self.account!r}, id {self.command_id!r}"
        return f"{who}: it failed, perhaps when something was recorded already: {self.reason}"
