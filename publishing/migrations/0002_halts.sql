-- The last halt of each stream's relay, until one is at work again: for whoever asks how things are.
create table publishing.halts (
    stream text collate "C" primary key,
    code text not null,
    message text not null,
    halted_at timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on publishing.halts to prorata_service;
