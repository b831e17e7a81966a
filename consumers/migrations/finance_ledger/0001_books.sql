create schema finance_ledger;

-- Double entry by construction: each row takes an amount out of one ledger account and puts it into another, so
-- debits equal credits whatever rows there are.
create table finance_ledger.transfers (
    id bigint generated always as identity primary key,
    -- The day it is booked on, never a closed one, and the day it is about.
    day date not null,
    effective date not null,
    kind text not null check (kind in ('issued', 'paid', 'written_off', 'recognised')),
    debit text not null,
    credit text not null check (credit <> debit),
    currency text not null,
    amount numeric not null check (amount > 0),
    product text,
    -- The invoice, and the event that says so; of what is recognised for many together: null.
    account_id text collate "C",
    invoice bigint,
    line integer,
    position bigint
);
-- Balances of a month, and the export.
create index transfers_by_day on finance_ledger.transfers (day, id);
-- The story of an invoice.
create index transfers_by_invoice on finance_ledger.transfers (account_id, invoice, id) where account_id is not null;

create table finance_ledger.invoices (
    account_id text collate "C" not null,
    number bigint not null,
    date date not null,
    currency text not null,
    total numeric not null,
    status text not null check (status in ('open', 'paid', 'uncollectible')),
    primary key (account_id, number)
);

-- The lines of invoices as revenue to be recognised: evenly over the days from `begins` to before `ends`, so far
-- `recognised` for all days before `next_day`.
create table finance_ledger.schedules (
    account_id text collate "C" not null,
    invoice bigint not null,
    line integer not null,
    product text not null,
    currency text not null,
    digits integer not null,
    amount numeric not null,
    begins date not null,
    ends date not null check (ends > begins),
    next_day date not null,
    recognised numeric not null default 0,
    -- Its invoice's payment was declined: nothing is recognised until it is paid.
    held boolean not null default false,
    written_off boolean not null default false,
    primary key (account_id, invoice, line)
);
-- What is due to be recognised.
create index schedules_due on finance_ledger.schedules (next_day)
    where next_day < ends and not held and not written_off;

-- The closed months, and what each ended with: nothing is booked on a day of them any more.
create table finance_ledger.closings (
    last_day date primary key,
    closed_at timestamptz not null default clock_timestamp()
);
create table finance_ledger.closing_balances (
    last_day date not null,
    currency text not null,
    ledger_account text not null,
    debits numeric not null,
    credits numeric not null,
    balance numeric not null,
    primary key (last_day, currency, ledger_account)
);
