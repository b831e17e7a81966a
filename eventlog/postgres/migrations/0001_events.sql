-- The identity of this log, made here and nowhere else. A restored backup keeps it.
create table log (
    id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now(),
    one_row boolean primary key default true check (one_row)
);
insert into log default values;

-- The one record. Nothing in it is ever changed. Texts are in byte order, so that no library update reorders the index.
create table events (
    position bigint not null generated always as identity (sequence name events_position cache 1),
    account_id text collate "C" not null check (octet_length(account_id) between 1 and 200),
    version bigint not null check (version >= 1),
    shard smallint not null check (shard between 0 and 63),
    event_id uuid not null,
    command_id text collate "C",
    type text collate "C" not null,
    schema_version smallint not null check (schema_version >= 1),
    recorded_at timestamptz not null,
    effective_at timestamptz not null,
    actor text collate "C",
    state bytea not null,
    previous_hash bytea not null check (octet_length(previous_hash) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (account_id, version)
);

-- Settled reads, and the event at a position. Unique: a sequence that fell behind stops the log, not its readers.
create unique index events_by_position on events (position);
-- Settled reads of a few shards: a rebuild in several processes.
create index events_by_shard on events (shard, position);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'append_only: % of table % refused', tg_op, tg_table_name using
        errcode = 'PRA01',
        detail = 'The log is the record of what happened and is only ever added to.',
        hint = 'Append an event that corrects the earlier one.';
end
$$;

create trigger append_only before update or delete or truncate on events
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on log
    for each statement execute function refuse_change();
-- Also for sessions that replay a replication stream.
alter table events enable always trigger append_only;
alter table log enable always trigger append_only;

-- What Prorata's processes may do. Roles belong to the whole server: another database may be making this one now.
do $$
begin
    if not exists (select from pg_roles where rolname = 'prorata_service') then
        create role prorata_service nologin;
    end if;
exception when duplicate_object or unique_violation then
    null;
end
$$;
grant usage on schema public to prorata_service;
grant select, insert on events to prorata_service;
grant select on log, migrations, events_position to prorata_service;
