create schema portal;

-- Links and sessions: the digests of their tokens, never the tokens.
create table portal.links (
    token bytea primary key,
    account_id text collate "C" not null,
    language text not null,
    return_url text,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index links_by_end on portal.links (expires_at);

create table portal.sessions (
    token bytea primary key,
    account_id text collate "C" not null,
    language text not null,
    return_url text,
    begun_at timestamptz not null,
    seen_at timestamptz not null
);
create index sessions_by_end on portal.sessions (seen_at);

comment on table portal.links is 'links to a customer''s own pages, each for one use within some minutes';
comment on column portal.links.token is 'the digest of the token in the link';
comment on column portal.links.account_id is 'tenant/account: the only one that the session sees';
comment on column portal.links.language is 'of the pages: en or fr';
comment on column portal.links.return_url is 'where the pages lead back to';
comment on column portal.links.expires_at is 'from when on it opens nothing';
comment on column portal.links.used_at is 'when it was used: it opens nothing any more';
comment on table portal.sessions is 'sessions of customers at the pages of their account';
comment on column portal.sessions.token is 'the digest of the session''s token';
comment on column portal.sessions.account_id is 'tenant/account: the only one that it sees';
comment on column portal.sessions.language is 'of the pages: en or fr';
comment on column portal.sessions.return_url is 'where the pages lead back to';
comment on column portal.sessions.begun_at is 'when the link was exchanged for it';
comment on column portal.sessions.seen_at is 'when it was last used';
