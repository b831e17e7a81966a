"""Everything that can go wrong in publishing.

    PublishingError
    ├── RelayHalted            going on would lose, double or misplace records: a person has to look
    ├── LeaseHeld              another relay works on the stream
    ├── LeaseLost              another relay has taken the stream over, or may have
    ├── TopicsRefused          a topic exists with other settings than the contract's
    ├── PositionUnreadable     the newest record of the position topic is none of a relay
    ├── EnvelopeUnreadable     a record that is not one of the contract
    └── KafkaClientChanged     kafka-python is not the release that this code is made for

Each has a stable `code`, an exit code and a remedy (domain.errors.Failure).
"""
# ruff: noqa: N818  (they are named for what happened)

from collections.abc import Sequence
from typing import Literal

from domain.errors import HALTED, TRY_AGAIN, Failure
from eventlog.forgery import REMEDY as FORGED

HaltCode = Literal[
    "foreign_log",
    "log_behind",
    "log_differs",
    "position_lost",
    "position_unreadable",
    "position_wrong",
    "topic_shortened",
    "topic_recreated",
    "fold_outdated",
    "partitions_changed",
    "record_too_large",
    "row_unreadable",
    "event_forged",
    "privilege_missing",
    "wrong_database",
    "not_migrated",
    "clock_ahead",
]

_MEND = "`prorata relay --mend` compares the topics with the log, and sends what they lack"

_REMEDIES: dict[HaltCode, str] = {
    "foreign_log": "point the relay at the log that was published here, or publish this one beside it "
    "(`prorata relay --republish-to v2.`)",
    "log_behind": "the database was restored to a moment before what is published: restore a later one, or "
    "publish this log beside it (`prorata relay --republish-to v2.`); where the position was forged, "
    "`prorata relay --mend` says it anew",
    "log_differs": "the log went on differently after a restore: restore the one that was published, or "
    "publish this one beside it (`prorata relay --republish-to v2.`)",
    "position_lost": f"{_MEND}; publishing anew would double every event",
    "position_unreadable": f"somebody else has written to the position topic: {_MEND}",
    "position_wrong": "say the position of the last event that the topic holds, 0 for an empty one; "
    f"or {_MEND}",
    "topic_shortened": f"the broker has lost what it had not synced, or the position: {_MEND}",
    "topic_recreated": "its readers have to begin anew too: say that it is published from the beginning "
    "(`prorata relay --from 0`), or publish beside it (`prorata relay --republish-to v2.`)",
    "fold_outdated": "use the newer code: what this one makes is older than what is published",
    "partitions_changed": "keys would move to other partitions: publish under another topic prefix",
    "record_too_large": "raise max.message.bytes of the topic and max_request_size of the relay",
    "row_unreadable": "put the row back as the backup has it, then start the relay again: nothing is lost",
    "event_forged": f"nothing from it on was published: {FORGED}; then start the relay again",
    "privilege_missing": "see docs/operations.md, Roles",
    "wrong_database": "check the address of the database",
    "not_migrated": "run `prorata migrate`",
    "clock_ahead": "set this machine's clock, or the other one's, then start the relay again",
}


class PublishingError(Failure):
    """Any failure of publishing."""

    code = "publishing_error"
    exit_code = HALTED


class RelayHalted(PublishingError):
    """The relay of a stream stopped for good. Its code says why."""

    code = "relay_halted"

    def __init__(self, stream: str, code: HaltCode, message: str) -> None:
        super().__init__(stream, code, message)
        self.stream = stream
        self.code = code
        self.message = message
        self.remedy = _REMEDIES[code]

    @property
    def what(self) -> str:
        return f"the relay of stream {self.stream!r} halted ({self.code}): {self.message}"


class LeaseHeld(PublishingError):
    """Somebody else held the stream's lease for as long as we were ready to wait."""

    code = "lease_held"
    remedy = "stop that relay, or let it do the work"

    def __init__(self, stream: str, holder: str) -> None:
        super().__init__(stream, holder)
        self.stream = stream
        self.holder = holder

    @property
    def what(self) -> str:
        return f"stream {self.stream!r} is published by {self.holder}"


class LeaseLost(PublishingError):
    """Our lease ran out and another relay took it: it fences our producer."""

    code = "lease_lost"
    exit_code = TRY_AGAIN
    remedy = "nothing is lost: start this one again, and it waits for its turn"

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.stream = stream

    @property
    def what(self) -> str:
        return f"another relay took over stream {self.stream!r}"


class TopicsRefused(PublishingError):
    """Topics exist whose settings break a promise of the contract; `problems` names each."""

    code = "topics_refused"
    remedy = "mend the topics, or use another topic prefix"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    @property
    def what(self) -> str:
        return "; ".join(self.problems)


class PositionUnreadable(PublishingError):
    """The newest record in a stream's partition of the position topic says no position."""

    code = "position_unreadable"
    remedy = _REMEDIES["position_unreadable"]

    def __init__(self, partition: int, offset: int, reason: str) -> None:
        super().__init__(partition, offset, reason)
        self.partition = partition
        self.offset = offset
        self.reason = reason

    @property
    def what(self) -> str:
        return f"offset {self.offset} of partition {self.partition} of the position topic: {self.reason}"


class EnvelopeUnreadable(PublishingError):
    """A record whose headers or key do not make a record of the contract."""

    code = "envelope_unreadable"
    remedy = "find out who else writes to the topic, or use the release that wrote it"

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(topic, reason)
        self.topic = topic
        self.reason = reason

    @property
    def what(self) -> str:
        return f"a record of {self.topic} cannot be read: {self.reason}"


class KafkaClientChanged(PublishingError):
    """kafka-python is another release than the pinned one, or lacks a part that we use."""

    code = "kafka_client_changed"
    remedy = "install what requirements.lock says"

    def __init__(self, pinned: str, found: str, missing: Sequence[str]) -> None:
        super().__init__(pinned, found, tuple(missing))
        self.pinned = pinned
        self.found = found
        self.missing = tuple(missing)

    @property
    def what(self) -> str:
        lacks = f" and lacks {', '.join(self.missing)}" if self.missing else ""
        return f"kafka-python is {self.found}{lacks}, and this code is made for {self.pinned}"
