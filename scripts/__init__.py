"""What developers run: servers, the demo, benchmarks and chaos. Nothing here is needed in production."""
