-- At the test gateway: charges that wait for the customer (R96) or are answered late (R98) are decided after
-- they were made, declines may be for good (R54).
alter table service.gateway_payments
    drop constraint gateway_payments_answer_check,
    drop constraint gateway_payments_check,
    add constraint gateway_payments_answer_check check (
        answer in ('paid', 'declined', 'declined_final', 'cancelled', 'action_required', 'pending')
    ),
    add constraint gateway_payments_check check (
        (account_id is not null or answer = 'cancelled') and (account_id is null) = (amount is null)
        and (amount is null) = (currency is null)
    );

alter table service.gateway_methods
    add column final boolean not null default false,
    add column pending boolean not null default false,
    add column refunds_work boolean not null default true;

-- What the test gateway gave back, or failed to. One row decides a key for ever (R62).
create table service.gateway_refunds (
    key uuid primary key,
    answer text not null check (answer in ('refunded', 'failed')),
    account_id text collate "C" not null,
    amount numeric not null check (amount > 0),
    currency text not null,
    decided_at timestamptz not null default now()
);

create index gateway_refunds_of_account on service.gateway_refunds (account_id, decided_at);

-- The tax tables and the lists of discount codes that were loaded, each kind in versions of its own, the latest
-- of which counts on the wall clock (R69, R71, R79). Never changed.
create table service.terms (
    kind text not null check (kind in ('tax', 'discounts')),
    version bigint not null check (version >= 1),
    loaded_at timestamptz not null,
    sha256 text not null,
    body bytea not null,
    primary key (kind, version)
);

grant select, insert on service.gateway_refunds, service.terms to prorata_service;
grant update (answer) on service.gateway_payments to prorata_service;
