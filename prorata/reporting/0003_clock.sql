-- Whose money it is (R97): invoices say on which clock their account lives, and revenue is that of accounts on the wall
-- clock alone.
create or replace view reporting.invoices as
    select account_id, number, date, issued_at, currency, total, status, clock from projections.invoices;

create or replace view reporting.invoice_lines as
    select lines.account_id, lines.number, lines.line, invoices.date, invoices.currency, lines.product, lines.tier, lines.kind,
        lines.from_date, lines.to_date, lines.days, lines.of_days, lines.unit_price, lines.quantity, lines.amount,
        invoices.clock
    from projections.invoice_lines lines join projections.invoices using (account_id, number);

-- The books were begun anew (finance_ledger/0002): the view of before reads what was kept of them.
drop view if exists reporting.revenue_by_month;
create view reporting.revenue_by_month as
    select date_trunc('month', day)::date as month, currency, product, sum(amount) as amount
    from finance_ledger.transfers where kind = 'recognised' and clock = 'wall'
    group by 1, 2, 3;

comment on column reporting.invoices.clock is
    'wall, or test: an account on a test clock is nobody''s money. None: made by an older fold.';
comment on column reporting.invoice_lines.clock is
    'wall, or test: an account on a test clock is nobody''s money. None: made by an older fold.';
comment on view reporting.revenue_by_month is
    'Revenue as the books recognised it, by month, currency and product, of accounts on the wall clock.';
comment on column reporting.revenue_by_month.month is 'The month''s first day.';
comment on column reporting.revenue_by_month.currency is 'The currency.';
comment on column reporting.revenue_by_month.product is 'The product; none: it is not told apart.';
comment on column reporting.revenue_by_month.amount is 'What was earned in that month, on the days that it was booked on.';

comment on column projections.accounts.clock is 'wall, or test; none: made by an older fold.';
comment on column projections.access_accounts.clock is 'wall, or test; none: made by an older fold.';
comment on column projections.invoices.clock is 'wall, or test; none: made by an older fold.';
comment on table finance_ledger.accounts is
    'Of each account what its first event says and never changes.';
comment on column finance_ledger.accounts.account_id is 'The account, as tenant/account.';
comment on column finance_ledger.accounts.clock is 'wall, or test: nobody''s money.';
comment on column finance_ledger.accounts.time_zone is 'Its time zone, by which payments have a day.';
comment on column finance_ledger.transfers.clock is 'wall, or test: nobody''s money.';
comment on column finance_ledger.transfers.tenant is 'The tenant.';
comment on column finance_ledger.invoices.clock is 'wall, or test: nobody''s money.';
comment on column finance_ledger.schedules.clock is 'wall, or test: nobody''s money.';
comment on column finance_ledger.closings.clock is 'Whose books: of accounts on the wall clock, or on a test clock.';
comment on column finance_ledger.closing_balances.clock is 'Whose books: of accounts on the wall clock, or on a test clock.';
