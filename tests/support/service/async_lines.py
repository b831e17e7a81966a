"""A process that answers lines of commands on the test clock, all at once, each by a task of its own:

python -m tests.support.service.async_lines URL

It says `ready` on stdout, and begins when stdin ends. The answers come in the order of the lines.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from domain.events import Clock as ClockName
from prorata.settings import Settings
from prorata.wiring import AsyncSystem, open_async_system
from service.commands import AnswerLine
from service.gateways.port import PaymentGateway
from service.session import CommandSession


class OneProcess:
    """A system, and a session on it."""

    def __init__(self, system: AsyncSystem) -> None:
        self.system = system
        self._on_test_clock = self._session("test")
        self._on_wall_clock = self._session("wall")

    async def say(self, **fields: object) -> AnswerLine:
        """Give a line; one without `at` is on the wall clock."""
        session = self._on_test_clock if "at" in fields else self._on_wall_clock
        return await session.answer(msgspec.json.encode(fields))

    async def say_all(self, lines: Sequence[dict[str, object]]) -> list[AnswerLine]:
        """Give the lines at once."""
        return await asyncio.gather(*[self.say(**line) for line in lines])

    def _session(self, lives_on: ClockName) -> CommandSession:
        return CommandSession(
            self.system.service, self.system.catalogues, self.system.clock, tenant="main", lives_on=lives_on
        )


@asynccontextmanager
async def opened(database_url: str, *, gateway: PaymentGateway | None = None) -> AsyncIterator[OneProcess]:
    """One process of the service."""
    settings = Settings(database_url=database_url, allow_test_gateway=True)
    async with open_async_system(settings, gateway=gateway) as system:
        yield OneProcess(system)


async def _answer(database_url: str) -> None:
    async with opened(database_url) as process:
        print("ready", flush=True)
        lines = await asyncio.to_thread(sys.stdin.buffer.readlines)
        for answer in await process.say_all([msgspec.json.decode(line) for line in lines]):
            print(msgspec.json.encode(answer).decode())


if __name__ == "__main__":
    asyncio.run(_answer(sys.argv[1]))
