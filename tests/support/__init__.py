"""The tests' helpers: drivers, processes, records and the shared servers. It holds no test."""
