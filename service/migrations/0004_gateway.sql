-- At the test gateway: why a payment was declined, and which charge a refund gives back of.
alter table service.gateway_payments add column decline_reason text;
alter table service.gateway_methods add column decline_reason text;
alter table service.gateway_refunds add column charge uuid;

-- The gateway's own list of a day (`prorata reconcile`). Rows come in order of time, so a few bytes suffice.
create index gateway_payments_by_day on service.gateway_payments using brin (decided_at);
create index gateway_refunds_by_day on service.gateway_refunds using brin (decided_at);

-- Nobody reads an account's rows.
drop index service.gateway_payments_of_account;
drop index service.gateway_refunds_of_account;
