comment on column finance_ledger.accounts.refunds_made is 'Refunds that were made, as its events say.';
