"""The read models: each module has a document, its fold, its tables and its queries."""
