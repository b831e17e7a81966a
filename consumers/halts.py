"""Halts of consumers that are remembered, by the consumer's name."""

from __future__ import annotations

from typing import Final

from publishing.halts import Halts

CONSUMERS: Final = Halts("consumers", "consumer")
