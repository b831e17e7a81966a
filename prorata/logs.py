"""Logs on stderr: one line each, for people or as JSON, with the fields that a message was given.

configure("json", "info")        # {"event": "command answered", "account": "main/a1", "version": 7, …}

Fields such as account, command and position are chosen where a message is written; they never hold what a
customer typed, nor a payment token.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from domain.texts import escaped

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]


def configure(written: Format, level: Level) -> None:
    """Configure every logger of Prorata. Other packages' loggers write warnings and above only."""
    shared: list[Any] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _on_one_line,
        structlog.processors.format_exc_info,
    ]
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if written == "text":
        last = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, sort_keys=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for package in ("eventlog", "projections", "service", "publishing", "consumers", "prorata"):
        logging.getLogger(package).setLevel(level.upper())


def _on_one_line(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape line breaks: an id in a message must not start a second line, which would pass for another
    message."""
    return {name: escaped(value) if isinstance(value, str) else value for name, value in fields.items()}
