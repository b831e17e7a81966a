-- A checkpoint for each lane (projections/lanes.py: the log's 64 shards as 8 spans of neighbours) instead of one
-- for the whole log: each begins where that one stood. Those of rebuilds too.
alter table projections.checkpoints add column lane smallint not null default 0 check (lane between 0 and 7);
alter table projections.checkpoints drop constraint checkpoints_pkey, add primary key (projection, lane);
alter table projections.checkpoints alter column lane drop default;

insert into projections.checkpoints (projection, lane, generation, fold, position, hash)
    select projection, other, generation, fold, position, hash
    from projections.checkpoints cross join generate_series(1, 7) other;

-- All of them are changed with every page, in place as long as there is room beside the row.
alter table projections.checkpoints set (fillfactor = 25);
