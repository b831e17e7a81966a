-- Commands by their ids, for those that are too old for the state of an account to remember (REMEMBERED_COMMANDS).
create index events_by_command on events (account_id, command_id) where command_id is not null;

-- Readers of some shards go by position, and leave out the others' events: a page of an eighth of the log is soon
-- found that way, and no append pays for an index that few read.
drop index events_by_shard;
