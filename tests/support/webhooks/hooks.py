"""What a test does with webhooks: each step by the role that does it."""

from __future__ import annotations

import asyncio

from consumers.checkpoints import Connection
from consumers.handler import at_home
from consumers.webhooks import endpoints
from consumers.webhooks.addresses import Addresses, networks_in
from consumers.webhooks.delivering import Delivering
from consumers.webhooks.endpoints import MadeEndpoint, NewEndpoint
from consumers.webhooks.handler import NAME, WebhookQueue
from consumers.webhooks.sending import Sender
from eventlog.postgres.log import PostgresEventLog
from prorata.webhooks.replaying import Replaying
from publishing.envelope import PublishedEvent
from tests.support.webhooks.receiver import Receiver

LOCAL = Addresses(networks_in("127.0.0.0/8", "test"))


class Hooks:
    """A log, and the queues beside it."""

    def __init__(self, url: str, log: PostgresEventLog, connection: Connection, consumer: Connection) -> None:
        self.url, self.log, self.connection = url, log, connection
        self._consumer = consumer
        self._handler = WebhookQueue()
        self._published = 0

    def made(self, hook: Receiver, *types: str, tenant: str = "acme") -> MadeEndpoint:
        """An endpoint at that receiver."""
        return endpoints.create(self.connection, NewEndpoint(tenant, hook.url, types), LOCAL)

    def shown(self, made: MadeEndpoint) -> endpoints.Endpoint:
        """The endpoint as it is now."""
        return endpoints.endpoint(self.connection, made.endpoint.tenant, made.endpoint.id)

    def queue(self) -> None:
        """Put into the queues what is in the log and was not yet."""
        page = self.log.read_settled(self._published, 10_000)
        messages = [PublishedEvent(self.log.log_id, 0, stored, "test") for stored in page]
        with self._consumer.transaction():
            at_home(self._consumer, NAME)
            self._handler.handle(self._consumer, messages)
        self._published = page[-1].position if page else self._published

    def send(self, *, each: int = 16) -> int:
        """Send what is due now; how many were taken in."""

        async def send() -> int:
            async with Sender(LOCAL) as sender:
                return await Delivering(self.connection, sender, each=each, seed=1).run_once()

        return asyncio.run(send())

    def replay(self) -> None:
        """Do all replays."""
        replaying = Replaying(self.connection, self.log)
        while replaying.some():
            pass

    def make_due(self) -> None:
        """Let the pauses of all queues be over."""
        self.connection.execute("update webhooks.queues set next_at = clock_timestamp()")

    def failing_for(self, days: int) -> None:
        """Let what fails have failed for so long."""
        self.connection.execute(
            "update webhooks.queues set failing_since = failing_since - make_interval(days => %s)", [days]
        )
