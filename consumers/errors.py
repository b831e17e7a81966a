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

HaltCode = Literal[
    "gap",
    "repeated",
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
    "gap": "records were lost before they were read: read the topic anew into an empty consumer",
    "repeated": "records were published twice: find out by whom, and read the topic anew into an empty one",
    "unchained": "somebody other than the relay writes to the topic: find out who",
    "retention_hole": "records were deleted unread: read the topic anew into an empty consumer",
    "topic_replaced": f"the topic was made anew, perhaps of a restored log: {_REPLAY}",
    "topics_changed": f"what is published there is in its tables already, or another history is: {_REPLAY}",
    "partitions_changed": f"keys have moved: {_REPLAY}",
    "altered": "the record is not what was appended: find out who writes to the topic",
    "foreign_log": f"another log is published there now: check PRORATA_KAFKA; if it is meant, {_REPLAY}",
    "log_restored": f"the log, or the broker, was restored from a backup and went on otherwise: {_REPLAY}",
}

ANOTHER_HISTORY: Final[frozenset[HaltCode]] = frozenset(
    ("topic_replaced", "topics_changed", "partitions_changed", "foreign_log", "log_restored")
)
"""Halts after which offsets say nothing about how far a replay is: what is published is another history."""


class ConsumerError(Exception):
    """Any failure of a consumer."""


class ConsumerHalted(ConsumerError):
    """The consumer stopped for good at this partition; nothing of the records at fault was taken in."""

    def __init__(self, code: HaltCode, topic: str, partition: int, message: str) -> None:
        super().__init__(code, topic, partition, message)
        self.code = code
        self.topic = topic
        self.partition = partition
        self.message = message
        self.remedy = _REMEDIES[code]

    def __str__(self) -> str:
        place = f"partition {self.partition} of {self.topic}"
        return f"halted at {place} ({self.code}): {self.message}; {self.remedy}"


class PartitionMoved(ConsumerError):
    """The partition's next offset is no longer what this instance read it to be."""


class PartitionsHeld(ConsumerError):
    """Another instance held partitions for as long as we were ready to wait."""


class ReplayRefused(ConsumerError):
    """Replayed tables cannot take the live ones' place."""

    def __init__(self, code: Literal["replay_behind", "replay_lacks"], message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class UnknownConsumer(ConsumerError):
    """There is no consumer of that name."""

    code = "unknown_consumer"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(name, tuple(known))
        self.name = name
        self.known = tuple(known)

    def __str__(self) -> str:
        return f"{self.name!r} is none of {', '.join(self.known)}"


class ArchiveBroken(ConsumerError):
    """A file of an audit archive is not what was archived."""

    def __init__(
        self,
        code: Literal[
            "manifest_altered",
            "file_missing",
            "file_altered",
            "file_unreadable",
            "events_altered",
            "foreign_seal",
            "archive_behind",
            "seal_differs",
        ],
        message: str,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message
