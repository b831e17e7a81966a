-- Books as the ledger kept them before the second part: an invoice paid and half earned, one open, one written off.
insert into finance_ledger.accounts values ('acme/a-1', 'wall', 'Europe/Paris'), ('acme/a-2', 'wall', 'UTC');
insert into finance_ledger.invoices (account_id, number, clock, date, currency, total, status) values
    ('acme/a-1', 1, 'wall', '2026-03-20', 'EUR', 20.00, 'paid'),
    ('acme/a-1', 2, 'wall', '2026-04-20', 'EUR', 20.00, 'open'),
    ('acme/a-2', 1, 'wall', '2026-02-20', 'EUR', 28.00, 'uncollectible');
insert into finance_ledger.schedules (account_id, invoice, line, clock, product, currency, digits, amount, begins,
    ends, next_day, recognised, held, written_off) values
    ('acme/a-1', 1, 1, 'wall', 'standard', 'EUR', 2, 20.00, '2026-03-20', '2026-04-20', '2026-04-04', 9.68, false, false),
    ('acme/a-1', 2, 1, 'wall', 'standard', 'EUR', 2, 20.00, '2026-04-20', '2026-05-20', '2026-04-20', 0, true, false),
    ('acme/a-2', 1, 1, 'wall', 'standard', 'EUR', 2, 28.00, '2026-02-20', '2026-03-20', '2026-02-22', 2.00, true, true);
insert into finance_ledger.transfers (clock, tenant, day, effective, kind, debit, credit, currency, amount, product,
    account_id, invoice) values
    ('wall', 'acme', '2026-03-20', '2026-03-20', 'issued', 'receivable', 'deferred_revenue', 'EUR', 20.00, 'standard',
        'acme/a-1', 1),
    ('wall', 'acme', '2026-03-20', '2026-03-20', 'paid', 'cash', 'receivable', 'EUR', 20.00, null, 'acme/a-1', 1),
    ('wall', 'acme', '2026-04-20', '2026-04-20', 'issued', 'receivable', 'deferred_revenue', 'EUR', 20.00, 'standard',
        'acme/a-1', 2),
    ('wall', 'acme', '2026-02-20', '2026-02-20', 'issued', 'receivable', 'deferred_revenue', 'EUR', 28.00, 'standard',
        'acme/a-2', 1),
    ('wall', 'acme', '2026-03-20', '2026-03-20', 'written_off', 'deferred_revenue', 'receivable', 'EUR', 26.00,
        'standard', 'acme/a-2', 1),
    ('wall', 'acme', '2026-03-20', '2026-03-20', 'written_off', 'bad_debt', 'receivable', 'EUR', 2.00, null,
        'acme/a-2', 1),
    ('wall', 'acme', '2026-04-03', '2026-04-03', 'recognised', 'deferred_revenue', 'revenue:standard', 'EUR', 11.68,
        'standard', null, null);
