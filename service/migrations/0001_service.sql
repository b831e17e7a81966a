create schema service;

-- States of accounts with many events, so that none need fold them all. May be emptied at any time.
create table service.snapshots (
    account_id text collate "C" primary key,
    version bigint not null check (version >= 1),
    hash bytea not null check (octet_length(hash) = 32),
    recorded_at timestamptz not null,
    format text not null,
    state bytea not null
);

-- The catalogue's versions. Never changed: the prices of past cycles were read from them.
create table service.catalogues (
    version bigint primary key check (version >= 1),
    effective_from timestamptz not null,
    loaded_at timestamptz not null,
    sha256 text not null,
    body bytea not null
);

-- The one catalogue of each account on a test clock, by its digest.
create table service.pinned_catalogues (
    sha256 text primary key,
    body bytea not null
);

-- The test gateway's books, which are a payment provider's and no record of ours. One row decides a key for
-- ever: whoever inserts it first, charge or finish, wins.
create table service.gateway_payments (
    key uuid primary key,
    answer text not null check (answer in ('paid', 'declined', 'cancelled')),
    account_id text collate "C",
    amount numeric,
    currency text,
    decided_at timestamptz not null default now(),
    check ((answer = 'cancelled') = (account_id is null) and (account_id is null) = (amount is null)
        and (amount is null) = (currency is null))
);

-- What a person looks for in those books: an account's charges.
create index gateway_payments_of_account on service.gateway_payments (account_id, decided_at);

-- Saved methods that were set; an account without a row has one that works.
create table service.gateway_methods (
    account_id text collate "C" primary key,
    works boolean not null
);

grant usage on schema service to prorata_service;
grant select, insert, update on service.snapshots, service.gateway_methods to prorata_service;
grant select, insert on service.catalogues, service.pinned_catalogues, service.gateway_payments to prorata_service;
