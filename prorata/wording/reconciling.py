"""A day's reconciliation with the payment provider, for a finance person."""

from __future__ import annotations

from typing import Final

from domain.texts import escaped
from prorata.wording.language import Wording, message
from service.reconciling.comparing import Difference, Finding, Report, Total
from service.reconciling.finishing import Finished, Finishing

HEADING: Final = message("Payments of {date} (UTC): our books and the payment provider's.")
AGREES: Final = message("The books agree.")

KINDS: Final = {
    "charge": message("charge"),
    "refund": message("refund"),
    "dispute": message("dispute"),
}
TOTALS: Final = {
    "charge": message(
        "Charged in {currency}: {ours} ({our_count}) here, {theirs} ({their_count}) at the provider."
    ),
    "refund": message(
        "Refunded in {currency}: {ours} ({our_count}) here, {theirs} ({their_count}) at the provider."
    ),
}
DIFFERENCES: Final[dict[Difference, str]] = {
    "missing_here": message("The provider has a {kind} of {theirs} that our books do not have."),
    "missing_there": message("Our books have a {kind} of {ours} that the provider does not have."),
    "doubled": message("The provider made a {kind} of {theirs} twice."),
    "other_amount": message("A {kind} is {ours} in our books and {theirs} at the provider."),
    "other_account": message("A {kind} of {ours} is of another account at the provider."),
    "other_status": message("A {kind} of {theirs} is {our_status} here and {their_status} at the provider."),
}
STATUSES: Final = {
    "unanswered": message("without an answer"),
    "action_required": message("waiting for the customer"),
    "late": message("to be answered later"),
    "pending": message("to be answered later"),
    "paid": message("paid"),
    "declined": message("declined"),
    "cancelled": message("cancelled"),
    "failed": message("failed"),
    "refunded": message("refunded"),
    "refund_failed": message("failed"),
}
WHAT: Final = {
    "payment": message("payment"),
    "late_payment": message("late payment"),
    "refund": message("refund"),
}
OUTCOMES: Final[dict[Finishing, str]] = {
    "finished": message("{account}: a {what} without an end has been asked for and recorded."),
    "open": message("{account}: a {what} has no end yet."),
    "no_answer": message("{account}: the provider gave no answer about a {what}."),
}


def reconciliation_said(report: Report, say: Wording) -> list[str]:
    """The lines of the report: what moved, what differs, what was finished."""
    lines = [say.say(HEADING, date=say.day(report.day)), *[_total(total, say) for total in report.totals]]
    if report.disputes:
        lines.append(
            say.count(
                "{number} dispute was not known here and has been recorded.",
                "{number} disputes were not known here and have been recorded.",
                report.disputes,
            )
        )
    lines += [_finished(one, say) for one in report.finished]
    for finding in report.findings:
        lines += [_finding(finding, say), f"    {_known_by(finding, say)}"]
    if report.agrees:
        lines.append(say.say(AGREES))
    else:
        lines.append(say.count("{number} difference.", "{number} differences.", len(report.findings)))
    return lines


def _total(total: Total, say: Wording) -> str:
    return say.say(
        TOTALS[total.kind],
        currency=total.currency,
        ours=say.amount(total.our_amount, total.currency),
        our_count=say.number(total.our_count),
        theirs=say.amount(total.their_amount, total.currency),
        their_count=say.number(total.their_count),
    )


def _finished(one: Finished, say: Wording) -> str:
    return say.say(OUTCOMES[one.outcome], account=one.account_id, what=say.say(WHAT[one.what]))


def _finding(finding: Finding, say: Wording) -> str:
    ours, theirs = "", ""
    if finding.our_amount is not None and finding.our_currency is not None:
        ours = say.amount(finding.our_amount, finding.our_currency)
    if finding.their_amount is not None and finding.their_currency is not None:
        theirs = say.amount(finding.their_amount, finding.their_currency)
    return say.say(
        DIFFERENCES[finding.difference],
        kind=say.say(KINDS[finding.kind]),
        ours=ours,
        theirs=theirs,
        our_status=say.say(STATUSES[finding.our_status]) if finding.our_status else "",
        their_status=say.say(STATUSES[finding.their_status]) if finding.their_status in STATUSES else "",
    )


def _known_by(finding: Finding, say: Wording) -> str:
    """What one needs to look it up, here and there."""
    said = [] if finding.account_id is None else [say.say("account {account}", account=finding.account_id)]
    said += [say.say("invoice {number}", number=number) for number in finding.invoices]
    if finding.reference is not None:
        said.append(say.say("at the provider {reference}", reference=finding.reference))
    if finding.key is not None:
        said.append(say.say("key {key}", key=str(finding.key)))
    return escaped(", ".join(said))
