"""What people read, in their language: sentences, amounts, dates (R19).

    french = wording("fr")
    french.amount(Decimal("4.84"), "EUR")      # '4,84 €'
    answer_said(answer, french)                # 'Mission accomplie ! Votre plan a bien été…'

The domain answers with codes, facts and events. Every sentence that a person reads of them is made here: in
English as it stands in the code, else translated by prorata/locale/*/LC_MESSAGES/prorata.po (docs/screens.md
says how one is added).
"""

from prorata.wording.answers import answer_said
from prorata.wording.events import event_said, event_said_in_full
from prorata.wording.language import Language, Wording, wording
from prorata.wording.lines import calculation_said, credited_said, line_said, rule_said, tax_said

__all__ = [
    "Language",
    "Wording",
    "answer_said",
    "calculation_said",
    "credited_said",
    "event_said",
    "event_said_in_full",
    "line_said",
    "rule_said",
    "tax_said",
    "wording",
]
