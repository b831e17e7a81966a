"""The read models, one in each module: its document, fold, tables and queries."""
