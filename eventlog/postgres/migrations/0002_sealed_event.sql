-- What an append sends: a row of `events` without the position, which the insert hands out. One array of these is a parameter that
-- the server reads faster than an array for each column.
create type sealed_event as (
    account_id text,
    version bigint,
    shard smallint,
    event_id uuid,
    command_id text,
    type text,
    schema_version smallint,
    recorded_at timestamptz,
    effective_at timestamptz,
    actor text,
    state bytea,
    previous_hash bytea,
    hash bytea
);
