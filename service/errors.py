"""What the service cannot answer. (A refused command is an answer: see `domain.answers`; a line that is no
command is `domain.errors.InvalidInput`.)

    ServiceError
    ├── GatewayUnavailable   the payment provider gave no answer: whether it charged is unknown
    ├── PaymentUnanswered    an account's payment has no answer yet, so nothing of it can go on (R16)
    ├── Contended            an account changed under every attempt
    ├── CatalogueMissing     an account's own catalogue is not stored
    └── Unanswered           the system could not be reached while a command was given
        └── LineUnanswered   the same, with the line

Each has a stable `code`; none ever holds a confirmation token (R15).
"""
# ruff: noqa: N818  (they are named for what happened)

from __future__ import annotations

from typing import ClassVar


class ServiceError(Exception):
    """Any failure of the service."""

    code: ClassVar[str] = "service_error"


class GatewayUnavailable(ServiceError):
    """No answer from the payment provider: it may have charged or not, `finish` will tell."""

    code = "gateway_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the payment provider gave no answer: {self.reason}"


class PaymentUnanswered(ServiceError):
    """The answer to a payment of the account is not known yet; it is taken over later (R16)."""

    code = "payment_in_progress"

    def __init__(self, account_id: str) -> None:
        super().__init__(account_id)
        self.account_id = account_id

    def __str__(self) -> str:
        return f"a payment of account {self.account_id!r} has no answer yet: run this again later"


class Contended(ServiceError):
    """Every attempt lost its append to another process."""

    code = "contended"

    def __init__(self, account_id: str, attempts: int) -> None:
        super().__init__(account_id, attempts)
        self.account_id, self.attempts = account_id, attempts

    def __str__(self) -> str:
        return (
            f"account {self.account_id!r} changed under each of {self.attempts} attempts: "
            "send the command again"
        )


class CatalogueMissing(ServiceError):
    """An account names a catalogue of its own that is not stored."""

    code = "catalogue_missing"

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"no catalogue {self.digest} is stored: restore service.pinned_catalogues"


class Unanswered(ServiceError):
    """The system could not be reached. `begun`: something may have been recorded, so the fate is unknown."""

    def __init__(self, account_id: str, command_id: str | None, reason: str, *, begun: bool) -> None:
        super().__init__(account_id, command_id, reason, begun)
        self.account_id, self.command_id, self.reason, self.begun = account_id, command_id, reason, begun

    @property
    def code(self) -> str:  # type: ignore[override]
        return "fate_unknown" if self.begun else "unreachable"

    def __str__(self) -> str:
        return f"{self._who()}: {self._fate()} ({self.reason})"

    def _who(self) -> str:
        return f"account {self.account_id!r}, id {self.command_id!r}"

    def _fate(self) -> str:
        if not self.begun:
            return "it could not be given and nothing was done: send it again"
        if self.command_id is None:
            return "the system was lost on the way, so it may have been done: look at the account's history"
        return "the system was lost on the way, so it may have been done: send it again under the same id"


class LineUnanswered(Unanswered):
    """The same, of a line of commands; the lines after it were not given."""

    def __init__(
        self, line: int, account_id: str, command_id: str | None, reason: str, *, begun: bool
    ) -> None:
        super().__init__(account_id, command_id, reason, begun=begun)
        self.line = line

    def _who(self) -> str:
        return f"line {self.line}, {super()._who()}"
