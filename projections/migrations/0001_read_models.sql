create schema projections;

-- Up to which event each projection's rows are made: its position and its hash. Position 0: none yet.
-- `turn` counts every change of a row here, and decides between two projectors; `fold` is the version of the
-- newest fold that wrote rows, `generation` counts rebuilds.
create table projections.checkpoints (
    projection text collate "C" primary key,
    generation integer not null default 1,
    fold integer not null default 0,
    position bigint not null default 0 check (position >= 0),
    hash bytea not null default decode(repeat('00', 32), 'hex') check (octet_length(hash) = 32),
    turn bigint not null default 0,
    moved_at timestamptz not null default now()
);
insert into projections.checkpoints (projection)
    values ('entitlements'), ('access_windows'), ('invoices'), ('calendar');

-- Accounts whose rows stopped before the event at `position`, which could not be read, folded or written.
create table projections.parked (
    projection text collate "C" not null,
    account_id text collate "C" not null,
    version bigint not null,
    position bigint not null,
    error text not null,
    parked_at timestamptz not null default now(),
    primary key (projection, account_id)
);

-- Every table below is made of the log alone. Its rows end in: the account's version, the position of the last
-- event that made the row, and the version of the fold. Primary keys begin with the account: they serve the
-- reads of one account, the upsert, and the comparison of a rebuild.

-- Read model entitlements.
create table projections.accounts (
    account_id text collate "C" primary key,
    currency text not null,
    time_zone text not null,
    status text not null,
    anchor date,
    next_renewal date,
    support boolean not null,
    as_of timestamptz not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null
);
create table projections.entitlements (
    account_id text collate "C" not null,
    product text collate "C" not null,
    status text not null,
    renews boolean not null,
    access_until timestamptz,
    allowance bigint,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, product)
);

-- Read model access_windows. A product without any window has one row with n = 0.
create table projections.access_accounts (
    account_id text collate "C" primary key,
    time_zone text not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null
);
create table projections.access_windows (
    account_id text collate "C" not null,
    product text collate "C" not null,
    n integer not null,
    begins_at timestamptz,
    ends_at timestamptz,
    renews boolean not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, product, n),
    check ((n = 0) = (begins_at is null)),
    check (begins_at < ends_at)
);

-- Read model invoices.
create table projections.invoices (
    account_id text collate "C" not null,
    number bigint not null,
    date date not null,
    issued_at timestamptz not null,
    currency text not null,
    total numeric not null,
    status text not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number)
);
create table projections.invoice_lines (
    account_id text collate "C" not null,
    number bigint not null,
    line integer not null,
    product text collate "C" not null,
    tier text,
    kind text not null,
    from_date date not null,
    to_date date not null,
    days integer,
    of_days integer,
    unit_price numeric not null,
    quantity bigint,
    amount numeric not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number, line)
);

-- Read model calendar.
create table projections.calendar (
    account_id text collate "C" primary key,
    clock text not null,
    due_at timestamptz,
    pending_payment boolean not null,
    recorded_at timestamptz not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    check (due_at is not null or not pending_payment)
);
-- The two branches of the billing run's page (projections/calendar.py, DUE), each in its order.
create index calendar_due on projections.calendar (clock, due_at, account_id)
    where not pending_payment and due_at is not null;
create index calendar_pending on projections.calendar (clock, due_at, account_id) where pending_payment;

-- The projector may run as this role. A rebuild makes and renames tables, so it runs as their owner.
grant usage on schema projections to prorata_service;
grant select, insert, update, delete on all tables in schema projections to prorata_service;
