"""What people read, in their language: sentences, amounts, dates (R19).

    french = wording("fr")
    french.amount(Decimal("4.84"), "EUR")      # '4,84 €'
    said(answer, french)                       # 'Mission accomplie ! Votre plan a bien été mis à niveau. …'

The domain speaks one stable English, for logs and programs; here its events and answers are said anew.
Sentences stand in the code in English and, translated, in prorata/locale/*/LC_MESSAGES/prorata.po
(docs/screens.md says how one is added).
"""

from prorata.wording.answers import said
from prorata.wording.events import happened
from prorata.wording.language import Language, Wording, wording
from prorata.wording.lines import calculated, explained, rule_said

__all__ = ["Language", "Wording", "calculated", "explained", "happened", "rule_said", "said", "wording"]
