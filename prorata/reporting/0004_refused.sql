comment on column consumers.partitions.refused is 'How many records were refused because the relay cannot have written them.';
comment on column consumers.partitions.refused_offset is 'The offset of the last one of these.';
comment on column consumers.partitions.refused_reason is 'Why it was refused.';
comment on column consumers.partitions.astray_position is
    'The position of an altered event whose account is parked, and which the next event follows.';
comment on column consumers.partitions.doubts is 'How many heartbeats in a row contradict what was taken in.';
