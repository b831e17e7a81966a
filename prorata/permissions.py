"""What each process may do at the broker, and no more: Kafka's access control lists (ACLs).

    permissions("staging.")["archive"]   # [Permission("topic", ("staging.billing.events.v1",), READ)]

Nobody needs a right on a consumer group: our consumers keep their offsets in PostgreSQL.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from consumers.registry import HANDLERS
from publishing.checkpoints import STREAMS
from publishing.holding import transactional_id
from publishing.topics import Topic, Topics

Resource: TypeAlias = Literal["topic", "transactional-id", "cluster"]

READ: Final = ("Describe", "Read")
WRITE: Final = ("Describe", "Write")
CHECK: Final = ("Describe", "DescribeConfigs")


class Permission(msgspec.Struct, frozen=True):
    """A process may do these operations with the resources of exactly these names."""

    resource: Resource
    names: tuple[str, ...]
    operations: tuple[str, ...]

    def command(self, principal: str, bootstrap: str) -> str:
        """The line of Kafka's own tool that grants it."""
        options = {"bootstrap-server": [bootstrap], "add": [""], "allow-principal": [principal]}
        options["operation"] = list(self.operations)
        options[self.resource] = [""] if self.resource == "cluster" else list(self.names)
        words = [
            word for name, values in options.items() for value in values for word in (f"--{name}", value)
        ]
        return shlex.join(["kafka-acls.sh", *(word for word in words if word)])


def permissions(prefix: str = "") -> Mapping[str, Sequence[Permission]]:
    """Process → what it needs, for the topics with this prefix.

    `topics` is whoever makes them. A relay makes one that is missing only if it has the rights of `topics`
    too.
    """
    topics = Topics(prefix)
    transactions = tuple(transactional_id(prefix, stream) for stream in STREAMS)
    read = {name: [topics.find(base) for base in handler().topics] for name, handler in HANDLERS.items()}
    return {
        "topics": [Permission("cluster", ("kafka-cluster",), ("Create",)), _topics(topics.all, CHECK)],
        "relay": [
            _topics(topics.all, (*CHECK, "Read", "Write")),
            Permission("transactional-id", transactions, WRITE),
        ],
        **{f"consume:{name}": [_topics(of, READ)] for name, of in read.items()},
        "archive": [_topics([topics.events], READ)],
        "status": [_topics([topics.positions], READ)],
        "metrics": [_topics([topics.positions], READ)],
        "subscriber": [_topics(topics.public, READ)],
    }


def principal_of(process: str) -> str:
    """The user at the broker that the commands name, such as `User:consume-webhooks`; give it another."""
    return f"User:{process.replace(':', '-')}"


def _topics(topics: Sequence[Topic], operations: tuple[str, ...]) -> Permission:
    return Permission("topic", tuple(topic.name for topic in topics), operations)
