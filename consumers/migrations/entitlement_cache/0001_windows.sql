create schema entitlement_cache;

-- When which account could or can use which product; `renews`: the end will move. Only the last one can.
-- The primary key answers may_use: the last window of a product that has begun.
create table entitlement_cache.windows (
    account_id text collate "C" not null,
    product text collate "C" not null,
    begins_at timestamptz not null,
    ends_at timestamptz,
    renews boolean not null,
    primary key (account_id, product, begins_at)
);
