-- The second part of the rules for analysts: taxes and discounts of lines, what is due, account credit, disputes, and
-- credit notes. A disputed account is called so, whatever readers of the topics are told.
create or replace view reporting.accounts as
    select accounts.account_id, split_part(accounts.account_id, '/', 1) as tenant, calendar.clock, accounts.currency,
        accounts.time_zone,
        case when accounts.disputed_since is not null and accounts.status <> 'closed' then 'disputed'
            else accounts.status end as status,
        accounts.anchor, accounts.next_renewal, calendar.due_at, accounts.as_of,
        accounts.credit, accounts.due, accounts.disputed_since
    from projections.accounts left join projections.calendar using (account_id);

create or replace view reporting.invoices as
    select account_id, number, date, issued_at, currency, total, status, clock, net, tax, credit, due, charged_back, disputed
    from projections.invoices;

create or replace view reporting.invoice_lines as
    select lines.account_id, lines.number, lines.line, invoices.date, invoices.currency, lines.product, lines.tier, lines.kind,
        lines.from_date, lines.to_date, lines.days, lines.of_days, lines.unit_price, lines.quantity, lines.amount,
        invoices.clock, lines.discount, lines.net, lines.tax
    from projections.invoice_lines lines join projections.invoices using (account_id, number);

create view reporting.invoice_line_taxes as
    select taxes.account_id, taxes.number, taxes.line, invoices.date, invoices.currency, taxes.jurisdiction, taxes.category,
        taxes.rate, taxes.amount, taxes.reason, invoices.clock
    from projections.invoice_line_taxes taxes join projections.invoices using (account_id, number);

create view reporting.credit_notes as
    select account_id, number, date, issued_at, currency, invoice, reason, net, tax, total, lowered, refunded, to_account,
        refund, reissue, ticket, clock
    from projections.credit_notes;

create view reporting.credit_note_lines as
    select lines.account_id, lines.number, notes.invoice, lines.line, notes.date, notes.currency, lines.product, lines.tier,
        lines.kind, lines.from_date, lines.to_date, lines.by_days, lines.amount, lines.tax, notes.clock
    from projections.credit_note_lines lines join projections.credit_notes notes using (account_id, number);

create view reporting.discounts as
    select discounts.account_id, discount, percent, fixed, once, carried, nonprofit, code, products, start, last_day, "left",
        over, accounts.clock
    from projections.discounts join projections.accounts using (account_id);


comment on column projections.accounts.credit is 'Account credit.';
comment on column projections.accounts.due is 'What is to be paid of all its invoices.';
comment on column projections.accounts.disputed_since is 'Since when a dispute is open; none: none is.';
comment on column reporting.accounts.credit is 'Account credit.';
comment on column reporting.accounts.due is 'What is to be paid of all its invoices.';
comment on column reporting.accounts.disputed_since is 'Since when a dispute is open; none: none is.';
comment on column reporting.accounts.status is 'good, past_due, disputed or closed.';
comment on column projections.invoices.net is 'The sum of its lines before tax, discounts taken off.';
comment on column projections.invoices.tax is 'The sum of its taxes.';
comment on column projections.invoices.total is 'Net and tax together.';
comment on column projections.invoices.credit is 'The account credit that it took.';
comment on column projections.invoices.due is 'What is still to be paid; 0 unless it is open.';
comment on column projections.invoices.charged_back is 'Whether a dispute of it was lost.';
comment on column projections.invoices.disputed is 'Whether a dispute of it is open.';
comment on column reporting.invoices.net is 'The sum of its lines before tax, discounts taken off.';
comment on column reporting.invoices.tax is 'The sum of its taxes.';
comment on column reporting.invoices.total is 'Net and tax together.';
comment on column reporting.invoices.credit is 'The account credit that it took.';
comment on column reporting.invoices.due is 'What is still to be paid; 0 unless it is open.';
comment on column reporting.invoices.charged_back is 'Whether a dispute of it was lost.';
comment on column reporting.invoices.disputed is 'Whether a dispute of it is open.';
comment on column projections.invoice_lines.discount is
    'What discounts took off, with the sign of the amount.';
comment on column projections.invoice_lines.net is 'The amount less the discount.';
comment on column projections.invoice_lines.tax is 'Its share of the invoice''s taxes.';
comment on column reporting.invoice_lines.discount is 'What discounts took off, with the sign of the amount.';
comment on column reporting.invoice_lines.net is 'The amount less the discount.';
comment on column reporting.invoice_lines.tax is 'Its share of the invoice''s taxes.';

comment on table projections.discounts is 'Read model entitlements: each discount of an account.';
comment on column projections.discounts.account_id is 'The account, as tenant/account.';
comment on column projections.discounts.nth is 'In order of grant, from 1 on.';
comment on column projections.discounts.discount is 'D1, D2 and so on, in order of grant.';
comment on column projections.discounts.percent is 'What it takes in percent; none: an amount.';
comment on column projections.discounts.fixed is 'The amount that it takes; none: a percentage.';
comment on column projections.discounts.once is 'Whether it is for one invoice.';
comment on column projections.discounts.carried is
    'Whether what is left of it is taken by the invoices that follow.';
comment on column projections.discounts.nonprofit is 'Whether it is that of nonprofits.';
comment on column projections.discounts.code is 'The code that it was given for.';
comment on column projections.discounts.products is
    'The ids of the products that it is for, commas between; none: plans, of a carried one every line.';
comment on column projections.discounts.start is 'The first day of lines that it reaches.';
comment on column projections.discounts.last_day is
    'The last day of lines that it reaches, inclusive; none: for ever.';
comment on column projections.discounts."left" is 'What is left of a carried one.';
comment on column projections.discounts.over is
    'Whether it took nothing any more as the account''s last event left it.';
comment on column projections.discounts.version is 'The account''s version up to which this row was made.';
comment on column projections.discounts.revision is 'The position of the last event that made the row.';
comment on column projections.discounts.fold is 'The version of the fold that made the row.';
comment on view reporting.discounts is 'Discounts of accounts, with what is left of them.';
comment on column reporting.discounts.account_id is 'The account, as tenant/account.';
comment on column reporting.discounts.discount is 'D1, D2 and so on, in order of grant.';
comment on column reporting.discounts.percent is 'What it takes in percent; none: an amount.';
comment on column reporting.discounts.fixed is 'The amount that it takes; none: a percentage.';
comment on column reporting.discounts.once is 'Whether it is for one invoice.';
comment on column reporting.discounts.carried is
    'Whether what is left of it is taken by the invoices that follow.';
comment on column reporting.discounts.nonprofit is 'Whether it is that of nonprofits.';
comment on column reporting.discounts.code is 'The code that it was given for.';
comment on column reporting.discounts.products is
    'The ids of the products that it is for, commas between; none: plans, of a carried one every line.';
comment on column reporting.discounts.start is 'The first day of lines that it reaches.';
comment on column reporting.discounts.last_day is
    'The last day of lines that it reaches, inclusive; none: for ever.';
comment on column reporting.discounts."left" is 'What is left of a carried one.';
comment on column reporting.discounts.over is
    'Whether it took nothing any more as the account''s last event left it.';
comment on column reporting.discounts.clock is 'wall, or test: an account on a test clock is nobody''s money.';

comment on table projections.invoice_line_taxes is 'Read model invoices: each tax of a line.';
comment on column projections.invoice_line_taxes.account_id is 'The account, as tenant/account.';
comment on column projections.invoice_line_taxes.number is 'The invoice''s number.';
comment on column projections.invoice_line_taxes.line is 'The line''s number.';
comment on column projections.invoice_line_taxes.nth is 'Which tax of the line, from 1 on.';
comment on column projections.invoice_line_taxes.jurisdiction is 'The country, and region, whose tax it is.';
comment on column projections.invoice_line_taxes.category is
    'EN 16931''s letter: S standard, Z zero, AE reverse charge, E exempt, O outside the scope.';
comment on column projections.invoice_line_taxes.rate is 'The tax''s rate in percent.';
comment on column projections.invoice_line_taxes.amount is 'The line''s share of this tax.';
comment on column projections.invoice_line_taxes.reason is
    'Why no tax is asked: reverse_charge, exempt, outside_scope; none: it is asked.';
comment on column projections.invoice_line_taxes.version is
    'The account''s version up to which this row was made.';
comment on column projections.invoice_line_taxes.revision is
    'The position of the last event that made the row.';
comment on column projections.invoice_line_taxes.fold is 'The version of the fold that made the row.';
comment on view reporting.invoice_line_taxes is
    'The taxes of each invoice line, by jurisdiction, category and rate.';
comment on column reporting.invoice_line_taxes.account_id is 'The account, as tenant/account.';
comment on column reporting.invoice_line_taxes.number is 'The invoice''s number.';
comment on column reporting.invoice_line_taxes.line is 'The line''s number.';
comment on column reporting.invoice_line_taxes.date is 'The day of the invoice, in the account''s time zone.';
comment on column reporting.invoice_line_taxes.currency is 'The currency.';
comment on column reporting.invoice_line_taxes.jurisdiction is 'The country, and region, whose tax it is.';
comment on column reporting.invoice_line_taxes.category is
    'EN 16931''s letter: S standard, Z zero, AE reverse charge, E exempt, O outside the scope.';
comment on column reporting.invoice_line_taxes.rate is 'The tax''s rate in percent.';
comment on column reporting.invoice_line_taxes.amount is 'The line''s share of this tax.';
comment on column reporting.invoice_line_taxes.reason is
    'Why no tax is asked: reverse_charge, exempt, outside_scope; none: it is asked.';
comment on column reporting.invoice_line_taxes.clock is
    'wall, or test: an account on a test clock is nobody''s money.';
comment on table projections.invoice_line_discounts is
    'Read model invoices: what each discount took off a line.';
comment on column projections.invoice_line_discounts.account_id is 'The account, as tenant/account.';
comment on column projections.invoice_line_discounts.number is 'The invoice''s number.';
comment on column projections.invoice_line_discounts.line is 'The line''s number.';
comment on column projections.invoice_line_discounts.nth is 'Which discount of the line, from 1 on.';
comment on column projections.invoice_line_discounts.discount is 'The discount, such as D1.';
comment on column projections.invoice_line_discounts.amount is 'What it took off.';
comment on column projections.invoice_line_discounts.version is
    'The account''s version up to which this row was made.';
comment on column projections.invoice_line_discounts.revision is
    'The position of the last event that made the row.';
comment on column projections.invoice_line_discounts.fold is 'The version of the fold that made the row.';

comment on table projections.credit_notes is 'Read model credit_notes: each credit note.';
comment on column projections.credit_notes.account_id is 'The account, as tenant/account.';
comment on column projections.credit_notes.number is
    'The credit note''s number in the account: 1 is called C1.';
comment on column projections.credit_notes.date is 'The day of the credit note, in the account''s time zone.';
comment on column projections.credit_notes.issued_at is 'When it was issued.';
comment on column projections.credit_notes.currency is 'The currency.';
comment on column projections.credit_notes.invoice is 'The number of the invoice of which it takes back.';
comment on column projections.credit_notes.reason is 'Why, such as goodwill or service_failure.';
comment on column projections.credit_notes.net is 'What it takes back before tax.';
comment on column projections.credit_notes.tax is 'What it takes back of the taxes.';
comment on column projections.credit_notes.total is 'Both together.';
comment on column projections.credit_notes.lowered is 'What of it was due, and is not any more.';
comment on column projections.credit_notes.refunded is 'What of it goes to the payment method.';
comment on column projections.credit_notes.to_account is 'What of it became account credit.';
comment on column projections.credit_notes.refund is 'asked, made or failed; none: nothing is refunded.';
comment on column projections.credit_notes.reissue is
    'The number of the invoice that replaces the one taken back.';
comment on column projections.credit_notes.ticket is 'The ticket that staff named.';
comment on column projections.credit_notes.clock is
    'wall, or test: an account on a test clock is nobody''s money.';
comment on column projections.credit_notes.version is 'The account''s version up to which this row was made.';
comment on column projections.credit_notes.revision is 'The position of the last event that made the row.';
comment on column projections.credit_notes.fold is 'The version of the fold that made the row.';
comment on view reporting.credit_notes is
    'Credit notes: what was taken back of invoices, and where the money went.';
comment on column reporting.credit_notes.account_id is 'The account, as tenant/account.';
comment on column reporting.credit_notes.number is 'The credit note''s number in the account: 1 is called C1.';
comment on column reporting.credit_notes.date is 'The day of the credit note, in the account''s time zone.';
comment on column reporting.credit_notes.issued_at is 'When it was issued.';
comment on column reporting.credit_notes.currency is 'The currency.';
comment on column reporting.credit_notes.invoice is 'The number of the invoice of which it takes back.';
comment on column reporting.credit_notes.reason is 'Why, such as goodwill or service_failure.';
comment on column reporting.credit_notes.net is 'What it takes back before tax.';
comment on column reporting.credit_notes.tax is 'What it takes back of the taxes.';
comment on column reporting.credit_notes.total is 'Both together.';
comment on column reporting.credit_notes.lowered is 'What of it was due, and is not any more.';
comment on column reporting.credit_notes.refunded is 'What of it goes to the payment method.';
comment on column reporting.credit_notes.to_account is 'What of it became account credit.';
comment on column reporting.credit_notes.refund is 'asked, made or failed; none: nothing is refunded.';
comment on column reporting.credit_notes.reissue is
    'The number of the invoice that replaces the one taken back.';
comment on column reporting.credit_notes.ticket is 'The ticket that staff named.';
comment on column reporting.credit_notes.clock is
    'wall, or test: an account on a test clock is nobody''s money.';
comment on table projections.credit_note_lines is 'Read model credit_notes: each line of a credit note.';
comment on column projections.credit_note_lines.account_id is 'The account, as tenant/account.';
comment on column projections.credit_note_lines.number is 'The credit note''s number.';
comment on column projections.credit_note_lines.nth is 'Which line of the credit note, from 1 on.';
comment on column projections.credit_note_lines.line is 'The line of the invoice that it takes back of.';
comment on column projections.credit_note_lines.product is 'The product.';
comment on column projections.credit_note_lines.tier is 'The tier of a product that is sold in tiers.';
comment on column projections.credit_note_lines.kind is 'What was charged for, such as a plan or blocks.';
comment on column projections.credit_note_lines.from_date is
    'The first day that is taken back, or of the line.';
comment on column projections.credit_note_lines.to_date is 'The day after the last one.';
comment on column projections.credit_note_lines.by_days is 'Whether it takes back days of the line.';
comment on column projections.credit_note_lines.amount is
    'What is taken back before tax; negative of a credit line.';
comment on column projections.credit_note_lines.tax is 'What is taken back of its taxes.';
comment on column projections.credit_note_lines.version is
    'The account''s version up to which this row was made.';
comment on column projections.credit_note_lines.revision is
    'The position of the last event that made the row.';
comment on column projections.credit_note_lines.fold is 'The version of the fold that made the row.';
comment on view reporting.credit_note_lines is 'The lines of credit notes.';
comment on column reporting.credit_note_lines.account_id is 'The account, as tenant/account.';
comment on column reporting.credit_note_lines.number is 'The credit note''s number.';
comment on column reporting.credit_note_lines.invoice is 'The number of the invoice of which it takes back.';
comment on column reporting.credit_note_lines.line is 'The line of that invoice.';
comment on column reporting.credit_note_lines.date is
    'The day of the credit note, in the account''s time zone.';
comment on column reporting.credit_note_lines.currency is 'The currency.';
comment on column reporting.credit_note_lines.product is 'The product.';
comment on column reporting.credit_note_lines.tier is 'The tier of a product that is sold in tiers.';
comment on column reporting.credit_note_lines.kind is 'What was charged for, such as a plan or blocks.';
comment on column reporting.credit_note_lines.from_date is
    'The first day that is taken back, or of the line.';
comment on column reporting.credit_note_lines.to_date is 'The day after the last one.';
comment on column reporting.credit_note_lines.by_days is 'Whether it takes back days of the line.';
comment on column reporting.credit_note_lines.amount is
    'What is taken back before tax; negative of a credit line.';
comment on column reporting.credit_note_lines.tax is 'What is taken back of its taxes.';
comment on column reporting.credit_note_lines.clock is
    'wall, or test: an account on a test clock is nobody''s money.';
comment on table projections.credit_note_line_taxes is
    'Read model credit_notes: what is taken back of each tax of a line.';
comment on column projections.credit_note_line_taxes.account_id is 'The account, as tenant/account.';
comment on column projections.credit_note_line_taxes.number is 'The credit note''s number.';
comment on column projections.credit_note_line_taxes.nth is 'Which line of the credit note, from 1 on.';
comment on column projections.credit_note_line_taxes.nth_tax is 'Which tax of that line, from 1 on.';
comment on column projections.credit_note_line_taxes.jurisdiction is
    'The country, and region, whose tax it is.';
comment on column projections.credit_note_line_taxes.category is
    'EN 16931''s letter: S standard, Z zero, AE reverse charge, E exempt, O outside the scope.';
comment on column projections.credit_note_line_taxes.rate is 'The tax''s rate in percent.';
comment on column projections.credit_note_line_taxes.amount is 'What is taken back of this tax.';
comment on column projections.credit_note_line_taxes.reason is
    'Why no tax is asked: reverse_charge, exempt, outside_scope; none: it is asked.';
comment on column projections.credit_note_line_taxes.version is
    'The account''s version up to which this row was made.';
comment on column projections.credit_note_line_taxes.revision is
    'The position of the last event that made the row.';
comment on column projections.credit_note_line_taxes.fold is 'The version of the fold that made the row.';
