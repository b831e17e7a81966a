comment on column service.gateway_payments.answer is
    'paid, declined, declined_final, cancelled; action_required and pending: it is decided later.';
comment on column service.gateway_methods.final is 'Whether its declines are for good.';
comment on column service.gateway_methods.pending is 'Whether renewals are answered late.';
comment on column service.gateway_methods.refunds_work is 'Whether refunds to it are made, or fail.';

comment on table service.gateway_refunds is
    'What the test gateway gave back, as a payment provider knows it.';
comment on column service.gateway_refunds.key is 'The refund''s idempotency key: the id of the event that intends it.';
comment on column service.gateway_refunds.answer is 'refunded or failed.';
comment on column service.gateway_refunds.account_id is 'The account, as tenant/account.';
comment on column service.gateway_refunds.amount is 'The amount.';
comment on column service.gateway_refunds.currency is 'Its currency.';
comment on column service.gateway_refunds.decided_at is 'When it was decided.';

comment on table service.terms is
    'The tax tables and the lists of discount codes that were loaded; the latest of each kind counts.';
comment on column service.terms.kind is 'tax or discounts.';
comment on column service.terms.version is 'Its number among those of its kind.';
comment on column service.terms.loaded_at is 'When it was loaded.';
comment on column service.terms.sha256 is 'The digest of the file.';
comment on column service.terms.body is 'The file.';
