-- Revenue as the books have it: what is taken back of it by credit notes, or because a payment failed, is less.
create or replace view reporting.revenue_by_month as
    select date_trunc('month', day)::date as month, currency, product,
        sum(case when starts_with(credit, 'revenue:') then amount else -amount end) as amount
    from finance_ledger.transfers
    where clock = 'wall' and (starts_with(credit, 'revenue:') or starts_with(debit, 'revenue:'))
    group by 1, 2, 3;
comment on column reporting.revenue_by_month.amount is
    'What was earned in that month, less what was taken back, on the days that it was booked on.';

comment on column finance_ledger.transfers.kind is
    'What happened: issued, paid, credited, refunded, written_off, recognised … (docs/ledger.md).';
comment on column finance_ledger.accounts.currency is 'Its currency; none: it was opened before the books kept it.';
comment on column finance_ledger.accounts.payments is 'All that was paid by it, as its events say.';
comment on column finance_ledger.accounts.refunds is 'Refunds that were asked for and have not failed, as its events say.';
comment on column finance_ledger.accounts.charge_backs is 'All that was charged back, as its events say.';
comment on column finance_ledger.accounts.paid_out is 'Account credit that was paid out, as its events say.';
comment on column finance_ledger.accounts.recovered is 'What came in for invoices that were written off, as its events say.';
comment on column finance_ledger.accounts.totals is 'The totals of its invoices, as its events say.';
comment on column finance_ledger.accounts.taxes is 'The taxes of its invoices less those of credit notes, as its events say.';
comment on column finance_ledger.accounts.credit_notes is 'The totals of its credit notes, as its events say.';
comment on column finance_ledger.accounts.written_off is 'What was written off, as its events say.';
comment on column finance_ledger.accounts.credit is 'Its account credit, as its events say.';
comment on column finance_ledger.invoices.due is 'What is still to be paid of it.';
comment on column finance_ledger.invoices.charged_back is
    'Whether a payment of it was charged back, or a late one failed.';
comment on column finance_ledger.invoices.held_from is
    'It earns nothing of that day and those after it until it is paid; none: it earns.';
comment on column finance_ledger.invoices.written_off is 'What was given up of it.';
comment on column finance_ledger.schedules.part is 'The part of the line: a credit note cuts its schedule.';
comment on column finance_ledger.schedules.tier is 'The tier of a plan.';
comment on column finance_ledger.schedules.net is 'The line''s amount before tax, less its discount.';
comment on column finance_ledger.schedules.amount is 'What is earned evenly from begins to before ends.';
comment on column finance_ledger.schedules.until is 'Only the days before it earn; the rest was taken back.';
comment on column finance_ledger.schedules.known_on is 'Nothing is booked before that day; none: from its first day.';
comment on column finance_ledger.schedules.held_from is
    'Nothing of that day and those after it is earned until the invoice is paid; none: it earns.';
