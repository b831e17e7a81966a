-- What analysts read: views with the names and values of the business, over the read models and the books. They show rows
-- with the rights of their owner, so who reads them (prorata_reader) needs none on the tables below.
--
-- A rebuild or a replay puts other tables in the place of these; the views follow (eventlog/postgres/replacing.py).
create schema reporting;

create view reporting.accounts as
    select accounts.account_id, split_part(accounts.account_id, '/', 1) as tenant, calendar.clock, accounts.currency,
        accounts.time_zone, accounts.status, accounts.anchor, accounts.next_renewal, calendar.due_at, accounts.as_of
    from projections.accounts left join projections.calendar using (account_id);

create view reporting.entitlements as
    select account_id, product, status, renews, access_until, allowance from projections.entitlements;

create view reporting.access_windows as
    select account_id, product, n as number, begins_at, ends_at, renews from projections.access_windows where n > 0;

create view reporting.invoices as
    select account_id, number, date, issued_at, currency, total, status from projections.invoices;

create view reporting.invoice_lines as
    select lines.account_id, lines.number, lines.line, invoices.date, invoices.currency, lines.product, lines.tier, lines.kind,
        lines.from_date, lines.to_date, lines.days, lines.of_days, lines.unit_price, lines.quantity, lines.amount
    from projections.invoice_lines lines join projections.invoices using (account_id, number);

create view reporting.revenue_by_month as
    select date_trunc('month', day)::date as month, currency, product, sum(amount) as amount
    from finance_ledger.transfers where kind = 'recognised'
    group by 1, 2, 3;
