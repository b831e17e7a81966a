-- What the Stripe adapter must know that Stripe forgets. A row decides its key for ever: Stripe's idempotency keys
-- are pruned after a day.
create table service.stripe_charges (
    key uuid primary key,
    account_id text collate "C",
    amount numeric check (amount > 0),
    currency text,
    late boolean not null default false,
    made_at timestamptz not null default now(),
    -- The payment intent, created and not yet confirmed, and the attempt that alone may confirm it.
    intent text,
    claim uuid,
    -- A decline, written down before the intent is cancelled; what it comes to is in `answer`.
    declined text check (declined in ('declined', 'declined_final')),
    decline_reason text,
    answer text check (answer in ('paid', 'declined', 'declined_final', 'cancelled')),
    check ((intent is null) = (claim is null)),
    -- Without an account: forbidden before it was charged.
    check ((account_id is null) = (amount is null) and (amount is null) = (currency is null)),
    check (account_id is not null or answer = 'cancelled' and intent is null)
);

create table service.stripe_refunds (
    key uuid primary key,
    charge uuid not null,
    account_id text collate "C" not null,
    amount numeric not null check (amount > 0),
    currency text not null,
    made_at timestamptz not null default now(),
    refund text,
    answer text check (answer in ('refunded', 'failed'))
);

-- The customer that an account is at Stripe, and the method that pays its renewals: none yet, or one that was
-- refused when it was saved (`declined`). Nothing of a card.
create table service.stripe_methods (
    account_id text collate "C" primary key,
    customer text not null,
    method text,
    type text,
    declined text check (declined in ('declined', 'declined_final')),
    decline_reason text,
    check ((method is null) = (type is null))
);

grant select, insert, update on service.stripe_charges, service.stripe_refunds, service.stripe_methods
    to prorata_service;
