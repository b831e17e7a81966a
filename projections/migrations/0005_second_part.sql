-- The second part of the rules: tax, discounts, account credit, what is due, disputes, and credit notes. What older folds
-- wrote had none of it, so their amounts follow; a rebuild makes the rows anew from the log.
alter table projections.accounts add column credit numeric, add column due numeric,
    add column disputed_since timestamptz;
alter table projections.invoices add column net numeric, add column tax numeric, add column credit numeric,
    add column due numeric, add column charged_back boolean not null default false,
    add column disputed boolean not null default false;
alter table projections.invoice_lines add column discount numeric, add column net numeric, add column tax numeric;
alter table if exists projections.monthly_revenue add column discounts numeric, add column taken_back numeric;

update projections.invoices set net = total, tax = total - total, credit = total - total,
    due = case status when 'open' then total else total - total end;
update projections.invoice_lines set discount = amount - amount, net = amount, tax = amount - amount;
update projections.accounts a set
    due = coalesce((
        select sum(i.due) from projections.invoices i where i.account_id = a.account_id
    ), 0),
    credit = 0;
do $$ begin
    if to_regclass('projections.monthly_revenue') is not null then
        update projections.monthly_revenue set discounts = 0, taken_back = 0;
    end if;
end $$;

-- Of read model entitlements. `products` are ids with commas between, `left` what is left of a carried one.
create table projections.discounts (
    account_id text collate "C" not null,
    nth integer not null,
    discount text not null,
    percent numeric,
    fixed numeric,
    once boolean not null,
    carried boolean not null,
    nonprofit boolean not null,
    code text,
    products text,
    start date not null,
    last_day date,
    "left" numeric,
    over boolean not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, nth)
);

-- Of read model invoices.
create table projections.invoice_line_taxes (
    account_id text collate "C" not null,
    number bigint not null,
    line integer not null,
    nth integer not null,
    jurisdiction text not null,
    category text not null,
    rate numeric not null,
    amount numeric not null,
    reason text,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number, line, nth)
);
create table projections.invoice_line_discounts (
    account_id text collate "C" not null,
    number bigint not null,
    line integer not null,
    nth integer not null,
    discount text not null,
    amount numeric not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number, line, nth)
);

-- Read model credit_notes.
create table projections.credit_notes (
    account_id text collate "C" not null,
    number bigint not null,
    date date not null,
    issued_at timestamptz not null,
    currency text not null,
    invoice bigint not null,
    reason text not null,
    net numeric not null,
    tax numeric not null,
    total numeric not null,
    lowered numeric not null,
    refunded numeric not null,
    to_account numeric not null,
    refund text,
    reissue bigint,
    ticket text,
    clock text,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number)
);
create table projections.credit_note_lines (
    account_id text collate "C" not null,
    number bigint not null,
    nth integer not null,
    line integer not null,
    product text collate "C" not null,
    tier text,
    kind text not null,
    from_date date not null,
    to_date date not null,
    by_days boolean not null,
    amount numeric not null,
    tax numeric not null,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number, nth)
);
create table projections.credit_note_line_taxes (
    account_id text collate "C" not null,
    number bigint not null,
    nth integer not null,
    nth_tax integer not null,
    jurisdiction text not null,
    category text not null,
    rate numeric not null,
    amount numeric not null,
    reason text,
    version bigint not null,
    revision bigint not null,
    fold integer not null,
    primary key (account_id, number, nth, nth_tax)
);

-- No event before this migration issued a credit note: its checkpoints begin where those of the invoices stand.
insert into projections.checkpoints (projection, lane, position, hash)
    select 'credit_notes', lane, position, hash from projections.checkpoints where projection = 'invoices';

grant select, insert, update, delete on all tables in schema projections to prorata_service;
