-- On which clock each account lives (R97): rows about money or access of test accounts are nobody's. What older
-- folds wrote is filled from the calendar, which has known it always; a rebuild makes it anew from the log.
alter table projections.accounts add column clock text;
alter table projections.access_accounts add column clock text;
alter table projections.invoices add column clock text;
alter table if exists projections.monthly_revenue add column clock text;

update projections.accounts a set clock = c.clock from projections.calendar c where c.account_id = a.account_id;
update projections.access_accounts a set clock = c.clock
    from projections.calendar c where c.account_id = a.account_id;
update projections.invoices i set clock = c.clock from projections.calendar c where c.account_id = i.account_id;
do $$ begin
    if to_regclass('projections.monthly_revenue') is not null then
        update projections.monthly_revenue m set clock = c.clock
            from projections.calendar c where c.account_id = m.account_id;
    end if;
end $$;
