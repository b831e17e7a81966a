-- What the second part of the rules books: taxes, account credit, credit notes, refunds, charge-backs, write-offs. The
-- rows of before keep what they say: nothing of the kind could happen to them.

-- What the events of each account say by themselves, each term of invariant 10 as a sum: `ledger check` compares the
-- journal with them.
alter table finance_ledger.accounts
    -- Unknown of those that were opened before and invoiced nothing.
    add column currency text,
    add column payments numeric not null default 0,
    add column refunds numeric not null default 0,
    add column charge_backs numeric not null default 0,
    add column paid_out numeric not null default 0,
    add column recovered numeric not null default 0,
    add column totals numeric not null default 0,
    add column taxes numeric not null default 0,
    add column credit_notes numeric not null default 0,
    add column written_off numeric not null default 0,
    add column credit numeric not null default 0;
update finance_ledger.accounts a set currency = of.currency, totals = of.total, payments = of.paid,
    written_off = of.given_up
from (
    select account_id, min(currency) as currency, sum(total) as total,
        coalesce(sum(total) filter (where status = 'paid'), 0) as paid,
        coalesce(sum(total) filter (where status = 'uncollectible'), 0) as given_up
    from finance_ledger.invoices group by account_id
) of
where of.account_id = a.account_id;

alter table finance_ledger.transfers
    drop constraint transfers_kind_check,
    add constraint transfers_kind_check check (kind in (
        'issued', 'paid', 'credit_applied', 'overpaid', 'recovered', 'credited', 'credited_to_account', 'refund_asked',
        'refunded', 'refund_failed', 'reissued', 'paid_out', 'charged_back', 'late_failed', 'written_off', 'recognised'
    ));

alter table finance_ledger.invoices
    -- What is still to be paid of it.
    add column due numeric not null default 0,
    -- What is due of it is so because a payment was charged back, or a late one failed.
    add column charged_back boolean not null default false,
    -- It earns nothing of that day and those after it until it is paid.
    add column held_from date,
    add column written_off numeric not null default 0;
update finance_ledger.invoices set due = total where status = 'open';
update finance_ledger.invoices set written_off = total where status = 'uncollectible';

-- A line's schedule is in parts, since a credit note cuts it: each earns its amount evenly over the days from `begins`
-- to before `ends`, but only those before `until`.
drop index finance_ledger.schedules_due;
alter table finance_ledger.schedules
    add column tier text,
    add column part integer not null default 1,
    -- The line's, of all parts together and of what was taken back.
    add column net numeric,
    add column until date,
    -- Nothing of it is booked before that day.
    add column known_on date,
    add column held_from date;
update finance_ledger.schedules set net = amount, until = ends, held_from = case when held then next_day end;
update finance_ledger.invoices i set held_from = of.held_from
from (select account_id, invoice, min(held_from) as held_from from finance_ledger.schedules group by 1, 2) of
where of.account_id = i.account_id and of.invoice = i.number and i.status = 'open';
alter table finance_ledger.schedules
    alter column net set not null,
    alter column until set not null,
    add check (until between begins and ends),
    drop column held,
    add column held boolean generated always as (held_from is not null) stored,
    drop constraint schedules_pkey,
    add primary key (account_id, invoice, line, part);
-- What is due to be recognised.
create index schedules_due on finance_ledger.schedules (clock, next_day)
    where next_day < until and (held_from is null or next_day < held_from) and not written_off;
-- The credit lines of an account, which are few.
create index schedules_of_credit_lines on finance_ledger.schedules (account_id, invoice) where net < 0;
