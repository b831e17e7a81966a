-- The books again, from the topic's beginning: each row says on which clock its account lives (R97), what is
-- recognised is told apart by tenant, and a payment is booked on its account's own date, not on UTC's, where it
-- could come before its invoice's. The old rows lack what this needs, and the topic, which is kept for ever, has it.
--
-- What was booked before is kept, as a replay keeps it, in finance_ledger_before until the next replay. Which months
-- were closed is there (closings): close the last of them again once the topic is read.
drop schema if exists finance_ledger_next cascade;
delete from consumers.partitions where consumer = 'finance_ledger_next';
delete from consumers.dead_letters where consumer = 'finance_ledger_next';
do $$ begin
    if exists (select from finance_ledger.invoices) or exists (select from finance_ledger.closings) then
        drop schema if exists finance_ledger_before cascade;
        delete from consumers.partitions where consumer = 'finance_ledger_before';
        delete from consumers.dead_letters where consumer = 'finance_ledger_before';
        alter schema finance_ledger rename to finance_ledger_before;
        update consumers.partitions set consumer = 'finance_ledger_before' where consumer = 'finance_ledger';
        update consumers.dead_letters set consumer = 'finance_ledger_before' where consumer = 'finance_ledger';
    else
        drop schema finance_ledger cascade;
        delete from consumers.partitions where consumer = 'finance_ledger';
        delete from consumers.dead_letters where consumer = 'finance_ledger';
    end if;
end $$;

create schema finance_ledger;

-- Of each account what its first event says, and what never changes: which money it is, and whose dates.
create table finance_ledger.accounts (
    account_id text collate "C" primary key,
    clock text not null check (clock in ('wall', 'test')),
    time_zone text not null
);

-- Double entry by construction: each row takes an amount out of one ledger account and puts it into another, so
-- debits equal credits whatever rows there are.
create table finance_ledger.transfers (
    id bigint generated always as identity primary key,
    clock text not null check (clock in ('wall', 'test')),
    tenant text collate "C" not null,
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
create index transfers_by_day on finance_ledger.transfers (clock, day, id);
-- The story of an invoice, and an account's export.
create index transfers_by_invoice on finance_ledger.transfers (account_id, invoice, id) where account_id is not null;

create table finance_ledger.invoices (
    account_id text collate "C" not null,
    number bigint not null,
    clock text not null check (clock in ('wall', 'test')),
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
    clock text not null check (clock in ('wall', 'test')),
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
create index schedules_due on finance_ledger.schedules (clock, next_day)
    where next_day < ends and not held and not written_off;

-- The closed months of each clock's books, and what each ended with: nothing is booked on a day of them any more.
create table finance_ledger.closings (
    clock text not null check (clock in ('wall', 'test')),
    last_day date not null,
    closed_at timestamptz not null default clock_timestamp(),
    primary key (clock, last_day)
);
create table finance_ledger.closing_balances (
    clock text not null,
    last_day date not null,
    currency text not null,
    ledger_account text not null,
    debits numeric not null,
    credits numeric not null,
    balance numeric not null,
    primary key (clock, last_day, currency, ledger_account)
);
