"""The sentence of each answer, in the caller's language and with the products' names."""

from __future__ import annotations

from msgspec.structs import replace

from prorata.cli.account.present import names_of
from prorata.wiring import Running
from prorata.wording import Language, Wording, answer_said
from service.commands import AnswerLine


class Speaker:
    """Adds the `message` to the answers of a session (R19)."""

    def __init__(self, system: Running, language: Language) -> None:
        self._system = system
        self._words = Wording(language)

    def __call__(self, answer: AnswerLine, account_id: str) -> AnswerLine:
        """The answer with its sentence. What says why a line is no command stands as it is."""
        if not answer.is_command:
            return answer
        state = None if answer.version is None else self._system.service.last_seen(account_id)
        if state is None:
            return replace(answer, message=answer_said(answer, self._words))
        catalog = self._system.catalogues.series_for(state).ever_sold(state.last_at)
        say = self._words.naming(names_of(catalog))
        return replace(answer, message=answer_said(answer, say, state.currency))
