-- Accounts that were taken over from another system bring account credit along, and what is not earned yet of what they
-- paid there. Its schedules have the invoice 0.
alter table finance_ledger.accounts add column taken_over numeric not null default 0;
alter table finance_ledger.transfers
    drop constraint transfers_kind_check,
    add constraint transfers_kind_check check (kind in (
        'issued', 'paid', 'credit_applied', 'overpaid', 'recovered', 'credited', 'credited_to_account', 'refund_asked',
        'refunded', 'refund_failed', 'reissued', 'paid_out', 'charged_back', 'late_failed', 'written_off', 'recognised',
        'taken_over'
    ));
