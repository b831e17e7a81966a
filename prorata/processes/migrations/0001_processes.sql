create schema operations;

-- The long-running processes that are at work, and the last one of each name that is not any more.
-- Every few seconds a process writes its row anew, whatever its work is doing: one whose beat is old is gone.
create table operations.processes (
    -- One run of a process: made when it starts.
    id uuid primary key,
    name text collate "C" not null,
    host text not null,
    pid integer not null,
    version text not null,
    started_at timestamptz not null default clock_timestamp(),
    beat_at timestamptz not null default clock_timestamp(),
    -- When its loop last went round: one that stands still beats, but does not turn.
    turned_at timestamptz not null,
    -- What it does, in words; what ended it.
    doing text not null,
    -- Everything before this instant has been done, where the process knows (archive, recognition).
    done_until timestamptz,
    -- It ended by itself, well or with an error.
    ended_at timestamptz
);
-- No index but the primary key's: a beat changes the row in place, as long as there is room beside it.
alter table operations.processes set (fillfactor = 25);

grant usage on schema operations to prorata_service;
grant select, insert, update, delete on operations.processes to prorata_service;
