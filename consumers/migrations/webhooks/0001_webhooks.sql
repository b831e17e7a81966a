create schema webhooks;

create table webhooks.endpoints (
    id text collate "C" primary key,
    tenant text collate "C" not null,
    url text not null,
    types text[] collate "C" not null,
    secret text not null,
    former_secret text,
    former_until timestamptz,
    created_at timestamptz not null,
    paused_at timestamptz,
    paused_because text,
    last_success_at timestamptz,
    replayed_to bigint,
    check ((paused_at is null) = (paused_because is null))
);
create index endpoints_of_tenant on webhooks.endpoints (tenant, id);

-- What is to be sent, in the order of an account; kept for a while after it was delivered.
create table webhooks.deliveries (
    endpoint text collate "C" not null references webhooks.endpoints on delete cascade,
    account_id text collate "C" not null,
    position bigint not null,
    version bigint not null,
    type text collate "C" not null,
    body bytea not null,
    queued_at timestamptz not null default clock_timestamp(),
    delivered_at timestamptz,
    primary key (endpoint, account_id, position)
);
create index deliveries_waiting on webhooks.deliveries (endpoint, account_id, position) where delivered_at is null;
create index deliveries_by_position on webhooks.deliveries (endpoint, position);

-- The queue of an account at an endpoint: one delivery of it is under way at a time.
create table webhooks.queues (
    endpoint text collate "C" not null references webhooks.endpoints on delete cascade,
    account_id text collate "C" not null,
    last_version bigint not null,
    waiting boolean not null,
    next_at timestamptz not null,
    failing_since timestamptz,
    tries integer not null default 0,
    taken_until timestamptz,
    stopped_because text,
    primary key (endpoint, account_id)
) with (fillfactor = 80);
create index queues_waiting on webhooks.queues (endpoint, next_at) where waiting and stopped_because is null;

-- Every attempt: what the endpoint answered, and how long it took.
create table webhooks.attempts (
    id bigint generated always as identity primary key,
    endpoint text collate "C" not null references webhooks.endpoints on delete cascade,
    account_id text collate "C" not null,
    position bigint not null,
    at timestamptz not null,
    milliseconds integer not null,
    status integer,
    error text,
    response text
);
create index attempts_of_endpoint on webhooks.attempts (endpoint, id);
create index attempts_by_time on webhooks.attempts (at);

comment on table webhooks.endpoints is 'whom a tenant wants to be told of its accounts'' events';
comment on column webhooks.endpoints.id is 'by which a person names it: we_ and 16 characters';
comment on column webhooks.endpoints.tenant is 'whose accounts'' events it is told';
comment on column webhooks.endpoints.url is 'where the events are posted to';
comment on column webhooks.endpoints.types is 'the types of events that it is told; none: all';
comment on column webhooks.endpoints.secret is 'by which messages are signed (Standard Webhooks)';
comment on column webhooks.endpoints.former_secret is 'the secret before it, by which they are signed too';
comment on column webhooks.endpoints.former_until is 'up to when they are';
comment on column webhooks.endpoints.created_at is 'when it was made';
comment on column webhooks.endpoints.paused_at is 'since when nothing is sent to it';
comment on column webhooks.endpoints.paused_because is 'why: a sentence';
comment on column webhooks.endpoints.last_success_at is 'when it last took a message';
comment on column webhooks.endpoints.replayed_to is
    'a replay is under way: up to which position of the log events were put into the queues again';
comment on table webhooks.deliveries is 'events to be sent, and those that were, for some days';
comment on column webhooks.deliveries.endpoint is 'to which endpoint';
comment on column webhooks.deliveries.account_id is 'tenant/account';
comment on column webhooks.deliveries.position is 'the event''s position in the log';
comment on column webhooks.deliveries.version is 'the event''s version in its account';
comment on column webhooks.deliveries.type is 'the event''s type';
comment on column webhooks.deliveries.body is 'the message, as it is sent';
comment on column webhooks.deliveries.queued_at is 'when it was put here';
comment on column webhooks.deliveries.delivered_at is 'when the endpoint took it; null: it waits';
comment on table webhooks.queues is 'an account''s deliveries at an endpoint, one after another';
comment on column webhooks.queues.endpoint is 'the endpoint';
comment on column webhooks.queues.account_id is 'tenant/account';
comment on column webhooks.queues.last_version is 'the version of the last event that was put there';
comment on column webhooks.queues.waiting is 'whether a delivery waits';
comment on column webhooks.queues.next_at is 'when the first one that waits is tried next';
comment on column webhooks.queues.failing_since is 'since when the first one fails';
comment on column webhooks.queues.tries is 'how often it has failed';
comment on column webhooks.queues.taken_until is 'up to when a sender has it to itself';
comment on column webhooks.queues.stopped_because is 'why it is tried no more: a sentence';
comment on table webhooks.attempts is 'every attempt at a delivery, for some days';
comment on column webhooks.attempts.id is 'in the order of their recording';
comment on column webhooks.attempts.endpoint is 'the endpoint';
comment on column webhooks.attempts.account_id is 'tenant/account';
comment on column webhooks.attempts.position is 'of the event in the log';
comment on column webhooks.attempts.at is 'when it began';
comment on column webhooks.attempts.milliseconds is 'how long it took';
comment on column webhooks.attempts.status is 'the status that the endpoint answered; null: none came';
comment on column webhooks.attempts.error is 'what went wrong, where no answer came';
comment on column webhooks.attempts.response is 'the beginning of what it answered';
