comment on column service.gateway_payments.decline_reason is 'Why it was declined, where it says.';
comment on column service.gateway_methods.decline_reason is 'Why its payments are declined, where it says.';
comment on column service.gateway_refunds.charge is 'The idempotency key of the charge that it gives back of.';
