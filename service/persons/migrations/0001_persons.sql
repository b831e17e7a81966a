-- Billing details, sealed, in versions (R92). Nothing is changed but by an erasure (R93), and the wrapping of keys.
create schema persons;

create table persons.details (
    account_id text collate "C" not null,
    version integer not null check (version >= 1),
    person text collate "C",
    command_id text collate "C",
    given_at timestamptz not null,
    key bytea,
    sealed bytea,
    email_digest bytea,
    locked_until date,
    destroyed_at timestamptz,
    primary key (account_id, version),
    check ((key is null) = (destroyed_at is not null)),
    check ((key is null) = (sealed is null)),
    check (key is not null or (person is null and email_digest is null))
);

create unique index details_of_command on persons.details (account_id, command_id);
create index details_of_person on persons.details (person) where person is not null;
create index details_of_email on persons.details (email_digest) where email_digest is not null;
create index details_locked on persons.details (locked_until) where locked_until is not null;

comment on table persons.details is 'billing details in versions, each sealed with a key of its own (R92)';
comment on column persons.details.account_id is 'tenant/account';
comment on column persons.details.version is 'counts from 1 in the account; events name it';
comment on column persons.details.person is 'the company''s own, opaque id of who this is; null after an erasure';
comment on column persons.details.command_id is 'the id of the command that gave it';
comment on column persons.details.given_at is 'when it was given';
comment on column persons.details.key is 'the version''s key, sealed by the system''s; null once destroyed';
comment on column persons.details.sealed is 'the details, sealed by the version''s key; null once destroyed';
comment on column persons.details.email_digest is 'keyed digest of the e-mail address; null after an erasure';
comment on column persons.details.locked_until is
    'erased, and kept until that day (exclusive) for the documents that name it, for finance alone (R93)';
comment on column persons.details.destroyed_at is 'when key and details were destroyed';
