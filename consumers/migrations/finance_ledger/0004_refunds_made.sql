-- Which of the refunds were made: with those that were asked for, what is still without an answer can be checked.
alter table finance_ledger.accounts add column refunds_made numeric not null default 0;
update finance_ledger.accounts a set refunds_made = of.amount
from (
    select account_id, sum(amount) as amount from finance_ledger.transfers
    where kind = 'refunded' group by account_id
) of
where of.account_id = a.account_id;
