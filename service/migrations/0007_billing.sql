-- The billing run's claims: every account belongs to one of 16 parts, and a run bills a part while it holds its
-- lease. `done_until`, `done_at`: up to which instant, and when, a run has last billed all of the part.
create table service.billing_parts (
    clock text not null check (clock in ('wall', 'test')),
    part smallint not null check (part between 0 and 15),
    holder uuid,
    expires_at timestamptz,
    done_until timestamptz,
    done_at timestamptz,
    primary key (clock, part)
);
alter table service.billing_parts set (fillfactor = 25);
insert into service.billing_parts (clock, part)
    select clock, part from unnest(array['wall', 'test']) clock cross join generate_series(0, 15) part;

-- States of accounts as billing runs have left them, without invoices and command ids, so that a renewal need not
-- fold two years of history. Unlogged: it may be emptied at any time, and a crash of the server empties it.
create unlogged table service.kept_states (
    account_id text collate "C" primary key,
    version bigint not null check (version >= 1),
    hash bytea not null check (octet_length(hash) = 32),
    recorded_at timestamptz not null,
    due_at timestamptz,
    format text collate "C" not null,
    state bytea not null
);
-- A state is replaced by one of about its size every month: in place, as there is room beside it.
alter table service.kept_states set (fillfactor = 50);

grant select, update on service.billing_parts to prorata_service;
grant select, insert, update on service.kept_states to prorata_service;
