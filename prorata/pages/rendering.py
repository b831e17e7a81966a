"""Templates, filled: Jinja2, which escapes whatever a value holds and refuses a name that nobody gave.

In each template there are `say` and `count` (a sentence in the page's language, as `prorata.wording` has it),
`asset` (a file's address), `visit`, `csrf` (for a hidden field of every form), and the forms of amounts and
dates.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from prorata.http.call import Answered, Call
from prorata.http.problems import Problem
from prorata.http.sending import COMPRESSED_FROM
from prorata.pages.assets import Assets
from prorata.pages.headers import PRIVATE, policy
from prorata.pages.page import Shown, Visit
from prorata.settings import Settings
from prorata.wording import Wording, wording
from prorata.wording.pages import problem_said

TEMPLATES: Final = Path(__file__).with_name("templates")
HTML: Final = "text/html; charset=utf-8"

__all__ = ["COMPRESSED_FROM", "HTML", "TEMPLATES", "Renderer"]


class Renderer:
    """Fills templates; threads share it."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self._settings, self.assets = settings, assets
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {"asset": assets.asset, "theme": assets.theme, "logo": assets.logo}

    def answered(self, shown: Shown, visit: Visit) -> Answered:
        """The page."""
        say = shown.values.get("wording") or wording(visit.language)
        body = self._filled(shown.template, say, visit, shown.values)
        headers = PRIVATE | self._policy(shown) | shown.headers
        return Answered(body, shown.status, headers, HTML)

    def problem(self, problem: Problem, call: Call, headers: dict[str, str]) -> Answered:
        """What went wrong, as a page that says what to do."""
        if problem.status in (301, 302, 303):
            return Answered(b"", problem.status, PRIVATE | headers, HTML)
        say = wording(call.language)
        values = {"problem": problem, "told": problem_said(problem.code, problem.status, say)}
        values["request_id"] = call.request_id
        shown = Shown("error.html", values)
        body = self._filled(shown.template, say, Visit(call, "GET", "", ""), values)
        return Answered(body, problem.status, PRIVATE | self._policy(shown) | headers, HTML)

    def _filled(self, template: str, say: Wording, visit: Visit, values: dict[str, Any]) -> bytes:
        given = {
            "say": say.say,
            "count": say.count,
            "wording": say,
            "language": say.language,
            "visit": visit,
            "scripts": False,
            "day": say.day,
            "amount": say.amount,
            "number": say.number,
        }
        filled = self._environment.get_template(template).render(given | values)
        return filled.encode()

    def _policy(self, shown: Shown) -> dict[str, str]:
        found = policy(self._settings, scripts=shown.scripts, frames=shown.frames)
        return {"Content-Security-Policy": found}
