-- A session keeps a secret of its own, which outlives the tokens that take one another's place; a session of
-- staff names the API key that signed in. Sessions of before have no secret: they end.
delete from portal.sessions;
alter table portal.sessions
    alter column account_id drop not null,
    add column key_id text collate "C",
    add column secret bytea not null,
    add column issued_at timestamptz not null,
    add column over_at timestamptz,
    add constraint sessions_of_one check ((account_id is null) <> (key_id is null));

comment on column portal.sessions.account_id is 'tenant/account: the only one that it sees; null: of staff';
comment on column portal.sessions.key_id is 'the API key that signed in; null: of a customer';
comment on column portal.sessions.secret is 'what the marks of its forms are made with';
comment on column portal.sessions.issued_at is 'when this token was given out';
comment on column portal.sessions.over_at is 'another token took its place: until then both count';
