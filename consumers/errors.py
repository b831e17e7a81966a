"""Everything that can go wrong in a consumer.

ConsumerError
├── ConsumerHalted      going on would lose or double effects: a person has to look
├── PartitionMoved      another instance took records in: read again from where it is
├── PartitionsHeld      another instance reads them
├── UnknownConsumer     there is none of that name
├── ArchiveBroken       an archive's files are not what was archived
└── ReplayRefused       replayed tables cannot take the live ones' place (yet)
"""
# ruff: noqa: N818  (they are named for what happened)

from collections.abc import Iterable
from typing import Final, Literal

from domain.errors import BAD_INPUT, CHECK_FAILED, HALTED, TRY_AGAIN, Failure

HaltCode = Literal[
    "gap",
    "unchained",
    "retention_hole",
    "topic_replaced",
    "topics_changed",
    "partitions_changed",
    "foreign_log",
    "log_restored",
    "altered",
]

_REPLAY = "`prorata replay CONSUMER` makes its tables of what is published now, and keeps those before"

_REMEDIES: dict[HaltCode, str] = {
    "gap": f"events are missing there, or one was forged that passed: {_REPLAY}; where that halts too, the "
    "topic itself lacks them: publish the log beside it (`prorata relay --republish-to v2.`)",
    "unchained": "somebody other than the relay writes to the topic: find out who",
    "retention_hole": "records were deleted unread: read the topic anew into an empty consumer",
    "topic_replaced": f"the topic was made anew, perhaps of a restored log: {_REPLAY}",
    "topics_changed": f"what is published there is in its tables already, or another history is: {_REPLAY}",
    "partitions_changed": f"keys have moved: {_REPLAY}",
    "altered": "the record is not what was appended: find out who writes to the topic",
    "foreign_log": f"another log is published there now: check PRORATA_KAFKA; if it is meant, {_REPLAY}",
    "log_restored": "the log, or the broker, was restored from a backup and went on otherwise, or what was "
    f"taken in was forged: {_REPLAY}",
}

ReplayCode = Literal["replay_behind", "replay_lacks", "replay_running"]

_REPLAY_REMEDIES: dict[ReplayCode, str] = {
    "replay_behind": "run `prorata replay` again",
    "replay_lacks": "keep the live tables: the topics no longer hold what these rows were made of",
    "replay_running": "stop it first, or let it end",
}

ArchiveCode = Literal[
    "manifest_altered",
    "file_missing",
    "file_altered",
    "file_unreadable",
    "events_altered",
    "foreign_seal",
    "archive_behind",
    "seal_differs",
]

_FROM_A_COPY = "take the file from another copy of the archive, or archive the topic into an empty folder"

_ARCHIVE_REMEDIES: dict[ArchiveCode, str] = {
    "manifest_altered": _FROM_A_COPY,
    "file_missing": _FROM_A_COPY,
    "file_altered": _FROM_A_COPY,
    "file_unreadable": _FROM_A_COPY,
    "events_altered": f"find out who writes to the topic, then {_FROM_A_COPY}",
    "foreign_seal": "give the seal of this archive's log",
    "archive_behind": "run `prorata archive run` up to the seal's position first",
    "seal_differs": "compare the log with the seal (`prorata verify --seal`): it or the archive was altered",
}

ANOTHER_HISTORY: Final[frozenset[HaltCode]] = frozenset(
    ("gap", "topic_replaced", "topics_changed", "partitions_changed", "foreign_log", "log_restored")
)
"""Halts after which offsets say nothing about how far a replay is: what is published is another history."""


class ConsumerError(Failure):
    """Any failure of a consumer."""

    code = "consumer_error"
    exit_code = HALTED


class ConsumerHalted(ConsumerError):
    """The consumer stopped for good at this partition; nothing of the records at fault was taken in."""

    code = "consumer_halted"

    def __init__(self, code: HaltCode, topic: str, partition: int, message: str) -> None:
        super().__init__(code, topic, partition, message)
        self.code = code
        self.topic = topic
        self.partition = partition
        self.message = message
        self.remedy = _REMEDIES[code]

    @property
    def what(self) -> str:
        return f"halted at partition {self.partition} of {self.topic} ({self.code}): {self.message}"


class PartitionMoved(ConsumerError):
    """The partition's next offset is no longer what this instance read it to be."""

    code = "partition_moved"
    exit_code = TRY_AGAIN
    remedy = "nothing is lost: start this instance again, and it reads on from there"


class PartitionsHeld(ConsumerError):
    """Another instance held partitions for as long as we were ready to wait."""

    code = "partitions_held"
    remedy = "stop that instance, or let it do the work"


class ReplayRefused(ConsumerError):
    """Replayed tables cannot take the live ones' place."""

    code = "replay_refused"
    exit_code = CHECK_FAILED

    def __init__(self, code: ReplayCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.remedy = _REPLAY_REMEDIES[code]

    @property
    def what(self) -> str:
        return self.message


class UnknownConsumer(ConsumerError):
    """There is no consumer of that name."""

    code = "unknown_consumer"
    exit_code = BAD_INPUT

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(name, tuple(known))
        self.name = name
        self.known = tuple(known)
        self.remedy = f"there are {', '.join(self.known)}"

    @property
    def what(self) -> str:
        return f"no consumer is called {self.name!r}"


class ArchiveBroken(ConsumerError):
    """A file of an audit archive is not what was archived."""

    code = "archive_broken"
    exit_code = CHECK_FAILED

    def __init__(self, code: ArchiveCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.remedy = _ARCHIVE_REMEDIES[code]

    @property
    def what(self) -> str:
        return self.message
