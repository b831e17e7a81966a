comment on column finance_ledger.accounts.taken_over is 'Account credit brought along from another system, as its events say.';
