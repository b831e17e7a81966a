-- What each table, view and column holds, for whoever reads them in a client: `\d+` of psql shows it.
comment on schema reporting is 'Views for analysts.';
comment on schema finance_ledger is 'A consumer: the books.';
comment on schema entitlement_cache is 'A consumer: who may use what.';
comment on schema consumers is 'What every consumer keeps.';
comment on schema publishing is 'What the relays keep.';
comment on schema service is 'What the service keeps beside the log.';
comment on schema projections is 'Read models: made of the log alone, and rebuilt from it.';
comment on schema operations is 'Which processes run.';

comment on table public.log is
    'This log''s identity: one row, made once. A restored backup keeps it.';
comment on column public.log.id is 'The log''s id: part of each event''s hash, and of what is published.';
comment on column public.log.created_at is 'When the log was made.';
comment on column public.log.one_row is 'Always true: there is one row.';

comment on table public.migrations is
    'The migrations that were applied to this database.';
comment on column public.migrations.source is 'The package whose tables it makes.';
comment on column public.migrations.name is 'The file''s name.';
comment on column public.migrations.sha256 is 'The digest of the file, which must not change any more.';
comment on column public.migrations.applied_at is 'When it was applied.';

comment on table public.events is
    'The one record of what happened: only ever added to.';
comment on column public.events.position is 'The place in the whole log, handed out by the database. Gaps are possible.';
comment on column public.events.account_id is 'The account, as tenant/account.';
comment on column public.events.version is 'The place in the account''s history, from 1 on, without gaps.';
comment on column public.events.shard is 'The part of the log that the account is in, by a hash of its id.';
comment on column public.events.event_id is 'The event''s id, made by whoever appends it.';
comment on column public.events.command_id is
    'The id of the command that it came of; none: it fell due by itself, or the command had none.';
comment on column public.events.type is 'What happened, such as plan_purchased.';
comment on column public.events.schema_version is 'The version of the type''s schema that `state` is written in.';
comment on column public.events.recorded_at is 'When it was appended; never before the account''s event before it.';
comment on column public.events.effective_at is 'From when on it counts.';
comment on column public.events.actor is 'Who gave the command, as the caller named them; may be personal.';
comment on column public.events.state is 'The event''s facts, JSON.';
comment on column public.events.previous_hash is 'The hash of the account''s event before it; zeros for the first one.';
comment on column public.events.hash is 'SHA-256 over the fields and the previous hash (eventlog/chain.py).';

comment on table projections.checkpoints is
    'Up to which event each read model is made, lane by lane.';
comment on column projections.checkpoints.projection is 'The read model; with _v and a number: its rebuild.';
comment on column projections.checkpoints.generation is 'Counts the rebuilds of the tables.';
comment on column projections.checkpoints.fold is 'The version of the newest fold that wrote rows; 0: none.';
comment on column projections.checkpoints.position is 'Every event of the lane up to this position is in the rows.';
comment on column projections.checkpoints.hash is 'The hash of the event at that position, by which another log is told.';
comment on column projections.checkpoints.turn is 'Counts every change of the row.';
comment on column projections.checkpoints.moved_at is 'When it was changed last.';
comment on column projections.checkpoints.lane is 'The lane, 0 to 7: an eighth of the log''s shards.';

comment on table projections.parked is
    'Accounts whose rows stopped before an event that could not be read, folded or written.';
comment on column projections.parked.projection is 'The read model.';
comment on column projections.parked.account_id is 'The account, as tenant/account.';
comment on column projections.parked.version is 'The version of the event that stopped it.';
comment on column projections.parked.position is 'The position of that event.';
comment on column projections.parked.error is 'Why.';
comment on column projections.parked.parked_at is 'Since when.';

comment on table projections.rebuilds is
    'Rebuilds that have begun and not ended.';
comment on column projections.rebuilds.projection is 'The read model.';
comment on column projections.rebuilds.generation is 'The generation of tables that it fills.';
comment on column projections.rebuilds.code is 'A digest of the code that folds: another one begins anew.';
comment on column projections.rebuilds.events is 'How many events there are to fold, at most.';
comment on column projections.rebuilds.indexed is 'Whether the tables have their indexes.';
comment on column projections.rebuilds.started_at is 'When it began.';

comment on table projections.rebuild_units is
    'The parts of a running rebuild, each a span of accounts.';
comment on column projections.rebuild_units.projection is 'The read model.';
comment on column projections.rebuild_units.unit is 'The part''s number.';
comment on column projections.rebuild_units.after is 'The accounts after this one …';
comment on column projections.rebuild_units.last is '… up to and including this one.';
comment on column projections.rebuild_units.events is 'How many events were folded; none: not done yet.';

comment on table projections.accounts is
    'Read model entitlements: each account.';
comment on column projections.accounts.account_id is 'The account, as tenant/account.';
comment on column projections.accounts.currency is 'The currency of its prices, ISO 4217.';
comment on column projections.accounts.time_zone is 'Its time zone, by which days begin.';
comment on column projections.accounts.status is 'How the account stands.';
comment on column projections.accounts.anchor is 'The day that its billing cycles are counted from.';
comment on column projections.accounts.next_renewal is 'The day of its next renewal; none: nothing renews.';
comment on column projections.accounts.support is 'Whether support is given.';
comment on column projections.accounts.as_of is 'The instant of the last event in the row.';
comment on column projections.accounts.version is 'The account''s version up to which this row was made.';
comment on column projections.accounts.revision is 'The position of the last event that made the row.';
comment on column projections.accounts.fold is 'The version of the fold that made the row.';

comment on table projections.entitlements is
    'Read model entitlements: each product that an account holds or held.';
comment on column projections.entitlements.account_id is 'The account, as tenant/account.';
comment on column projections.entitlements.product is 'The product.';
comment on column projections.entitlements.status is 'How it stands, such as active, paused or ended.';
comment on column projections.entitlements.renews is 'Whether it renews.';
comment on column projections.entitlements.access_until is
    'Until when it may be used, that instant excluded; none: no end is known.';
comment on column projections.entitlements.allowance is 'How many units are left of what is sold in blocks.';
comment on column projections.entitlements.version is 'The account''s version up to which this row was made.';
comment on column projections.entitlements.revision is 'The position of the last event that made the row.';
comment on column projections.entitlements.fold is 'The version of the fold that made the row.';

comment on table projections.access_accounts is
    'Read model access_windows: each account.';
comment on column projections.access_accounts.account_id is 'The account, as tenant/account.';
comment on column projections.access_accounts.time_zone is 'Its time zone.';
comment on column projections.access_accounts.version is 'The account''s version up to which this row was made.';
comment on column projections.access_accounts.revision is 'The position of the last event that made the row.';
comment on column projections.access_accounts.fold is 'The version of the fold that made the row.';

comment on table projections.access_windows is
    'Read model access_windows: when a product could or can be used.';
comment on column projections.access_windows.account_id is 'The account, as tenant/account.';
comment on column projections.access_windows.product is 'The product.';
comment on column projections.access_windows.n is 'The window''s number, from 1 on; 0: there is no window.';
comment on column projections.access_windows.begins_at is 'From when on, that instant included.';
comment on column projections.access_windows.ends_at is 'Until when, that instant excluded; none: no end is known.';
comment on column projections.access_windows.renews is 'Whether the end will move with the next renewal.';
comment on column projections.access_windows.version is 'The account''s version up to which this row was made.';
comment on column projections.access_windows.revision is 'The position of the last event that made the row.';
comment on column projections.access_windows.fold is 'The version of the fold that made the row.';

comment on table projections.invoices is
    'Read model invoices: each invoice.';
comment on column projections.invoices.account_id is 'The account, as tenant/account.';
comment on column projections.invoices.number is 'The invoice''s number in the account.';
comment on column projections.invoices.date is 'The day of the invoice, in the account''s time zone.';
comment on column projections.invoices.issued_at is 'When it was issued.';
comment on column projections.invoices.currency is 'Its currency.';
comment on column projections.invoices.total is 'The sum of its lines.';
comment on column projections.invoices.status is 'open, paid or uncollectible.';
comment on column projections.invoices.version is 'The account''s version up to which this row was made.';
comment on column projections.invoices.revision is 'The position of the last event that made the row.';
comment on column projections.invoices.fold is 'The version of the fold that made the row.';

comment on table projections.invoice_lines is
    'Read model invoices: each line of an invoice.';
comment on column projections.invoice_lines.account_id is 'The account, as tenant/account.';
comment on column projections.invoice_lines.number is 'The invoice''s number.';
comment on column projections.invoice_lines.line is 'The line''s number.';
comment on column projections.invoice_lines.product is 'The product.';
comment on column projections.invoice_lines.tier is 'The tier of a product that is sold in tiers.';
comment on column projections.invoice_lines.kind is 'What is charged for, such as a cycle or a block.';
comment on column projections.invoice_lines.from_date is 'The first day of the period.';
comment on column projections.invoice_lines.to_date is 'The day after its last one.';
comment on column projections.invoice_lines.days is 'Of a prorated line: the days that are charged.';
comment on column projections.invoice_lines.of_days is 'Of a prorated line: the days of the whole cycle.';
comment on column projections.invoice_lines.unit_price is 'The price of the whole cycle, or of one unit.';
comment on column projections.invoice_lines.quantity is 'How many units.';
comment on column projections.invoice_lines.amount is 'The line''s amount; negative: a credit.';
comment on column projections.invoice_lines.version is 'The account''s version up to which this row was made.';
comment on column projections.invoice_lines.revision is 'The position of the last event that made the row.';
comment on column projections.invoice_lines.fold is 'The version of the fold that made the row.';

comment on table projections.calendar is
    'Read model calendar: when something falls due next for each account.';
comment on column projections.calendar.account_id is 'The account, as tenant/account.';
comment on column projections.calendar.clock is 'wall, or test for an account whose time is set by hand.';
comment on column projections.calendar.due_at is 'When something falls due next; none: nothing does.';
comment on column projections.calendar.pending_payment is 'Whether a payment has no answer yet.';
comment on column projections.calendar.recorded_at is 'When the account''s last event was recorded.';
comment on column projections.calendar.version is 'The account''s version up to which this row was made.';
comment on column projections.calendar.revision is 'The position of the last event that made the row.';
comment on column projections.calendar.fold is 'The version of the fold that made the row.';

comment on table service.snapshots is
    'States of accounts with many events, to save folding them all. May be emptied at any time.';
comment on column service.snapshots.account_id is 'The account, as tenant/account.';
comment on column service.snapshots.version is 'Up to which version it is folded.';
comment on column service.snapshots.hash is 'The hash of that event.';
comment on column service.snapshots.recorded_at is 'When that event was recorded.';
comment on column service.snapshots.format is 'The digest of the code that can read it.';
comment on column service.snapshots.state is 'The state.';

comment on table service.catalogues is
    'The catalogue''s versions for accounts on the wall clock. Never changed.';
comment on column service.catalogues.version is 'Its number.';
comment on column service.catalogues.effective_from is 'From when on it is in force.';
comment on column service.catalogues.loaded_at is 'When it was loaded.';
comment on column service.catalogues.sha256 is 'The digest of the file.';
comment on column service.catalogues.body is 'The file.';

comment on table service.pinned_catalogues is
    'The catalogues of accounts on a test clock.';
comment on column service.pinned_catalogues.sha256 is 'The digest of the file.';
comment on column service.pinned_catalogues.body is 'The file.';

comment on table service.gateway_payments is
    'The test gateway''s books, as a payment provider has them.';
comment on column service.gateway_payments.key is 'The payment''s idempotency key: the id of the event that intends it.';
comment on column service.gateway_payments.answer is 'paid, declined or cancelled.';
comment on column service.gateway_payments.account_id is 'The account, as tenant/account.';
comment on column service.gateway_payments.amount is 'The amount.';
comment on column service.gateway_payments.currency is 'Its currency.';
comment on column service.gateway_payments.decided_at is 'When it was decided.';

comment on table service.gateway_methods is
    'The test gateway: saved methods that were set to work or not.';
comment on column service.gateway_methods.account_id is 'The account, as tenant/account.';
comment on column service.gateway_methods.works is 'Whether it works.';

comment on table service.withdrawn_catalogues is
    'Versions of the catalogue that were taken back before they came into force.';
comment on column service.withdrawn_catalogues.version is 'The version.';
comment on column service.withdrawn_catalogues.withdrawn_at is 'When it was taken back.';

comment on table operations.processes is
    'The long-running processes that are at work, and the last one of each name that is not any more.';
comment on column operations.processes.id is 'One run of a process.';
comment on column operations.processes.name is 'What it is, such as relay.';
comment on column operations.processes.host is 'Where it runs.';
comment on column operations.processes.pid is 'Its process id there.';
comment on column operations.processes.version is 'The release of Prorata.';
comment on column operations.processes.started_at is 'When it started.';
comment on column operations.processes.beat_at is 'Its last sign of life.';
comment on column operations.processes.turned_at is 'When its loop last went round.';
comment on column operations.processes.doing is 'What it does; what ended it.';
comment on column operations.processes.done_until is 'Everything before this instant has been done, where the process knows.';
comment on column operations.processes.ended_at is 'When it ended by itself.';

comment on table publishing.leases is
    'Which relay works on which stream.';
comment on column publishing.leases.stream is 'The stream, with the topics'' prefix.';
comment on column publishing.leases.holder is 'The holder''s id.';
comment on column publishing.leases.label is 'The holder''s process and host.';
comment on column publishing.leases.acquired_at is 'Since when.';
comment on column publishing.leases.expires_at is 'When it runs out unless it is renewed.';

comment on table publishing.halts is
    'The last halt of each stream''s relay, until one is at work again.';
comment on column publishing.halts.stream is 'The stream, with the topics'' prefix.';
comment on column publishing.halts.code is 'The stable code of what happened.';
comment on column publishing.halts.message is 'What happened and what to do.';
comment on column publishing.halts.halted_at is 'When.';

comment on table consumers.partitions is
    'How far each consumer is in each partition, and who reads it.';
comment on column consumers.partitions.consumer is 'The consumer; with _next or _before: of its replay.';
comment on column consumers.partitions.topic is 'The topic.';
comment on column consumers.partitions.partition is 'The partition.';
comment on column consumers.partitions.next_offset is 'The offset of the next record to take in.';
comment on column consumers.partitions.log_id is 'The log whose records these are.';
comment on column consumers.partitions.last_position is 'The position of the last event taken in.';
comment on column consumers.partitions.heartbeat_position is 'The position that the last heartbeat named.';
comment on column consumers.partitions.heartbeat_at is 'Everything in the log at this instant has been taken in.';
comment on column consumers.partitions.skipped is 'How many records had a type that the code did not know.';
comment on column consumers.partitions.claimed_by is 'The instance that reads the partition.';
comment on column consumers.partitions.claimed_until is 'Until when it holds it unless it claims again.';
comment on column consumers.partitions.topic_id is 'The broker''s id of the topic.';
comment on column consumers.partitions.last_offset is 'The offset of the last event taken in.';
comment on column consumers.partitions.last_hash is 'The hash of that event.';

comment on table consumers.revisions is
    'The newest state taken in of each key of a state topic.';
comment on column consumers.revisions.consumer is 'The consumer; with _next or _before: of its replay.';
comment on column consumers.revisions.topic is 'The topic.';
comment on column consumers.revisions.key is 'The record''s key.';
comment on column consumers.revisions.fold is 'The version of the fold that made it.';
comment on column consumers.revisions.revision is 'The position of the last event in it.';

comment on table consumers.dead_letters is
    'Records that could not be handled, and those that wait behind them.';
comment on column consumers.dead_letters.consumer is 'The consumer; with _next or _before: of its replay.';
comment on column consumers.dead_letters.topic is 'The topic.';
comment on column consumers.dead_letters.partition is 'The partition.';
comment on column consumers.dead_letters.record_offset is 'The record''s offset.';
comment on column consumers.dead_letters.key is 'The record''s key.';
comment on column consumers.dead_letters.value is 'The record''s value, as it was read.';
comment on column consumers.dead_letters.header_names is 'The names of its headers.';
comment on column consumers.dead_letters.header_values is 'Their values.';
comment on column consumers.dead_letters.sent_at is 'The record''s time.';
comment on column consumers.dead_letters.error is 'What was wrong; none: it waits behind an earlier record of its key.';
comment on column consumers.dead_letters.parked_at is 'When it was parked.';

comment on table consumers.halts is
    'The last halt of each consumer, until it takes records in again.';
comment on column consumers.halts.consumer is 'The consumer; with _next or _before: of its replay.';
comment on column consumers.halts.code is 'The stable code of what happened.';
comment on column consumers.halts.message is 'What happened and what to do.';
comment on column consumers.halts.halted_at is 'When.';

comment on table entitlement_cache.windows is
    'When an account could or can use a product, as it was published.';
comment on column entitlement_cache.windows.account_id is 'The account, as tenant/account.';
comment on column entitlement_cache.windows.product is 'The product.';
comment on column entitlement_cache.windows.begins_at is 'From when on, that instant included.';
comment on column entitlement_cache.windows.ends_at is 'Until when, that instant excluded; none: no end is known.';
comment on column entitlement_cache.windows.renews is 'Whether the end will move.';

comment on table finance_ledger.transfers is
    'The journal in double entry: each row takes an amount out of one ledger account and puts it into another.';
comment on column finance_ledger.transfers.id is 'The order of booking.';
comment on column finance_ledger.transfers.day is 'The day that it is booked on, never one of a closed month.';
comment on column finance_ledger.transfers.effective is 'The day that it is about.';
comment on column finance_ledger.transfers.kind is 'issued, paid, written_off or recognised.';
comment on column finance_ledger.transfers.debit is 'The ledger account that is debited.';
comment on column finance_ledger.transfers.credit is 'The ledger account that is credited.';
comment on column finance_ledger.transfers.currency is 'The currency.';
comment on column finance_ledger.transfers.amount is 'The amount, above zero.';
comment on column finance_ledger.transfers.product is 'The product.';
comment on column finance_ledger.transfers.account_id is 'The account, as tenant/account. None: recognised for many together.';
comment on column finance_ledger.transfers.invoice is 'The invoice''s number.';
comment on column finance_ledger.transfers.line is 'The invoice line''s number.';
comment on column finance_ledger.transfers.position is 'The position of the event that says so.';

comment on table finance_ledger.invoices is
    'The invoices that were published, as far as the books need them.';
comment on column finance_ledger.invoices.account_id is 'The account, as tenant/account.';
comment on column finance_ledger.invoices.number is 'The invoice''s number.';
comment on column finance_ledger.invoices.date is 'The invoice''s day.';
comment on column finance_ledger.invoices.currency is 'The currency.';
comment on column finance_ledger.invoices.total is 'The invoice''s total.';
comment on column finance_ledger.invoices.status is 'open, paid or uncollectible.';

comment on table finance_ledger.schedules is
    'Invoice lines as revenue to be recognised evenly over their days.';
comment on column finance_ledger.schedules.account_id is 'The account, as tenant/account.';
comment on column finance_ledger.schedules.invoice is 'The invoice''s number.';
comment on column finance_ledger.schedules.line is 'The line''s number.';
comment on column finance_ledger.schedules.product is 'The product.';
comment on column finance_ledger.schedules.currency is 'The currency.';
comment on column finance_ledger.schedules.digits is 'The decimals of the currency.';
comment on column finance_ledger.schedules.amount is 'The line''s amount.';
comment on column finance_ledger.schedules.begins is 'The first day that it is earned on.';
comment on column finance_ledger.schedules.ends is 'The day after the last one.';
comment on column finance_ledger.schedules.next_day is 'The first day that is not recognised yet.';
comment on column finance_ledger.schedules.recognised is 'The amount recognised so far.';
comment on column finance_ledger.schedules.held is 'Whether recognition waits for the invoice to be paid.';
comment on column finance_ledger.schedules.written_off is 'Whether the invoice was written off.';

comment on table finance_ledger.closings is
    'The closed months: nothing is booked on a day of them any more.';
comment on column finance_ledger.closings.last_day is 'The month''s last day.';
comment on column finance_ledger.closings.closed_at is 'When it was closed.';

comment on table finance_ledger.closing_balances is
    'What each closed month ended with.';
comment on column finance_ledger.closing_balances.last_day is 'The month''s last day.';
comment on column finance_ledger.closing_balances.currency is 'The currency.';
comment on column finance_ledger.closing_balances.ledger_account is 'The ledger account.';
comment on column finance_ledger.closing_balances.debits is 'All that was debited up to that day.';
comment on column finance_ledger.closing_balances.credits is 'All that was credited up to that day.';
comment on column finance_ledger.closing_balances.balance is 'Debits less credits.';

comment on view reporting.accounts is
    'Each account as it stands now.';
comment on column reporting.accounts.account_id is 'The account, as tenant/account.';
comment on column reporting.accounts.tenant is 'The tenant, which is the first part of the account''s id.';
comment on column reporting.accounts.clock is
    'wall, or test for an account whose time is set by hand: leave these out of figures of the business.';
comment on column reporting.accounts.currency is 'The currency of its prices, ISO 4217.';
comment on column reporting.accounts.time_zone is 'Its time zone, by which days begin.';
comment on column reporting.accounts.status is 'How the account stands.';
comment on column reporting.accounts.anchor is 'The day that its billing cycles are counted from.';
comment on column reporting.accounts.next_renewal is 'The day of its next renewal; none: nothing renews.';
comment on column reporting.accounts.due_at is 'When something falls due next; none: nothing does.';
comment on column reporting.accounts.as_of is 'The instant of its last event.';

comment on view reporting.entitlements is
    'Each product that an account holds or held.';
comment on column reporting.entitlements.account_id is 'The account, as tenant/account.';
comment on column reporting.entitlements.product is 'The product.';
comment on column reporting.entitlements.status is 'How it stands, such as active, paused or ended.';
comment on column reporting.entitlements.renews is 'Whether it renews.';
comment on column reporting.entitlements.access_until is
    'Until when it may be used, that instant excluded; none: no end is known.';
comment on column reporting.entitlements.allowance is 'How many units are left of what is sold in blocks.';

comment on view reporting.access_windows is
    'When an account could or can use a product: one row a window.';
comment on column reporting.access_windows.account_id is 'The account, as tenant/account.';
comment on column reporting.access_windows.product is 'The product.';
comment on column reporting.access_windows.number is 'The window''s number, from 1 on.';
comment on column reporting.access_windows.begins_at is 'From when on, that instant included.';
comment on column reporting.access_windows.ends_at is 'Until when, that instant excluded; none: no end is known.';
comment on column reporting.access_windows.renews is 'Whether the end will move with the next renewal.';

comment on view reporting.invoices is
    'Each invoice.';
comment on column reporting.invoices.account_id is 'The account, as tenant/account.';
comment on column reporting.invoices.number is 'The invoice''s number in the account.';
comment on column reporting.invoices.date is 'The day of the invoice, in the account''s time zone.';
comment on column reporting.invoices.issued_at is 'When it was issued.';
comment on column reporting.invoices.currency is 'Its currency.';
comment on column reporting.invoices.total is 'The sum of its lines.';
comment on column reporting.invoices.status is 'open, paid or uncollectible.';

comment on view reporting.invoice_lines is
    'Each line of each invoice, with the invoice''s day and currency.';
comment on column reporting.invoice_lines.account_id is 'The account, as tenant/account.';
comment on column reporting.invoice_lines.number is 'The invoice''s number.';
comment on column reporting.invoice_lines.line is 'The line''s number.';
comment on column reporting.invoice_lines.date is 'The day of the invoice, in the account''s time zone.';
comment on column reporting.invoice_lines.currency is 'Its currency.';
comment on column reporting.invoice_lines.product is 'The product.';
comment on column reporting.invoice_lines.tier is 'The tier of a product that is sold in tiers.';
comment on column reporting.invoice_lines.kind is 'What is charged for, such as a cycle or a block.';
comment on column reporting.invoice_lines.from_date is 'The first day of the period.';
comment on column reporting.invoice_lines.to_date is 'The day after its last one.';
comment on column reporting.invoice_lines.days is 'Of a prorated line: the days that are charged.';
comment on column reporting.invoice_lines.of_days is 'Of a prorated line: the days of the whole cycle.';
comment on column reporting.invoice_lines.unit_price is 'The price of the whole cycle, or of one unit.';
comment on column reporting.invoice_lines.quantity is 'How many units.';
comment on column reporting.invoice_lines.amount is 'The line''s amount; negative: a credit.';

comment on view reporting.revenue_by_month is
    'Revenue as the books recognised it, by month, currency and product.';
comment on column reporting.revenue_by_month.month is 'The month''s first day.';
comment on column reporting.revenue_by_month.currency is 'The currency.';
comment on column reporting.revenue_by_month.product is 'The product; none: it is not told apart.';
comment on column reporting.revenue_by_month.amount is 'What was earned in that month, on the days that it was booked on.';
