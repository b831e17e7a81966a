-- Rebuilds that have begun and not ended: each folds into the tables of its `generation`, by `code` (a digest);
-- one that was interrupted goes on from its units if that is still the code. `events`: at most so many.
create table projections.rebuilds (
    projection text collate "C" primary key,
    generation integer not null,
    code text not null,
    events bigint not null,
    indexed boolean not null default false,
    started_at timestamptz not null default now()
);

-- The accounts after `after` up to and including `last`. `events` were folded of them, in the transaction
-- that wrote their rows; null: not yet.
create table projections.rebuild_units (
    projection text collate "C" not null references projections.rebuilds on delete cascade,
    unit integer not null,
    after text collate "C" not null,
    last text collate "C" not null,
    events bigint,
    primary key (projection, unit)
);
