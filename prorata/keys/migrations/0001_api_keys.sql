create schema api;

-- The key of the hashes by which API keys are found, where PRORATA_API_SECRET gives none: made by whoever needs
-- it first.
create table api.hash_secret (
    one boolean primary key default true check (one),
    secret bytea not null check (octet_length(secret) = 32),
    made_at timestamptz not null default now()
);

-- Who may ask over HTTP. A key is found by its hash, and never stored.
create table api.keys (
    id text collate "C" primary key,
    tenant text collate "C" not null,
    name text not null,
    role text not null,
    hash bytea not null unique check (octet_length(hash) = 32),
    hint text not null,
    networks text[] not null default '{}',
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    rolled_from text collate "C" references api.keys,
    last_used_at timestamptz
);

create index keys_of_tenant on api.keys (tenant, id);

comment on schema api is 'Of the HTTP API: who may ask.';
comment on table api.hash_secret is
    'The key of the hashes of API keys, where the setting PRORATA_API_SECRET gives none.';
comment on column api.hash_secret.one is 'Always true: there is one row.';
comment on column api.hash_secret.secret is '32 random bytes, the key of HMAC-SHA256.';
comment on column api.hash_secret.made_at is 'When it was made.';
comment on table api.keys is 'API keys, without the keys themselves.';
comment on column api.keys.id is 'By which a person names the key: key_ and 16 characters.';
comment on column api.keys.tenant is 'The tenant whose accounts it reaches.';
comment on column api.keys.name is 'What its maker called it.';
comment on column api.keys.role is 'What it may do: a role of R43, support, finance, provider or operator.';
comment on column api.keys.hash is 'HMAC-SHA256 of the key.';
comment on column api.keys.hint is 'The last four characters of the key, by which a person knows it again.';
comment on column api.keys.networks is 'The networks from which it may be used (CIDR); empty: all.';
comment on column api.keys.created_at is 'When it was made.';
comment on column api.keys.expires_at is 'From when on it counts no more; null: never by itself.';
comment on column api.keys.revoked_at is
    'From when on it counts no more since it was revoked, or rolled: then with an overlap.';
comment on column api.keys.rolled_from is 'The key in whose place it was made.';
comment on column api.keys.last_used_at is 'When it was last used, to the minute.';
