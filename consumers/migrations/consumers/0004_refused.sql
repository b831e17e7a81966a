-- Records that cannot be the relay's are refused: counted here, and otherwise as if they were not there.
alter table consumers.partitions
    add column refused bigint not null default 0,
    -- The last one, and why.
    add column refused_offset bigint,
    add column refused_reason text,
    -- An altered event, whose account is parked: the next event follows it.
    add column astray_position bigint,
    -- Heartbeats in a row that contradict what was taken in.
    add column doubts integer not null default 0;
