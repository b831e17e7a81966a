-- The last halt of each consumer, until it takes records in again: for whoever asks how things are.
create table consumers.halts (
    consumer text collate "C" primary key,
    code text not null,
    message text not null,
    halted_at timestamptz not null default clock_timestamp()
);
