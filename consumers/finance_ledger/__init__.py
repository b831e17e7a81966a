"""The finance ledger: a double-entry journal in PostgreSQL of what was invoiced, paid and earned.

    Consumer(FinanceLedger(), database_url, bootstrap).run(stop)      # prorata consume finance_ledger
    closing.close(connection, date(2026, 3, 1))                       # prorata ledger close 2026-03

Each row says on which clock its account lives; what is shown, closed and exported leaves test clocks out
unless they are asked for (R97).

An invoice is owed from its date (receivable) and earned day by day over the days that its lines are for
(deferred revenue, revenue). What a closed month did not know yet is booked on the first open day.
"""
