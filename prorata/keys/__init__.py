"""API keys: who may ask over HTTP, for which tenant and in which role. A key itself is shown once, when it is
made; the table keeps a keyed hash of it."""
