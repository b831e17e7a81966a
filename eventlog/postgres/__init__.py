"""The log in PostgreSQL: connections, inserts, settled reads, streams, migrations."""
