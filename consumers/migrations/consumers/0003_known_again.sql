-- By what a place is known again: a topic, or a log, may have been put in the place of the one that was read.
alter table consumers.partitions
    -- The broker's id of the topic: one that was made anew under the same name has another.
    add column topic_id uuid,
    -- The last event taken in: where it was read, and its hash.
    add column last_offset bigint,
    add column last_hash bytea;
