-- Rows are changed in place (projections/tables.py): a row's new version goes beside it as long as there is room on its
-- page, touches no index whose columns stay the same, and the room of the version before is used again by the next one.
-- Rows of accounts change for ever; those of an invoice once or twice, soon after they were made.
-- What is left for vacuum, mostly where `due_at` changes, it shall find before much of it has gathered.
do $$
declare
    changed text;
    room integer;
begin
    for changed, room in
        select relname, case when relname like any (array['invoice%', 'credit_note%', 'monthly_revenue%']) then 90 else 70 end
        from pg_class where relnamespace = 'projections'::regnamespace and relkind = 'r'
            and relname ~ '^(accounts|entitlements|discounts|access_accounts|access_windows|calendar|invoices|invoice_lines|invoice_line_taxes|invoice_line_discounts|credit_notes|credit_note_lines|credit_note_line_taxes|monthly_revenue)(_v[0-9]+)?$'
    loop
        execute format(
            'alter table projections.%I set (fillfactor = %s, autovacuum_vacuum_scale_factor = 0.02,'
            ' autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05)',
            changed, room
        );
    end loop;
end $$;
