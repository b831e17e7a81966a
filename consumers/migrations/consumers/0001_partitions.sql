create schema consumers;

-- How far each consumer is in each partition, who reads it now, and what it knows of the records there.
create table consumers.partitions (
    consumer text collate "C" not null,
    topic text collate "C" not null,
    partition integer not null,
    next_offset bigint not null default 0,
    -- Of the log whose records these are: those of another one are refused.
    log_id uuid,
    -- The last event's position: the next one names it as the one before it.
    last_position bigint not null default 0,
    -- The last heartbeat: everything that was in the log at heartbeat_at has been taken in.
    heartbeat_position bigint,
    heartbeat_at timestamptz,
    -- Records of types that this code does not know.
    skipped bigint not null default 0,
    claimed_by uuid,
    claimed_until timestamptz,
    primary key (consumer, topic, partition)
);

-- The newest state taken in of each key of a state topic: an older one changes nothing.
create table consumers.revisions (
    consumer text collate "C" not null,
    topic text collate "C" not null,
    key bytea not null,
    fold integer not null,
    revision bigint not null,
    primary key (consumer, topic, key)
);

-- Records that could not be handled, and those of the same keys that came after them, exactly as they were read.
create table consumers.dead_letters (
    consumer text collate "C" not null,
    topic text collate "C" not null,
    partition integer not null,
    record_offset bigint not null,
    key bytea not null,
    value bytea,
    header_names text[] not null,
    header_values bytea[] not null,
    sent_at timestamptz not null,
    -- What was wrong; null: it waits behind an earlier record of its key.
    error text,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (consumer, topic, partition, record_offset)
);
-- Is this key parked? In each batch, and in each question to a cache.
create index dead_letters_by_key on consumers.dead_letters (consumer, topic, key, record_offset);
